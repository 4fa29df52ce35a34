"""Wake: an event, or a person's wish, becomes a change of a pool's state and a job to assess it."""

import logging
from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from shared.azure_ids import require_cluster_id
from shared.errors import Permanent, Transient
from shared.events import parse
from shared.flow.jobs import ASSESSMENTS, Assessment, title
from shared.model import Wake, encode
from shared.services import Services
from shared.watch import operations
from shared.watch.operations import Decision
from shared.watch.state import PoolState
from shared.watch.store import Conflict, Row

log = logging.getLogger("pullwatch")

MOST_CONFLICTS = 8
ONCE_IN = timedelta(minutes=1)
"""One assessment of a pool in this time, whoever asks for it; those of an operation have their own rhythm."""


def receive(services: Services, text: str | bytes) -> list[str]:
    """Everything one delivery of Event Grid means; the named outcome of each event in it."""
    outcomes = []
    for wake in parse(text):
        try:
            outcomes.append(_act_on(services, wake))
        except Permanent as refusal:
            outcomes.append(record(services, replace(wake, kind="rejected", reason=str(refusal))))
    return outcomes


def _act_on(services: Services, wake: Wake) -> str:
    match wake.kind:
        case "upgrade_started" | "upgrade_succeeded" | "upgrade_failed":
            return _on_upgrade(services, wake)
        case "scale_set_written" | "scale_set_shrunk":
            return on_scale_set(services, wake)
        case _:
            return record(services, wake)


def _on_upgrade(services: Services, wake: Wake) -> str:
    cluster = look_up(services, lambda fleet: fleet.cluster(wake.cluster_id))
    ref = look_up(services, lambda fleet: fleet.pool(wake.cluster_id, wake.pool))
    known = replace(wake, cluster_id=cluster.id, pool=ref.name)
    target = cluster.kubernetes_version
    return decide(services, known, lambda state: operations.on_upgrade(state, known, target, services.clock()))


def on_scale_set(services: Services, wake: Wake) -> str:
    """The event holds no node count: the scale set itself is asked, and compared with what was.

    A pool of single machines has no such event: the screening finds that it has grown.
    """
    if wake.vmss_id:
        ref = services.fleet().pool_of_scale_set(wake.vmss_id) or services.fleet(fresh=True).pool_of_scale_set(wake.vmss_id)
    else:
        ref = look_up(services, lambda fleet: fleet.pool(wake.cluster_id, wake.pool))
    if ref is None:
        return record(services, replace(wake, kind="ignored", reason="the scale set is no node pool of a watched cluster"))
    known = replace(wake, cluster_id=ref.cluster_id, pool=ref.name, vmss_id=ref.vmss_id)
    capacity = (services.azure.scale_set(ref.vmss_id).get("sku") or {}).get("capacity") if ref.vmss_id else ref.capacity
    if not isinstance(capacity, int):
        return record(services, replace(known, kind="ignored", reason="Azure does not say how many nodes the scale set has"))
    return decide(services, known, lambda state: operations.on_capacity(state, known, capacity, services.clock()))


def look_up[T](services: Services, find: Callable[..., T]) -> T:
    """In the fleet as kept; what is missing there may be new, so Azure is asked before it is refused."""
    try:
        return find(services.fleet())
    except Permanent:
        return find(services.fleet(fresh=True))


def decide(services: Services, wake: Wake, decision_of: Callable[[PoolState], Decision]) -> str:
    """Reads the pool's row, decides, stores; again if somebody else was faster."""

    def once(row: Row[PoolState]) -> Decision:
        decision = decision_of(row.value)
        if decision.state != row.value:
            services.store.put_pool(wake.cluster_id, Row(decision.state, row.etag))
        return decision

    decision = settle(services, wake.cluster_id, wake.pool, once)
    operation = decision.state.operation
    log.info("%s on %s: %s operation=%s", wake.kind, title(wake.cluster_id, wake.pool), decision.reason, operation.id if operation else "none")
    _ask_for_assessment(services, wake.cluster_id, decision)
    return decision.reason


def _ask_for_assessment(services: Services, cluster_id: str, decision: Decision) -> None:
    operation = decision.state.operation
    if decision.assess == "no" or operation is None:
        return
    final = decision.assess == "final"
    delay = services.settings.metrics_lag_seconds if final else min(services.settings.watch_interval_seconds, 60)
    due = services.clock() + timedelta(seconds=delay)
    job = Assessment(cluster_id, decision.state.pool, operation.id, final, decision.reason, due)
    services.enqueue(ASSESSMENTS, encode(job), delay)


def ask_for_assessment(services: Services, cluster_id: str, pool: str, reason: str, delay_seconds: float = 0.0) -> bool:
    """Asks for an assessment that belongs to no operation; False: one is asked for at about that time already."""
    due = services.clock() + timedelta(seconds=delay_seconds)

    def once(row: Row[PoolState]) -> bool:
        if row.value.asked_at is not None and abs(due - row.value.asked_at) < ONCE_IN:
            return False
        services.store.put_pool(cluster_id, Row(replace(row.value, asked_at=due), row.etag))
        return True

    first = settle(services, cluster_id, pool, once)
    if first:
        services.enqueue(ASSESSMENTS, encode(Assessment(cluster_id, pool, reason=reason, asked_at=due)), delay_seconds)
    return first


def settle[T](services: Services, cluster_id: str, pool: str, once: Callable[[Row[PoolState]], T]) -> T:
    """Runs ``once`` on the pool's row until nobody else writes it in between."""
    for _ in range(MOST_CONFLICTS):
        try:
            return once(services.store.pool(cluster_id, pool))
        except Conflict:
            continue
    raise Transient(f"The state of {title(cluster_id, pool)} is changed by others all the time; the message will come again.")


def record(services: Services, wake: Wake) -> str:
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
    ref = look_up(services, lambda fleet: fleet.pool(require_cluster_id(wish["cluster"]), wish["pool"]))
    ask_for_assessment(services, ref.cluster_id, ref.name, "asked_for")
    return title(ref.cluster_id, ref.name)
