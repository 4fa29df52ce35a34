"""The first line of a message: how bad, where, and what happened. Sentences only, no layout."""

from datetime import datetime
from typing import Literal

from shared import units
from shared.model import Cause, Diagnosis, Impact, Notice, Operation, Severity, Value

type Tone = Literal["good", "accent", "warning", "attention"]

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
_CHANGES = {"cause_changed": "new cause", "severity_raised": "worse", "reminder": "still"}
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
            return _RESOLVED
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


def _ended(notice: Notice) -> str:
    incident, impact = notice.incident, notice.diagnosis.impact
    sentence = f"Image pulls on {where(notice.diagnosis)} are back to usual"
    if incident:
        ended_at = incident.resolved_at or notice.at
        sentence += f" after {units.duration((ended_at - incident.opened_at).total_seconds())}"
    return sentence + _p95_known(impact)


def _summed_up(notice: Notice, operation: Operation) -> str:
    diagnosis = notice.diagnosis
    nodes = operation.nodes_after or diagnosis.impact.nodes_total
    name = f"{_OPERATION_NAMES[operation.kind]} of {where(diagnosis)}"
    name += f" to {operation.target}" if operation.target else ""
    return f"{name} {_took(operation, notice.at)} on {units.counted(nodes, 'node')}; {_pulls_part(diagnosis)}"


def _took(operation: Operation, now: datetime) -> str:
    took = units.duration(((operation.ended_at or now) - operation.started_at).total_seconds())
    return {
        "succeeded": f"took {took}", "failed": f"failed after {took}",
        "timed_out": f"showed no end within {took}", "running": f"is {took} in",
    }[operation.outcome]


def _pulls_part(diagnosis: Diagnosis) -> str:
    """What the operation had to do with image pulls, and what the best remedy would change."""
    impact = diagnosis.impact
    if diagnosis.cause is Cause.HEALTHY:
        return "image pulls were not in the way" + _p95_known(impact)
    if impact.p95_seconds is None:
        return f"image pulls were failing: {impact.failed:,} failed" if impact.failed else "image pulls could not be seen"
    held_up = f" in {units.counted(impact.slow_minutes, 'minute')} of it" if impact.slow_minutes else ""
    slow = f"image pulls were slow{held_up}"
    best = next((r for r in (diagnosis.culprit.remedies if diagnosis.culprit else ()) if not r.worse), None)
    if best is None or best.p95_seconds is None:
        return slow
    return f"{slow}. With remedy 1: p95 about {units.duration(best.p95_seconds)}"


def usual_p95(impact: Impact) -> str:
    """``usually 41 s``."""
    if impact.baseline_p95_seconds is None:
        return f"usual {units.UNKNOWN}"
    return f"usually {units.duration(impact.baseline_p95_seconds)}"


def _p95_known(impact: Impact) -> str:
    return "" if impact.p95_seconds is None else f" (p95 {units.duration(impact.p95_seconds)})"
