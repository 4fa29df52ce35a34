"""The first line of a message: how bad, where, and what happened. Sentences only, no layout."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from shared import units
from shared.model import Bulletin, Cause, Diagnosis, Impact, Incident, Item, Notice, Operation, Remedy, Severity, Value
from shared.report.layers import CAUSE_NAMES
from shared.report.literal import one_line

type Tone = Literal["good", "accent", "warning", "attention"]

ITEM_CHARACTERS = 160
"""One line on a phone or two: a pool's share of a message about many."""


class Status(Value, frozen=True):
    """How bad it is, in a word and a sign: never a sign or a colour alone."""

    emoji: str
    word: str
    tone: Tone


_SEVERITIES = {
    Severity.OK: Status("✅", "OK", "good"),
    Severity.NOTICE: Status("🔵", "Notice", "accent"),
    Severity.WARNING: Status("🟠", "Warning", "warning"),
    Severity.CRITICAL: Status("🔴", "Critical", "attention"),
}
_RESOLVED = Status("✅", "Resolved", "good")
_CLOSED = Status("⚪", "Closed", "accent")
WORTH_TELLING = 0.9
"""A prediction is told with an operation's end if it cuts p95 to this part or less."""
REMINDER = "reminder"
POOL_GONE = "pool_gone"
"""The reason of a notice about a pool that was deleted, or is left out by the settings now."""
_CHANGES = {"cause_changed": "new cause", "severity_raised": "worse", REMINDER: "still"}
"""What a notice's reason says about an incident that goes on."""
_OUTCOMES = {
    "succeeded": ("✅", "Done"),
    "failed": ("❌", "Failed"),
    "timed_out": ("⚪", "No end seen"),
    "running": ("⏳", "Running"),
}
_OPERATION_NAMES = {"upgrade": "Upgrade", "scale_out": "Scale-out", "maintenance": "Maintenance"}


def operation_of(notice: Notice) -> Operation | None:
    return notice.operation or notice.diagnosis.operation


def status_of(notice: Notice) -> Status:
    severity = _SEVERITIES[notice.diagnosis.severity]
    operation = operation_of(notice)
    match notice.kind:
        case "resolved":
            return _CLOSED if notice.reason == POOL_GONE else _RESOLVED
        case "changed" if notice.reason == REMINDER and notice.incident:
            lasts = units.duration((notice.at - notice.incident.opened_at).total_seconds())
            return Status(severity.emoji, f"{severity.word}, still after {lasts}", severity.tone)
        case "changed":
            return Status(severity.emoji, f"{severity.word}, {_CHANGES.get(notice.reason, 'changed')}", severity.tone)
        case "summary" if operation:
            emoji, word = _OUTCOMES[operation.outcome]
            tone = severity.tone if operation.outcome == "succeeded" else worst("warning", severity.tone)
            return Status(emoji, word, tone)
        case _:
            return severity


def worst(left: Tone, right: Tone) -> Tone:
    order: tuple[Tone, ...] = ("good", "accent", "warning", "attention")
    return max(left, right, key=order.index)


def headline(notice: Notice) -> str:
    """The diagnosis' own headline while it goes on; at the end, what became of it."""
    operation = operation_of(notice)
    if notice.kind == "resolved":
        return _ended(notice)
    if notice.kind == "summary" and operation:
        return _summed_up(notice, operation)
    return notice.diagnosis.headline


def where(diagnosis: Diagnosis) -> str:
    return f"{diagnosis.cluster.name} / {diagnosis.pool.name}"


def item_of(notice: Notice) -> Item:
    """A pool's line in a message about several."""
    incident, diagnosis = notice.incident, notice.diagnosis
    return Item(
        kind=notice.kind, pool=diagnosis.pool.name, severity=incident.severity if incident else diagnosis.severity,
        cause=incident.cause if incident else diagnosis.cause, at=notice.at, sign=status_of(notice).emoji,
        text=one_line(_short(notice), ITEM_CHARACTERS), notice_id=notice.id, incident_id=incident.id if incident else "",
        woken_at=notice.woken_at,
    )


def still_item(incident: Incident, notice_id: str, now: datetime) -> Item:
    """The line of an incident that goes on as it was told before."""
    lasts = units.duration((now - incident.opened_at).total_seconds())
    return Item(
        kind="still", pool=incident.pool, severity=incident.severity, cause=incident.cause, at=now,
        sign=_SEVERITIES[incident.severity].emoji, text=f"{CAUSE_NAMES[incident.cause]}, for {lasts} now",
        notice_id=notice_id, incident_id=incident.id,
    )


def group_status(items: Sequence[Item]) -> Status:
    """As bad as the worst that goes on; where all is over, that."""
    ongoing = [item.severity for item in items if item.kind not in ("resolved", "summary")]
    if ongoing:
        return _SEVERITIES[max(ongoing, key=lambda severity: severity.rank)]
    failed = any(item.sign in (_OUTCOMES["failed"][0], _OUTCOMES["timed_out"][0]) for item in items)
    return Status("⚪", "Ended", "warning") if failed else Status("✅", "Done", "good")


def bulletin_status(bulletin: Bulletin) -> Status:
    if bulletin.kind == "health":
        return _SEVERITIES[bulletin.severity]
    return {"digest": Status("📋", "Weekly summary", "accent"), "test": Status("🔔", "Test", "accent")}[bulletin.kind]


