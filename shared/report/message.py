"""One message for every receiver: words and numbers chosen here, layout and escaping in the renderers.

Whatever a message holds is on one line, of bounded length and without invisible characters; it is still
*untrusted* (image and node names are in it): a renderer shows it literally.
"""

import re
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

from msgspec.structs import replace

from shared import units
from shared.model import (
    Bulletin,
    Cause,
    Chart,
    Content,
    Diagnosis,
    Finding,
    Group,
    Impact,
    Item,
    Notice,
    Remedy,
    Severity,
    Value,
    Verdict,
)
from shared.report import layers
from shared.report.headline import (
    POOL_GONE,
    REMINDER,
    Status,
    bulletin_status,
    group_headline,
    group_status,
    headline,
    operation_of,
    predicted,
    status_of,
    usual_p95,
)
from shared.report.literal import lines, one_line

WHY_LINES = 3
STEPS = 3
WARNINGS = 2
POOL_LINES = 40
"""As many node pools are listed one by one; the renderers cut further where their receiver takes less."""
LINE_CHARACTERS = 400
LATE = timedelta(minutes=10)
"""Later than grouping and a few retries make it."""
COMMAND_CHARACTERS = 2000
_CONTINUATION = re.compile(r"\s*\\\r?\n\s*")
_SENTENCE = re.compile(r"(?<=\.)\s+")


class Links(Value, frozen=True):
    """Where a message's links lead. Built from the settings by the caller."""

    portal: str = "https://portal.azure.com"
    """The cloud's portal, without a trailing slash."""
    runbook: str = ""
    report: str = ""
    """Signed link to the stored report of this diagnosis; empty: none is kept."""


class Link(Value, frozen=True):
    title: str
    url: str


class Step(Value, frozen=True):
    """One remedy, worded."""

    title: str
    effect: str
    """``p95 about 55 s``."""
    command: str = ""
    """One command a line."""
    note: str = ""
    warning: bool = False
    """Often proposed, but it would make this pool slower: shown as what *not* to do."""


class Message(Value, frozen=True):
    id: str
    kind: Literal["opened", "changed", "resolved", "summary", "group", "bulletin"]
    status: Status
    headline: str
    pools: tuple[str, ...] = ()
    """A line for each pool, where several are told of; or the lines of a bulletin."""
    pools_left_out: str = ""
    about: str = ""
    """Of which of the pools the rest of the message speaks."""
    bottleneck: str = ""
    confidence: str = ""
    """``confidence 94 %``; empty where no cause is named."""
    impact: str = ""
    why: tuple[str, ...] = ()
    trend: str = ""
    """The deciding metric as a sparkline, with its usual value and its limit."""
    chart: Chart | None = None
    """The same to be drawn, where a receiver can."""
    cleared: str = ""
    not_seen: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    left_out: str = ""
    """What the notice holds and this message does not: ``37 more remedies``."""
    links: tuple[Link, ...] = ()
    footer: str = ""

    @property
    def title(self) -> str:
        """The first line. A quiet line says in words what its sign says, and needs no status word."""
        return f"{self.status.emoji} {self.headline}" if self.is_quiet else f"{self.status.emoji} {self.status.word}: {self.headline}"

    @property
    def is_quiet(self) -> bool:
        """Nothing but the headline: an upgrade that went well."""
        return not self.footer


def build_message(content: Content, links: Links) -> Message:
    """The message about ``content``. Pure: the same content gives the same message."""
    match content:
        case Notice():
            return _about_notice(content, links)
        case Group():
            return _about_group(content, links)
        case Bulletin():
            return _about_bulletin(content)


def told_late(message: Message, at: datetime, now: datetime) -> Message:
    """The message, which says so where it comes long after what it tells: because the receiver was down, or a mute in force."""
    if now - at < LATE:
        return message
    late = f"told {units.duration((now - at).total_seconds())} late"
    if message.is_quiet:
        return replace(message, headline=f"{message.headline} ({late})")
    return replace(message, status=replace(message.status, word=f"{message.status.word}, {late}"))


def _about_group(group: Group, links: Links) -> Message:
    """A line for each pool, and the worst of them in full."""
    told = [*group.items, *group.still]
    left_out = f"{len(told) - POOL_LINES} more node pools" if len(told) > POOL_LINES else ""
    opening = Message(id=group.id, kind="group", status=group_status(told), headline=_line(group_headline(group.cluster_name, group.items, group.still)))
    listed = replace(opening, pools=tuple(_pool_line(item) for item in told[:POOL_LINES]), pools_left_out=left_out)
    footer = one_line(f"{units.clock(group.at)} · {_short(group.id)} · pullwatch", LINE_CHARACTERS)
    if group.lead is None or _went_well(group.lead):
        return replace(listed, footer=footer)
    full = _about_notice(group.lead, links)
    return replace(
        full, id=group.id, kind="group", status=opening.status, headline=opening.headline, pools=listed.pools, pools_left_out=left_out,
        about=full.headline, footer=f"{full.footer} · {_short(group.id)}",
    )


