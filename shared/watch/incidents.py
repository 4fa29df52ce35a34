"""Incidents: opened by a bad diagnosis, resolved only after several good ones; one at a time per pool."""

import hashlib
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from shared.azure_ids import id_key
from shared.model import Cause, Diagnosis, Incident, Notice, Operation, Severity
from shared.watch.history import past_of, worst_of
from shared.watch.state import Past, PoolState


class Outcome(NamedTuple):
    state: PoolState
    reason: str
    """By name: what changed, or why nothing is told."""
    notice: Notice | None = None
    past: Past | None = None
    """What is kept of what is over now."""


type Kind = Literal["opened", "changed", "resolved", "summary"]


def assessed(state: PoolState, diagnosis: Diagnosis, now: datetime, calm_checks: int) -> Outcome:
    """One more diagnosis of the pool: what becomes of its incident."""
    seen = replace(state, assessed_at=now)
    incident = state.incident
    if diagnosis.severity.rank >= Severity.WARNING.rank:
        return _bad(seen, incident, diagnosis, now)
    if incident is None:
        return Outcome(seen, "nothing_wrong")
    if diagnosis.cause is Cause.UNKNOWN:
        return Outcome(seen, "not_seen_to_be_well")
    calm = replace(incident, calm_checks=incident.calm_checks + 1)
    if calm.calm_checks < calm_checks:
        return Outcome(replace(seen, incident=calm), "calm_but_not_for_long")
    notice = _notice("resolved", "incident_resolved", diagnosis, now, replace(calm, resolved_at=now))
    after = replace(seen, incident=None, worst=None, notice_id="")
    return Outcome(after, "incident_resolved", notice, past_of(notice, worst_of(state.worst, diagnosis)))


def summed_up(state: PoolState, operation_id: str, diagnosis: Diagnosis, now: datetime, summaries: str) -> Outcome:
    """The final assessment of an ended operation: its summary, which closes the incident it caused.

    Where the next operation has begun, the incident goes on with that.
    """
    operation = state.named(operation_id)
    if operation is None:
        return Outcome(state, "already_summed_up")
    if operation is state.operation:
        closed = state.incident and replace(state.incident, resolved_at=now)
        after = replace(state, operation=None, last_operation=operation, incident=None, worst=None, notice_id="", assessed_at=now)
    else:
        closed = None
        left = tuple(one for one in state.superseded if one is not operation)
        after = replace(state, superseded=left, last_operation=state.last_operation if _is_newer(state.last_operation, operation) else operation)
    bad = closed is not None or diagnosis.severity.rank >= Severity.WARNING.rank or operation.outcome != "succeeded"
    if not (bad or summaries == "all" or (summaries == "upgrades" and operation.kind == "upgrade")):
        return Outcome(after, "summary_not_wanted")
    notice = _notice("summary", f"{operation.kind}_ended", diagnosis, now, closed, operation)
    return Outcome(after, f"{operation.kind}_summed_up", notice, past_of(notice, worst_of(state.worst if closed else None, diagnosis)))


def _is_newer(last: Operation | None, operation: Operation) -> bool:
    return last is not None and last.started_at > operation.started_at


def gone(state: PoolState, last: Notice | None, now: datetime) -> Outcome:
    """The pool is no longer watched: nothing about it goes on. ``last`` told what its incident is."""
    after = replace(state, operation=None, superseded=(), incident=None, worst=None, notice_id="", capacity=None)
    if after == state:
        return Outcome(state, "not_watched")
    if state.incident is None or last is None:
        return Outcome(after, "pool_gone")
    notice = _notice("resolved", "pool_gone", last.diagnosis, now, replace(state.incident, resolved_at=now))
    return Outcome(after, "pool_gone", notice, past_of(notice, worst_of(state.worst, last.diagnosis)))


def _bad(seen: PoolState, incident: Incident | None, diagnosis: Diagnosis, now: datetime) -> Outcome:
    state = replace(seen, worst=worst_of(seen.worst, diagnosis))
    if incident is None:
        opened = _opened(diagnosis, now)
        notice = _notice("opened", "incident_opened", diagnosis, now, opened)
        return Outcome(replace(state, incident=opened, notice_id=notice.id), "incident_opened", notice)
    still = replace(incident, calm_checks=0)
    worse = diagnosis.severity.rank > incident.severity.rank
    other = diagnosis.cause is not incident.cause and diagnosis.cause is not Cause.UNKNOWN
    if not (worse or other):
        return Outcome(replace(state, incident=still), "still_the_same")
    reason = "cause_changed" if other else "severity_raised"
    cause = diagnosis.cause if other else incident.cause
    severity = max(diagnosis.severity, incident.severity, key=lambda s: s.rank)
    changed = replace(still, cause=cause, severity=severity, changed_at=now)
    notice = _notice("changed", reason, diagnosis, now, changed)
    return Outcome(replace(state, incident=changed, notice_id=notice.id), reason, notice)


def _opened(diagnosis: Diagnosis, now: datetime) -> Incident:
    seed = f"{id_key(diagnosis.cluster.id)}|{diagnosis.pool.name.lower()}|{diagnosis.id}"
    return Incident(id=hashlib.sha256(seed.encode()).hexdigest()[:8], cluster_id=diagnosis.cluster.id, pool=diagnosis.pool.name,
                    cause=diagnosis.cause, severity=diagnosis.severity, opened_at=now, changed_at=now)


def _notice(kind: Kind, reason: str, diagnosis: Diagnosis, now: datetime, incident: Incident | None = None,
            operation: Operation | None = None) -> Notice:
    """Its id comes from what it tells: told again after a crash, it is the same notice."""
    about = incident.id if incident else (operation.id if operation else diagnosis.id)
    stamp = (incident.changed_at if incident and kind == "changed" else None) or ""
    name = hashlib.sha256(f"{kind}|{reason}|{about}|{operation.id if operation else ''}|{stamp}".encode()).hexdigest()
    return Notice(id=name[:24], kind=kind, at=now, reason=reason, diagnosis=diagnosis,
                  operation=operation or diagnosis.operation, incident=incident)