def group_headline(cluster: str, items: Sequence[Item], still: Sequence[Item]) -> str:
    """``Image pulls on prod-weu: newly slow on 3 node pools, still slow on 2, no longer slow on 4, 31 operations ended``."""
    counts = {words: sum(item.kind in kinds for item in (*items, *still)) for words, kinds in _COUNTED.items()}
    told = [(words, count) for words, count in counts.items() if count]
    parts = [f"{words} on {units.counted(count, 'node pool') if place == 0 else count}" for place, (words, count) in enumerate(told)]
    ended = sum(item.kind == "summary" for item in items)
    return f"Image pulls on {cluster}: " + ", ".join(parts + ([f"{units.counted(ended, 'operation')} ended"] if ended else []))


_COUNTED = {"newly slow": ("opened",), "slow for another reason or worse": ("changed",), "still slow": ("still",), "no longer slow": ("resolved",)}


def _short(notice: Notice) -> str:
    """What a headline says, without what all lines of a message share."""
    operation, impact = operation_of(notice), notice.diagnosis.impact
    if notice.kind == "summary" and operation:
        target = f" to {operation.target}" if operation.target else ""
        return f"{_OPERATION_NAMES[operation.kind]}{target} {_took(operation, notice.at)}; {_pulls_part(notice.diagnosis)}"
    if notice.reason == POOL_GONE:
        return f"no longer watched; its incident is closed{_after(notice)}"
    if notice.kind == "resolved":
        return f"back to usual{_after(notice)}{_p95_known(impact)}"
    cause = notice.incident.cause if notice.incident else notice.diagnosis.cause
    changed = f", {_CHANGES.get(notice.reason, 'changed')}" if notice.kind == "changed" else ""
    return f"{CAUSE_NAMES[cause]}{changed}, p95 pull {units.duration(impact.p95_seconds)} ({usual_p95(impact)})"


def _after(notice: Notice) -> str:
    """`` after 42 min`` of the incident that is over."""
    if notice.incident is None:
        return ""
    ended_at = notice.incident.resolved_at or notice.at
    return f" after {units.duration((ended_at - notice.incident.opened_at).total_seconds())}"


def _ended(notice: Notice) -> str:
    if notice.reason == POOL_GONE:
        return f"{where(notice.diagnosis)} is deleted or no longer watched: its incident is closed{_after(notice)}"
    return f"Image pulls on {where(notice.diagnosis)} are back to usual{_after(notice)}{_p95_known(notice.diagnosis.impact)}"


def _summed_up(notice: Notice, operation: Operation) -> str:
    diagnosis = notice.diagnosis
    name = f"{_OPERATION_NAMES[operation.kind]} of {where(diagnosis)}"
    name += f" to {operation.target}" if operation.target else ""
    return f"{name} {_took(operation, notice.at)} {_nodes(operation, diagnosis.impact)}; {_pulls_part(diagnosis)}"


def _nodes(operation: Operation, impact: Impact) -> str:
    """``from 3 to 30 nodes``; an upgrade has the nodes that its pool has, whatever it had on the way."""
    if operation.kind == "scale_out" and operation.nodes_before is not None and operation.nodes_after is not None:
        return f"from {operation.nodes_before} to {units.counted(operation.nodes_after, 'node')}"
    return f"on {units.counted(impact.nodes_total, 'node')}"


def _took(operation: Operation, now: datetime) -> str:
    """How long; of one whose end was all that was told, nobody knows."""
    if operation.ended_at == operation.started_at:
        return f"{operation.outcome} (its start was not seen)"
    took = units.duration(((operation.ended_at or now) - operation.started_at).total_seconds())
    return {
        "succeeded": f"took {took}", "failed": f"failed after {took}",
        "timed_out": f"showed no end within {took}", "running": f"is {took} in",
    }[operation.outcome]


def _pulls_part(diagnosis: Diagnosis) -> str:
    """What the operation had to do with image pulls: how long, what was to blame, what the best remedy would change."""
    impact = diagnosis.impact
    if diagnosis.cause is Cause.HEALTHY:
        return "image pulls were not in the way" + _p95_known(impact)
    if impact.p95_seconds is None:
        return f"image pulls were failing: {impact.failed:,} failed" if impact.failed else "image pulls could not be seen"
    held_up = f" in {units.counted(impact.slow_minutes, 'minute')} of it" if impact.slow_minutes else ""
    blamed = f" ({CAUSE_NAMES[diagnosis.cause]})" if diagnosis.culprit else ""
    return f"image pulls were slow{held_up}{blamed}{_with_remedy(diagnosis)}"


def _with_remedy(diagnosis: Diagnosis) -> str:
    """``. With remedy 1: p95 about 55 s instead of 4 min 12 s``."""
    better = [r for r in (diagnosis.culprit.remedies if diagnosis.culprit else ()) if not r.worse]
    now = diagnosis.impact.p95_seconds or 0.0
    best = next(((n, r) for n, r in enumerate(better, 1) if r.p95_seconds is not None and r.p95_seconds <= WORTH_TELLING * now), None)
    if best is None:
        return ""
    return f". With remedy {best[0]}: p95 {predicted(best[1])} instead of {units.duration(now)}"


def predicted(remedy: Remedy) -> str:
    """``about 55 s``; ``perhaps 55 s`` where the prediction is rough; ``unknown``."""
    if remedy.p95_seconds is None:
        return units.UNKNOWN
    return f"{'perhaps' if remedy.rough else 'about'} {units.about(remedy.p95_seconds)}"


def usual_p95(impact: Impact) -> str:
    """``usually 41 s``."""
    if impact.baseline_p95_seconds is None:
        return f"usual {units.UNKNOWN}"
    return f"usually {units.duration(impact.baseline_p95_seconds)}"


def _p95_known(impact: Impact) -> str:
    return "" if impact.p95_seconds is None else f" (p95 {units.duration(impact.p95_seconds)})"