def _pool_line(item: Item) -> str:
    still = "still " if item.kind == "still" else ""
    return _line(f"{item.sign} {item.pool}: {still}{item.text}")


def _about_bulletin(bulletin: Bulletin) -> Message:
    """Lines under a headline."""
    shown = bulletin.lines[:POOL_LINES]
    hidden = len(bulletin.lines) - len(shown)
    return Message(
        id=bulletin.id, kind="bulletin", status=bulletin_status(bulletin), headline=_line(bulletin.title), pools=tuple(_line(text) for text in shown),
        pools_left_out=f"{hidden} more lines" if hidden else "", footer=f"{units.clock(bulletin.at)} · pullwatch",
    )


def _about_notice(notice: Notice, links: Links) -> Message:
    opening = Message(id=notice.id, kind=notice.kind, status=status_of(notice), headline=_line(headline(notice)))
    if _went_well(notice):
        return opening
    told = _with_recovery(opening, notice) if notice.kind == "resolved" else _with_diagnosis(opening, notice.diagnosis)
    if notice.reason == REMINDER:
        told = replace(told, impact=f"{told.impact} · as of {units.clock(notice.diagnosis.window.end)}")
    return replace(told, links=_links(notice.diagnosis, links), footer=_footer(notice))


def _went_well(notice: Notice) -> bool:
    operation, diagnosis = operation_of(notice), notice.diagnosis
    healthy = diagnosis.cause is Cause.HEALTHY and diagnosis.severity is Severity.OK
    return notice.kind == "summary" and healthy and (operation is None or operation.outcome == "succeeded")


def _with_diagnosis(message: Message, diagnosis: Diagnosis) -> Message:
    steps, left_out = _steps(diagnosis.culprit)
    return replace(
        message,
        bottleneck=_line(_bottleneck(diagnosis)),
        confidence=f"confidence {units.percent(diagnosis.confidence)}" if diagnosis.culprit else "",
        impact=_impact(diagnosis.impact),
        why=_why(diagnosis),
        trend=_line(_trend(diagnosis.chart)) if diagnosis.chart else "",
        chart=diagnosis.chart,
        cleared=one_line(layers.cleared(diagnosis), 2 * LINE_CHARACTERS),
        not_seen=tuple(_line(text) for text in layers.not_seen(diagnosis)),
        steps=steps,
        left_out=left_out,
    )


def _with_recovery(message: Message, notice: Notice) -> Message:
    cause = notice.incident.cause if notice.incident else notice.diagnosis.cause
    was = "" if cause in (Cause.HEALTHY, Cause.UNKNOWN) else f"The bottleneck was: {layers.CAUSE_NAMES[cause]}"
    return replace(message, bottleneck=was, impact="" if notice.reason == POOL_GONE else _impact(notice.diagnosis.impact))


def _line(text: str) -> str:
    return one_line(text, LINE_CHARACTERS)


def _impact(impact: Impact) -> str:
    """``p95 pull 4 min 12 s (usually 41 s) · 212 pulls, none failed``."""
    if impact.pulls is None and impact.p95_seconds is None:
        return "Pull times unknown: no pull could be seen"
    p95 = f"p95 pull {units.duration(impact.p95_seconds)} ({usual_p95(impact)})"
    return f"{p95} · {units.counted(impact.pulls, 'pull')}, {_failed(impact.failed)}"


def _failed(failed: int | None) -> str:
    if failed is None:
        return f"failures {units.UNKNOWN}"
    return f"{failed:,} failed" if failed else "none failed"


def _bottleneck(diagnosis: Diagnosis) -> str:
    """The culprit's first sentence names it; the others say why."""
    if diagnosis.culprit and diagnosis.culprit.evidence:
        return diagnosis.culprit.evidence[0].text
    if diagnosis.cause is Cause.UNKNOWN:
        return "What holds the pulls up is not known: too little could be seen"
    return ""


