"""Teams: an Adaptive Card in the envelope that a Workflows webhook expects.

All text stands in ``RichTextBlock`` runs, which know no Markdown; they do expand ``{{DATE(…)}}``, and
``<at>`` marks a mention, so both are broken up. Teams drops a card over 28,672 bytes *after* answering 202,
counting the card as an escaped JSON string: the card is cut here, from the end, and says so.
Sources: Microsoft's "Create Incoming Webhooks" and the Adaptive Cards schema explorer.
"""

import json
import re
from datetime import timedelta
from typing import Any

from shared.model import Chart
from shared.report.literal import one_line
from shared.report.message import Message, Step
from shared.report.text import pool_lines, seen_lines, step_line

type Element = dict[str, Any]

BUDGET_BYTES = 24 * 1024
"""Below the 28,672 bytes that Teams enforces: how it counts is only known from its error messages."""
CHART_POINTS = 60
_ACTIVE = re.compile(r"\{(?=\{)|<(?=/?at\b)|\](?=\()", re.IGNORECASE)
"""Where a space takes the meaning away: ``{{DATE(…)}}``, ``<at>``, and ``[link](…)`` in the fallback text."""


def render(message: Message, card_version: str, *, charts: bool = False) -> dict[str, Any]:
    """The JSON body to post: envelope and card, within the budget. ``charts``: draw the deciding metric too."""
    sections = _sections(message, charts)
    for kept in range(len(sections), -1, -1):
        card = _card(message, card_version, sections[:kept], cut=len(sections) - kept)
        if escaped_bytes(card) <= BUDGET_BYTES:
            break
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}],
    }


def escaped_bytes(card: Element) -> int:
    """Size of the card as Teams counts it: as a JSON string within JSON."""
    compact = json.dumps(card, separators=(",", ":"), ensure_ascii=False)
    return len(json.dumps(compact, ensure_ascii=False).encode())


def _card(message: Message, version: str, sections: list[Element], cut: int) -> Element:
    notes = [f"{cut} more lines were cut: Teams takes no longer message."] if cut else []
    end = [_block(_run(text, isSubtle=True, size="Small"), spacing="Medium") for text in [*notes, message.footer] if text]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": version,
        "fallbackText": literal(message.title),
        "msteams": {"width": "Full"},
        "body": [_head(message), *sections, *end],
        "actions": [{"type": "Action.OpenUrl", "title": literal(link.title), "url": link.url} for link in message.links],
    }


def _head(message: Message) -> Element:
    items = [_block(_run(message.title, weight="Bolder", size="Default" if message.is_quiet else "Large"))]
    items += [] if message.about else _bottleneck(message)
    return {"type": "Container", "style": message.status.tone, "bleed": True, "items": items}


def _bottleneck(message: Message) -> list[Element]:
    """What holds the pulls up, and how much; below the pools where there are several, and then of which it speaks."""
    items = [_block(_run(message.about, weight="Bolder"), separator=True, spacing="Medium")] if message.about else []
    if message.bottleneck:
        confidence = [_run(f"  {message.confidence}", isSubtle=True)] if message.confidence else []
        items.append(_block(_run(message.bottleneck, weight="Bolder"), *confidence))
    if message.impact:
        items.append(_block(_run(message.impact), spacing="Small"))
    return items


def _sections(message: Message, charts: bool) -> list[Element]:
    """Everything that may be cut, in reading order."""
    why = [_block(_run(text)) for text in message.why]
    if message.trend:
        why.append(_chart(message.chart, message.trend) if charts and message.chart else _block(_run(message.trend)))
    sections = [_block(_run(text), spacing="Small") for text in pool_lines(message)]
    sections += _bottleneck(message) if message.about else []
    sections += _list("Why", why)
    sections += [_block(_run(text, isSubtle=True), spacing="Small") for text in seen_lines(message)]
    sections += _list("Do", [block for number, step in enumerate(message.steps, 1) for block in _step(number, step)])
    return sections + ([_block(_run(f"+ {message.left_out}", isSubtle=True))] if message.left_out else [])


def _list(label: str, blocks: list[Element]) -> list[Element]:
    """Blocks under a label, which stands in the first of them so that no cut leaves it alone."""
    for block in blocks[:1]:
        block.get("inlines", []).insert(0, _run(f"{label}  ", weight="Bolder", color="Accent"))
        block |= {"spacing": "Medium", "separator": True}
    return blocks


def _chart(chart: Chart, trend: str) -> Element:
    """Teams' own element, unknown to Adaptive Cards: whoever cannot draw it shows the line of text."""
    points = [
        {"x": f"{chart.start + timedelta(seconds=chart.step_seconds * step):%H:%M}", "y": round(value, 1)}
        for step, value in enumerate(chart.values) if value is not None
    ]
    return {
        "type": "Chart.Line", "title": literal(one_line(chart.metric, 80)), "showTitle": True, "xAxisTitle": "UTC", "yMin": 0,
        "data": [{"legend": literal(one_line(chart.unit or chart.metric, 40)), "color": "attention", "values": points[-CHART_POINTS:]}],
        "fallback": _block(_run(trend)),
    }


def _step(number: int, step: Step) -> list[Element]:
    line = _block(_run(step_line(number, step), **({"color": "Attention"} if step.warning else {})), spacing="Small")
    commands = [_block(_run(text, fontType="Monospace", size="Small"), spacing="None") for text in step.command.splitlines()]
    return [line, *commands]


def _block(*runs: Element, **properties: Any) -> Element:
    return {"type": "RichTextBlock", "inlines": list(runs), **properties}


def _run(text: str, **properties: Any) -> Element:
    return {"type": "TextRun", "text": literal(text), **properties}


def literal(text: str) -> str:
    """Text in which nothing is expanded, mentioned or linked, and which still reads the same."""
    return _ACTIVE.sub(lambda match: match[0] + " ", text)
