"""The way of one event, verb by verb: wake → collect → diagnose → watch → notify.

Each function here is what one trigger calls. What is decided is decided in ``events``, ``diagnose`` and
``watch``; here it is only read, stored and passed on. Queue messages come at least once: every step
looks at the row first and does nothing twice.
"""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.azure_ids import id_key, require_cluster_id, segment
from shared.collect.case import Question, collect_case
from shared.diagnose import diagnose
from shared.errors import Permanent, PullwatchError, Transient
from shared.events import parse
from shared.model import (
    Case,
    Delivery,
    Diagnosis,
    Notice,
    Operation,
    Severity,
    Value,
    Wake,
    Window,
    decode,
    encode,
)
from shared.services import Services
from shared.watch import incidents, operations, outbox
from shared.watch.incidents import Outcome
from shared.watch.operations import Decision
from shared.watch.state import PoolState
from shared.watch.store import Conflict, Row

log = logging.getLogger("pullwatch")

ASSESSMENTS, DELIVERIES, EVENTS = "assessments", "deliveries", "azure-events"
LONGEST_WINDOW = timedelta(hours=6)
AFTER_END = timedelta(minutes=2)
"""Pulls that an operation started may end a little after it."""
MOST_CONFLICTS = 8
STUCK_AFTER = timedelta(minutes=5)
"""A watch without a sign of life for so long lost its message in a crash."""


class Assessment(Value, frozen=True):
    """Message on the queue ``assessments``."""

    cluster_id: str
    pool: str
    operation_id: str = ""
    """The operation this belongs to; empty for a suspect of the screening."""
    final: bool = False
    reason: str = ""


class DeliveryJob(Value, frozen=True):
    """Message on the queue ``deliveries``."""

    cluster_id: str
    delivery_id: str


# --- wake ------------------------------------------------------------------------------------


def receive(services: Services, text: str | bytes) -> list[str]:
    """Everything one delivery of Event Grid means; the named outcome of each event in it."""
    outcomes = []
    for wake in parse(text):
        try:
            outcomes.append(_act_on(services, wake))
        except Permanent as refusal:
            outcomes.append(_record(services, replace(wake, kind="rejected", reason=str(refusal))))
    return outcomes


def _act_on(services: Services, wake: Wake) -> str:
    match wake.kind:
        case "upgrade_started" | "upgrade_succeeded" | "upgrade_failed":
            return _on_upgrade(services, wake)
        case "scale_set_written" | "scale_set_shrunk":
            return _on_scale_set(services, wake)
        case _:
            return _record(services, wake)


def _on_upgrade(services: Services, wake: Wake) -> str:
    cluster = _look_up(services, lambda fleet: fleet.cluster(wake.cluster_id))
    ref = _look_up(services, lambda fleet: fleet.pool(wake.cluster_id, wake.pool))
    known = replace(wake, cluster_id=cluster.id, pool=ref.name)
    target = cluster.kubernetes_version
    return _decide(services, known, lambda state: operations.on_upgrade(state, known, target, services.clock()))


def _on_scale_set(services: Services, wake: Wake) -> str:
    """The event holds no node count: the scale set itself is asked, and compared with what was."""
    if wake.vmss_id:
        ref = services.fleet().pool_of_scale_set(wake.vmss_id) or services.fleet(fresh=True).pool_of_scale_set(wake.vmss_id)
    else:
        ref = _look_up(services, lambda fleet: fleet.pool(wake.cluster_id, wake.pool))
    if ref is None:
        return _record(services, replace(wake, kind="ignored", reason="the scale set is no node pool of a watched cluster"))
    known = replace(wake, cluster_id=ref.cluster_id, pool=ref.name, vmss_id=ref.vmss_id)
    capacity = int((services.azure.scale_set(ref.vmss_id).get("sku") or {}).get("capacity") or 0)
    return _decide(services, known, lambda state: operations.on_capacity(state, known, capacity, services.clock()))