def _why(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Two sentences of the culprit, one of each contributing finding, then what else the culprit has."""
    drawn = diagnosis.chart.metric if diagnosis.chart else None
    culprit = [e.text for e in diagnosis.culprit.evidence[1:] if e.metric != drawn] if diagnosis.culprit else []
    others = [
        f"Also {layers.CAUSE_NAMES[f.cause]}: {f.evidence[0].text}"
        for f in diagnosis.findings if f.verdict is Verdict.CONTRIBUTING and f.evidence and not _said(diagnosis.cause, f.cause)
    ]
    sentences = culprit[:2] + others + culprit[2:] + _slowest(diagnosis)
    return tuple(_line(text) for text in sentences if text.strip())[:WHY_LINES]


def _said(culprit: Cause, contributing: Cause) -> bool:
    """The limit that is left when credits are gone binds in the minutes before Azure reports so, too: the same news twice."""
    return culprit is Cause.DISK_BURST and contributing in (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH)


def _slowest(diagnosis: Diagnosis) -> list[str]:
    """Where no layer is to blame, the slowest images are the best lead. ``image.size`` has named its own already."""
    if diagnosis.cause not in (Cause.UNKNOWN, Cause.IMAGE_SIZE):
        return []
    slow = diagnosis.impact.slowest[: diagnosis.impact.slow]
    slowest = list({p.image: p for p in reversed(slow)}.values())[::-1]
    rest = slowest[1:] if diagnosis.culprit else slowest
    return [f"Slowest: {p.image} took {units.duration(p.seconds)} on {p.node}" for p in rest]


def _trend(chart: Chart) -> str:
    """``OS Disk Queue Depth up to 34 ▁▂▅▇█▇█▇ (usually 12, limit 20)``."""
    known = [value for value in chart.values if value is not None]
    if not known:
        return f"{chart.metric}: {units.UNKNOWN}"
    usual = f"usually {_told(chart.usual, chart)}" if chart.usual is not None else f"usual {units.UNKNOWN}"
    limit = f", limit {_told(chart.limit, chart)}" if chart.limit is not None else ""
    return f"{chart.metric} up to {_told(max(known), chart)} {units.sparkline(chart.values, chart.limit)} ({usual}{limit})"


def _told(value: float, chart: Chart) -> str:
    """No more digits than the sparkline beside it shows."""
    return units.quantity(round(value, 0 if value >= 10 else 1), chart.unit)


def _steps(culprit: Finding | None) -> tuple[tuple[Step, ...], str]:
    """The remedies worth showing, those to avoid last, and what was left out."""
    remedies = culprit.remedies if culprit else ()
    better = [r for r in remedies if not r.worse]
    worse = [r for r in remedies if r.worse]
    hidden = max(0, len(better) - STEPS) + max(0, len(worse) - WARNINGS)
    left_out = units.counted(hidden, "more remedy", "more remedies") if hidden else ""
    return _without_repetition([_step(r) for r in better[:STEPS] + worse[:WARNINGS]]), left_out


def _step(remedy: Remedy) -> Step:
    effect = "effect on p95 unknown" if remedy.p95_seconds is None else f"p95 {predicted(remedy)}"
    note = remedy.note or ("It would make this pool slower." if remedy.worse else "")
    command = "" if remedy.worse else _command(remedy.command)
    return Step(_line(remedy.title), effect, command, _line(note), warning=remedy.worse)


def _without_repetition(steps: list[Step]) -> tuple[Step, ...]:
    """A sentence that stands in several notes is said once."""
    said: set[str] = set()
    told = []
    for step in steps:
        sentences = [sentence for sentence in _SENTENCE.split(step.note) if sentence not in said]
        said.update(sentences)
        told.append(replace(step, note=" ".join(sentences)))
    return tuple(told)


def _command(text: str) -> str:
    """One command a line: a chat that swallows the break after a backslash would change what it means."""
    return lines(_CONTINUATION.sub(" ", text), COMMAND_CHARACTERS)


def _links(diagnosis: Diagnosis, links: Links) -> tuple[Link, ...]:
    pool = f"{links.portal}/#resource{quote(diagnosis.cluster.id)}/nodePools"
    found = (("Open report", links.report), ("Node pool", pool), ("Runbook", links.runbook))
    return tuple(Link(title, url) for title, url in found if url.startswith("https://"))


def _footer(notice: Notice) -> str:
    operation = operation_of(notice)
    parts = [
        units.clock(notice.at),
        f"incident {_short(notice.incident.id)}" if notice.incident else "",
        f"op {_short(operation.id)}" if operation else "",
        "pullwatch",
    ]
    return one_line(" · ".join(part for part in parts if part), LINE_CHARACTERS)


def _short(identifier: str) -> str:
    """The end of an id: enough to find it again by search."""
    return identifier[-6:]
