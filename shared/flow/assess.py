"""Collect, diagnose, watch: one assessment of one pool, and what follows from it."""

import logging
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.collect.case import Question, collect_case
from shared.diagnose import diagnose
from shared.errors import Permanent
from shared.flow import outgoing
from shared.flow.jobs import ASSESSMENTS, Assessment, title
from shared.flow.wake import look_up, record, settle
from shared.model import Case, Diagnosis, Incident, Operation, Severity, Value, Wake, Window, encode
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


def assess(services: Services, job: Assessment) -> Diagnosis | None:
    """One assessment of one pool, and what follows from it. None: it was not due, or not possible."""
    with span("assess", cluster=job.cluster_id, pool=job.pool, operation=job.operation_id):
        return _assess(services, job)


def _assess(services: Services, job: Assessment) -> Diagnosis | None:
    state = services.store.pool(job.cluster_id, job.pool).value
    due = _why_not_due(state, job)
    if due:
        log.info("assessment of %s skipped: %s", title(job.cluster_id, job.pool), due)
        count("assessments", outcome="not_due")
        return None
    try:
        case = collect(services, job.cluster_id, job.pool, state.operation, incident=state.incident)
    except Permanent as refusal:
        record(services, Wake(kind="rejected", cluster_id=job.cluster_id, pool=job.pool, reason=str(refusal)))
        count("assessments", outcome="refused")
        return None
    diagnosis = diagnose(case, services.settings.thresholds)
    _conclude(services, job, case, diagnosis)
    count("assessments", outcome="done")
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

    def once(row: Row[PoolState]) -> tuple[Outcome, list[Value]]:
        if job.final:
            outcome = incidents.summed_up(row.value, diagnosis, now, settings.summaries)
        else:
            outcome = incidents.assessed(row.value, diagnosis, now, settings.calm_checks)
        notice = outcome.notice and replace(outcome.notice, woken_at=_woken_at(row.value, job, outcome.notice.kind))
        new = outgoing.rows_of(services, notice, now)
        services.store.put_pool(job.cluster_id, Row(outcome.state, row.etag), new)
        return outcome, new

    outcome, new = settle(services, job.cluster_id, job.pool, once)
    _record_verdict(job, case, diagnosis, outcome)
    if outcome.notice is not None or diagnosis.severity is not Severity.OK:
        services.save_blob(f"cases/{case.id}.json", encode(case))
    outgoing.pass_on(services, job.cluster_id, new)
    operation = outcome.state.operation
    if job.operation_id and operation is not None and operation.ended_at is None:
        services.enqueue(ASSESSMENTS, encode(job), settings.watch_interval_seconds)


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
    operation = state.operation
    if job.operation_id and operation is not None:
        return operation.ended_at if job.final else operation.started_at
    return state.asked_at