def _look_up[T](services: Services, find: Callable[..., T]) -> T:
    """In the fleet as kept; what is missing there may be new, so Azure is asked before it is refused."""
    try:
        return find(services.fleet())
    except Permanent:
        return find(services.fleet(fresh=True))


def _decide(services: Services, wake: Wake, decision_of: Callable[[PoolState], Decision]) -> str:
    """Reads the pool's row, decides, stores; again if somebody else was faster."""

    def once(row: Row[PoolState]) -> Decision:
        decision = decision_of(row.value)
        if decision.state != row.value:
            services.store.put_pool(wake.cluster_id, Row(decision.state, row.etag))
        return decision

    decision = _settle(services, wake.cluster_id, wake.pool, once)
    log.info("%s on %s: %s", wake.kind, _name(wake.cluster_id, wake.pool), decision.reason)
    _ask_for_assessment(services, wake.cluster_id, decision)
    return decision.reason


def _ask_for_assessment(services: Services, cluster_id: str, decision: Decision) -> None:
    operation = decision.state.operation
    if decision.assess == "no" or operation is None:
        return
    final = decision.assess == "final"
    job = Assessment(cluster_id, decision.state.pool, operation.id, final, decision.reason)
    delay = services.settings.metrics_lag_seconds if final else min(services.settings.watch_interval_seconds, 60)
    services.enqueue(ASSESSMENTS, encode(job), delay)


def _settle[T](services: Services, cluster_id: str, pool: str, once: Callable[[Row[PoolState]], T]) -> T:
    """Runs ``once`` on the pool's row until nobody else writes it in between."""
    for _ in range(MOST_CONFLICTS):
        try:
            return once(services.store.pool(cluster_id, pool))
        except Conflict:
            continue
    raise Transient(f"The state of {_name(cluster_id, pool)} is changed by others all the time; the message will come again.")


def _record(services: Services, wake: Wake) -> str:
    services.store.record_event(wake, services.clock())
    level = logging.WARNING if wake.kind == "rejected" else logging.INFO
    log.log(level, "event %s: %s", wake.kind, wake.reason)
    return wake.kind


def request_assessment(services: Services, body: bytes) -> str:
    """A person's wish from outside, ``{"cluster": ID, "pool": NAME}``. Raises ``Permanent`` if it cannot be."""
    import msgspec

    try:
        wish = msgspec.json.decode(body, type=dict[str, str])
    except msgspec.DecodeError:
        wish = {}
    if not (wish.get("cluster") and wish.get("pool")):
        raise Permanent('The body must be {"cluster": "<AKS resource id>", "pool": "<node pool>"}.')
    ref = _look_up(services, lambda fleet: fleet.pool(require_cluster_id(wish["cluster"]), wish["pool"]))
    services.enqueue(ASSESSMENTS, encode(Assessment(ref.cluster_id, ref.name, reason="asked_for")))
    return _name(ref.cluster_id, ref.name)


# --- collect, diagnose, watch ----------------------------------------------------------------


def assess(services: Services, job: Assessment) -> Diagnosis | None:
    """One assessment of one pool, and what follows from it. None: it was not due, or not possible."""
    state = services.store.pool(job.cluster_id, job.pool).value
    due = _why_not_due(state, job)
    if due:
        log.info("assessment of %s skipped: %s", _name(job.cluster_id, job.pool), due)
        return None
    try:
        case = collect(services, job.cluster_id, job.pool, state.operation)
    except Permanent as refusal:
        _record(services, Wake(kind="rejected", cluster_id=job.cluster_id, pool=job.pool, reason=str(refusal)))
        return None
    diagnosis = diagnose(case, services.settings.thresholds)
    _conclude(services, job, case, diagnosis)
    return diagnosis


def _why_not_due(state: PoolState, job: Assessment) -> str:
    if not job.operation_id:
        return ""
    if state.operation is None or state.operation.id != job.operation_id:
        return "the operation is summed up already"
    if state.operation.ended_at is not None and not job.final:
        return "the operation has ended; its final assessment is on the way"
    return ""


