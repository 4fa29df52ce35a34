"""Collect, diagnose, watch: one assessment of one pool, and what follows from it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.collect.case import Question, collect_case
from shared.diagnose import diagnose
from shared.errors import NotWatched, Permanent
from shared.flow import outgoing
from shared.flow.jobs import ASSESSMENTS, Assessment, title
from shared.flow.wake import look_up, record, settle
from shared.model import Case, Diagnosis, Incident, Notice, Operation, Severity, Value, Wake, Window, encode
from shared.services import Services
from shared.telemetry import count, span
from shared.watch import incidents
from shared.watch.incidents import Outcome
from shared.watch.state import PoolState
from shared.watch.store import Row

log = logging.getLogger("pullwatch")

LONGEST_WINDOW = timedelta(hours=6)
AFTER_END = timedelta(minutes=2)
"""Pulls that an operation started may end a little after it."""


type Look = Callable[[Operation | None, Incident | None], tuple[Case, Diagnosis]]


def assess(services: Services, job: Assessment) -> Diagnosis | None:
    """One assessment of one pool, and what follows from it. None: it was not due, or not possible."""

    def look(operation: Operation | None, incident: Incident | None) -> tuple[Case, Diagnosis]:
        case = collect(services, job.cluster_id, job.pool, operation, incident=incident)
        return case, diagnose(case, services.settings.thresholds)

    with span("assess", cluster=job.cluster_id, pool=job.pool, operation=job.operation_id):
        return watch(services, job, look)


def watch(services: Services, job: Assessment, look: Look) -> Diagnosis | None:
    """``look`` at the pool, if that is due, and conclude from what was seen."""
    state = services.store.pool(job.cluster_id, job.pool).value
    if reason := _why_not_due(state, job):
        log.info("assessment of %s skipped: %s", title(job.cluster_id, job.pool), reason)
        count("assessments", outcome="not_due")
        _look_again(services, job, state)
        return None
    try:
        case, diagnosis = look(state.named(job.operation_id) if job.operation_id else state.operation, state.incident)
    except NotWatched as problem:
        _forget(services, job, str(problem))
        return None
    except Permanent as refusal:
        record(services, Wake(kind="rejected", cluster_id=job.cluster_id, pool=job.pool, reason=str(refusal)))
        count("assessments", outcome="refused")
        return None
    _conclude(services, job, case, diagnosis)
    count("assessments", outcome="done")
    return diagnosis


def _why_not_due(state: PoolState, job: Assessment) -> str:
    if not job.final and job.asked_at is not None and state.assessed_at is not None and state.assessed_at >= job.asked_at:
        return "it was assessed since it was asked for"
    if not job.operation_id:
        return ""
    operation = state.named(job.operation_id)
    if operation is None:
        return "the operation is summed up already"
    if operation.ended_at is not None and not job.final:
        return "the operation has ended; its final assessment is on the way"
    return ""


def _look_again(services: Services, job: Assessment, state: PoolState) -> None:
    """While the job's operation is open it is assessed again and again."""
    operation = state.named(job.operation_id)
    if operation is not None and operation.ended_at is None:
        seconds = services.settings.watch_interval_seconds
        services.enqueue(ASSESSMENTS, encode(replace(job, asked_at=services.clock() + timedelta(seconds=seconds))), seconds)


def collect(services: Services, cluster_id: str, pool: str, operation: Operation | None = None,
            window: Window | None = None, incident: Incident | None = None) -> Case:
    """The Case of a pool: of its operation, of the window given, or of the last minutes."""
    now = services.clock()
    window = window or window_of(services, operation, now)
    usual_until = None if incident is None else incident.opened_at - timedelta(minutes=services.settings.window_minutes)
    question = Question(cluster_id, pool, window, services.settings.baseline_hours, now, operation, usual_until)
    look_up(services, lambda fleet: fleet.pool(cluster_id, pool))
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
    """Stores the new state and what it has people told, in one transaction, then passes it on."""
    settings, now = services.settings, services.clock()

    def outcome_of(state: PoolState) -> Outcome:
        if reason := _why_not_due(state, job):  # another worker was faster than the reading of Azure
            return Outcome(state, reason)
        if job.final:
            outcome = incidents.summed_up(state, job.operation_id, diagnosis, now, settings.summaries)
        else:
            outcome = incidents.assessed(state, diagnosis, now, settings.calm_checks)
        if outcome.notice is not None or diagnosis.severity is not Severity.OK:
            services.save_blob(f"cases/{case.id}.json", encode(case))  # before anybody can be told of it: the notice links to it
        notice = outcome.notice and replace(outcome.notice, woken_at=_woken_at(state, job, outcome.notice.kind))
        return outcome._replace(notice=notice)

    outcome = _change(services, job, outcome_of)
    _record_verdict(job, case, diagnosis, outcome)
    _look_again(services, job, outcome.state)


def _record_verdict(job: Assessment, case: Case, diagnosis: Diagnosis, outcome: Outcome) -> None:
    """The ids stand in the line too: Azure's Python worker passes on a line's text, and its dimensions only to OpenTelemetry."""
    dimensions = {"cluster": job.cluster_id, "pool": job.pool, "operation": job.operation_id, "diagnosis": diagnosis.id}
    log.info("%s: %s, %s (%s) operation=%s diagnosis=%s", title(job.cluster_id, job.pool), diagnosis.cause.value, outcome.reason,
             diagnosis.headline, job.operation_id or "none", diagnosis.id, extra=dimensions)
    for part in case.coverage:
        if part.status == "failed":
            log.warning("not read: %s of %s: %s", part.source, title(job.cluster_id, job.pool), part.detail, extra=dimensions)
    count("verdicts", cause=diagnosis.cause.value, severity=diagnosis.severity.value)
    if outcome.notice is not None:
        count("notices", kind=outcome.notice.kind, reason=outcome.reason)


def _woken_at(state: PoolState, job: Assessment, kind: str) -> datetime | None:
    """When the event happened that this notice answers: an operation's start or end, or when the look was asked for."""
    if kind not in ("opened", "summary"):
        return None
    operation = state.named(job.operation_id)
    if operation is not None:
        return operation.ended_at if job.final else operation.started_at
    return state.asked_at


def _forget(services: Services, job: Assessment, why: str) -> None:
    """The pool was deleted, or is left out now: what goes on about it ends here, and whoever was told of it is told so."""

    def outcome_of(state: PoolState) -> Outcome:
        last = outgoing.load_content(services, state.notice_id) if state.notice_id else None
        return incidents.gone(state, last if isinstance(last, Notice) else None, services.clock())

    outcome = _change(services, job, outcome_of)
    record(services, Wake(kind="rejected", cluster_id=job.cluster_id, pool=job.pool, reason=f"{outcome.reason}: {why}"))


def _change(services: Services, job: Assessment, outcome_of: Callable[[PoolState], Outcome]) -> Outcome:
    """The pool's new state and all that is to be told of it, in one transaction; then what follows is passed on."""
    now = services.clock()

    def once(row: Row[PoolState]) -> tuple[Outcome, list[Value]]:
        outcome = outcome_of(row.value)
        new = outgoing.rows_of(services, outcome.notice, outcome.past, now)
        if outcome.state != row.value:
            services.store.put_pool(job.cluster_id, Row(outcome.state, row.etag), new)
        return outcome, new

    outcome, new = settle(services, job.cluster_id, job.pool, once)
    outgoing.pass_on(services, job.cluster_id, new)
    return outcome
