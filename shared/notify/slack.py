"""Slack: Block Kit for an incoming webhook.

Names from outside stand in ``rich_text`` and ``plain_text`` only, which Slack never parses; the ``text`` used for
notifications is parsed and therefore escaped. Links are rich text too: link *buttons* ask for an app with
interactivity. Limits: "Reference: blocks" in Slack's documentation, and slack_sdk's models.
"""

from typing import Any

from shared.report import text as plain_text
from shared.report.literal import shorten
from shared.report.message import Message, Step
from shared.report.text import pool_lines, seen_lines, step_line

type Block = dict[str, Any]

HEADER_CHARACTERS = 150
CONTEXT_CHARACTERS = 2000
RICH_TEXT_CHARACTERS = 9000
"""All rich text of one message together: Slack refuses blocks with more than about 13,000 characters."""
COLORS = {"good": "#2eb67d", "accent": "#1264a3", "warning": "#ecb22e", "attention": "#e01e5a"}
TEXT_CHARACTERS = 38_000
"""Slack cuts ``text`` at 40,000; escaping may not push it over."""


def render(message: Message, *, color_bar: bool = False) -> dict[str, Any]:
    """The JSON body to post. ``color_bar``: the blocks beside a bar in the colour of the status."""
    blocks = [_title(message), *_body(message), *_links(message), *_footer(message)]
    if color_bar:
        bar = {"color": COLORS[message.status.tone], "fallback": _within(escape(message.title), TEXT_CHARACTERS), "blocks": blocks}
        return _payload(message.title) | {"attachments": [bar]}
    return _payload(message.title) | {"blocks": blocks}


def plain(message: Message) -> dict[str, Any]:
    """The same message as one text, for a Slack that refuses the blocks."""
    return _payload(plain_text.render(message))


def escape(text: str) -> str:
    """Text for a field that Slack parses: the three characters it gives a meaning ("Formatting text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _payload(text: str) -> dict[str, Any]:
    return {"text": _within(escape(text), TEXT_CHARACTERS), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _within(escaped: str, limit: int) -> str:
    """Cut without leaving half an entity: ``&lt`` would show as such."""
    if len(escaped) <= limit:
        return escaped
    kept = escaped[: limit - 1]
    head, ampersand, tail = kept.rpartition("&")
    return (head if ampersand and ";" not in tail else kept) + "…"


def _title(message: Message) -> Block:
    if message.is_quiet:
        return _rich_text(_section(_text(message.title)))
    head, _ = _headed(message.title)
    return {"type": "header", "text": {"type": "plain_text", "text": head, "emoji": True}}


def _headed(title: str) -> tuple[str, str]:
    """What fits a header, and what goes on below it: broken after a part of the sentence, else between two words."""
    if len(title) <= HEADER_CHARACTERS:
        return title, ""
    clause = max(title.rfind(mark, 0, HEADER_CHARACTERS) for mark in ("; ", ". "))
    if clause > 0:
        return title[:clause], title[clause + 2 :][:1].upper() + title[clause + 3 :]
    word = title.rfind(" ", 0, HEADER_CHARACTERS - 1)
    word = word if word > 0 else HEADER_CHARACTERS - 1
    return title[:word] + "…", "…" + title[word:].lstrip()


def _body(message: Message) -> list[Block]:
    """One rich-text block, cut from the end where it is too long."""
    _, rest = _headed(message.title)
    headed = [_section(_text(f"{rest}\n", bold=True))] if rest and not message.is_quiet else []
    elements = [*headed, *_pools(message), *_summary(message), *_why(message), *_steps(message)]
    kept = _fitting(elements)
    if len(kept) < len(elements):
        kept.append(_section(_text(f"{len(elements) - len(kept)} more parts were cut: Slack takes no longer message.", italic=True)))
    return [_rich_text(*kept)] if kept else []


def _fitting(elements: list[Block]) -> list[Block]:
    """The leading elements that fit."""
    left = RICH_TEXT_CHARACTERS
    for index, element in enumerate(elements):
        left -= characters(element)
        if left < 0:
            return elements[:index]
    return elements


def characters(element: Block) -> int:
    """Visible characters of a rich-text element and all within it."""
    return len(element.get("text", "")) + sum(characters(child) for child in element.get("elements", ()))


def _pools(message: Message) -> list[Block]:
    return [_section(_text(f"{line}\n")) for line in pool_lines(message)]


def _summary(message: Message) -> list[Block]:
    parts = [_text(f"\n{message.about}\n", bold=True)] if message.about else []
    parts += [_text(message.bottleneck, bold=True)] if message.bottleneck else []
    parts += [_text(f"  {message.confidence}")] if message.confidence else []
    parts += [_text(("\n" if parts else "") + message.impact)] if message.impact else []
    return [_section(*parts)] if parts else []


def _why(message: Message) -> list[Block]:
    texts = [*message.why, message.trend, *seen_lines(message)]
    items = [_section(_text(text)) for text in texts if text]
    return [_section(_text("Why", bold=True)), _bullets(*items)] if items else []


def _steps(message: Message) -> list[Block]:
    elements = [element for number, step in enumerate(message.steps, 1) for element in _step(number, step)]
    for element in elements[:1]:
        element["elements"].insert(0, _text("Do\n", bold=True))
    return elements + ([_section(_text(f"+ {message.left_out}", italic=True))] if message.left_out else [])


def _step(number: int, step: Step) -> list[Block]:
    """A line and its command. A line without one ends in a break: sections may be drawn in one paragraph."""
    if not step.command:
        return [_section(_text(step_line(number, step) + "\n"))]
    return [_section(_text(step_line(number, step))), {"type": "rich_text_preformatted", "elements": [_text(step.command)]}]


def _links(message: Message) -> list[Block]:
    if not message.links:
        return []
    parts: list[Block] = []
    for link in message.links:
        parts += [_text(" · ")] if parts else []
        parts.append({"type": "link", "url": link.url, "text": link.title})
    return [_rich_text(_section(*parts))]


def _footer(message: Message) -> list[Block]:
    if not message.footer:
        return []
    return [{"type": "context", "elements": [{"type": "plain_text", "text": shorten(message.footer, CONTEXT_CHARACTERS), "emoji": False}]}]


def _rich_text(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def _bullets(*items: Block) -> Block:
    return {"type": "rich_text_list", "style": "bullet", "elements": list(items)}


def _section(*parts: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(parts)}


def _text(text: str, **style: bool) -> Block:
    return {"type": "text", "text": text, **({"style": style} if style else {})}