def collect(services: Services, cluster_id: str, pool: str, operation: Operation | None = None,
            window: Window | None = None) -> Case:
    """The Case of a pool: of its operation, of the window given, or of the last minutes."""
    now = services.clock()
    question = Question(cluster_id, pool, window or window_of(services, operation, now),
                        services.settings.baseline_hours, now, operation)
    _look_up(services, lambda fleet: fleet.pool(cluster_id, pool))
    return collect_case(services.azure, services.fleet(), question)


def window_of(services: Services, operation: Operation | None, now: datetime) -> Window:
    """An operation from its start on, at least ``window_minutes`` when its start is not known."""
    recent = timedelta(minutes=services.settings.window_minutes)
    if operation is None:
        return Window(now - recent, now)
    end = min(now, operation.ended_at + AFTER_END) if operation.ended_at else now
    start = operation.started_at
    if operation.ended_at is not None and operation.ended_at - start < timedelta(minutes=1):
        start = operation.ended_at - recent
    return Window(max(start, end - LONGEST_WINDOW), max(end, start + timedelta(minutes=1)))


def _conclude(services: Services, job: Assessment, case: Case, diagnosis: Diagnosis) -> None:
    """Stores the new state and its deliveries in one transaction, then passes the deliveries on."""
    settings, now = services.settings, services.clock()

    def once(row: Row[PoolState]) -> tuple[Outcome, list[Delivery]]:
        if job.final:
            outcome = incidents.summed_up(row.value, diagnosis, now, settings.summaries)
        else:
            outcome = incidents.assessed(row.value, diagnosis, now, settings.calm_checks)
        deliveries = _deliveries(services, outcome.notice, now)
        if outcome.notice is not None:
            services.save_blob(_notice_blob(outcome.notice.id), encode(outcome.notice))
        services.store.put_pool(job.cluster_id, Row(outcome.state, row.etag), deliveries)
        return outcome, deliveries

    outcome, deliveries = _settle(services, job.cluster_id, job.pool, once)
    log.info("%s: %s, %s (%s)", _name(job.cluster_id, job.pool), diagnosis.cause.value, outcome.reason, diagnosis.headline)
    if outcome.notice is not None or diagnosis.severity is not Severity.OK:
        services.save_blob(f"cases/{case.id}.json", encode(case))
    for delivery in deliveries:
        _enqueue_delivery(services, delivery)
    operation = outcome.state.operation
    if job.operation_id and operation is not None and operation.ended_at is None:
        services.enqueue(ASSESSMENTS, encode(job), settings.watch_interval_seconds)


def _deliveries(services: Services, notice: Notice | None, now: datetime) -> list[Delivery]:
    if notice is None:
        return []
    return [Delivery(id=f"{notice.id}-{receiver}", notice_id=notice.id, cluster_id=notice.diagnosis.cluster.id,
                     receiver=receiver, created_at=now, updated_at=now) for receiver in services.settings.receivers]


def _notice_blob(notice_id: str) -> str:
    return f"notices/{notice_id}.json"


def _enqueue_delivery(services: Services, delivery: Delivery, delay_seconds: float = 0.0) -> None:
    services.enqueue(DELIVERIES, encode(DeliveryJob(delivery.cluster_id, delivery.id)), delay_seconds)


# --- notify ----------------------------------------------------------------------------------


def deliver(services: Services, job: DeliveryJob) -> str:
    """One attempt to tell one receiver; its named outcome. The ledger row is written before and after."""
    row = services.store.delivery(job.cluster_id, job.delivery_id)
    if row is None:
        return "nothing_to_do"
    now = services.clock()
    reason = outbox.why_not_now(row.value, now)
    if reason:
        return reason
    try:
        row = services.store.put_delivery(Row(outbox.taken(row.value, now), row.etag))
    except Conflict:
        return "in_other_hands"
    notice = decode(services.load_blob(_notice_blob(row.value.notice_id)), Notice)
    return _attempt(services, row, notice)


def _attempt(services: Services, row: Row[Delivery], notice: Notice) -> str:
    try:
        services.send(row.value.receiver, notice)
    except PullwatchError as error:
        return _after_failure(services, row, error)
    services.store.put_delivery(Row(outbox.delivered(row.value, services.clock()), row.etag))
    log.info("%s told: %s", row.value.receiver, notice.diagnosis.headline)
    return "delivered"


def _after_failure(services: Services, row: Row[Delivery], error: PullwatchError) -> str:
    now = services.clock()
    delivery = outbox.failed(row.value, error, now, random.random())  # noqa: S311 (jitter)
    services.store.put_delivery(Row(delivery, row.etag))
    if delivery.due_at is None:
        log.error("%s refused the message for good: %s", delivery.receiver, delivery.reason)
        return "parked"
    wait_seconds = (delivery.due_at - now).total_seconds()
    _enqueue_delivery(services, delivery, wait_seconds)
    log.warning("%s not told yet, again in %.0f s: %s", delivery.receiver, wait_seconds, delivery.reason)
    return "retry_later"


# --- timers ----------------------------------------------------------------------------------


def sweep(services: Services) -> list[str]:
    """Screens the fleet, asks for an assessment of every suspect, and notices growth that no event told."""
    from shared.collect.screening import screen

    fleet = services.fleet(fresh=True)
    screened = screen(services.azure, fleet.pools, services.settings, services.clock())
    open_incidents = {(id_key(cluster), row.value.pool.lower()) for cluster, row in services.store.all_pools() if row.value.incident}
    asked = []
    for ref in fleet.pools:
        wake = Wake(kind="scale_set_written", cluster_id=ref.cluster_id, pool=ref.name, vmss_id=ref.vmss_id)
        if services.store.pool(ref.cluster_id, ref.name).value.capacity != ref.capacity:
            _on_scale_set(services, wake)
        if ref.vmss_id in screened.suspects or (id_key(ref.cluster_id), ref.name.lower()) in open_incidents:
            services.enqueue(ASSESSMENTS, encode(Assessment(ref.cluster_id, ref.name, reason="suspect")))
            asked.append(_name(ref.cluster_id, ref.name))
    log.info("screened %d pools, %d not seen, %d to assess", len(fleet.pools), len(screened.not_seen), len(asked))
    for vmss_id, why in screened.not_seen.items():
        log.warning("%s was not screened: %s", segment(vmss_id, "virtualMachineScaleSets"), why)
    return asked


def tidy(services: Services) -> None:
    """Closes what time closes, and takes up what a crash left behind."""
    settings = services.settings
    scale_out, timeout = timedelta(minutes=settings.scale_out_minutes), timedelta(minutes=settings.operation_timeout_minutes)
    for cluster_id, row in list(services.store.all_pools()):
        wake = Wake(kind="ignored", cluster_id=cluster_id, pool=row.value.pool)
        if row.value.operation is not None:
            _decide(services, wake, lambda state: operations.on_time(state, services.clock(), scale_out, timeout))
            _resume(services, cluster_id, row.value, services.clock())
    for delivery in [row.value for row in services.store.deliveries()]:
        if outbox.left_behind(delivery, services.clock()):
            _enqueue_delivery(services, delivery)


def _resume(services: Services, cluster_id: str, state: PoolState, now: datetime) -> None:
    """An operation that nobody assesses any more lost its message: it gets a new one."""
    operation = state.operation
    if operation is None:
        return
    settings = services.settings
    patience = STUCK_AFTER + 2 * timedelta(seconds=max(settings.watch_interval_seconds, settings.metrics_lag_seconds))
    if now - max(state.assessed_at or operation.seen_at, operation.seen_at) > patience:
        final = operation.ended_at is not None
        services.enqueue(ASSESSMENTS, encode(Assessment(cluster_id, state.pool, operation.id, final, "resumed")))


def _name(cluster_id: str, pool: str) -> str:
    return f"{segment(cluster_id, 'managedClusters')} / {pool}"
