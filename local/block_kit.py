"""What Slack accepts in a message: the limits of Block Kit, checked without Slack.

Numbers: "Reference: blocks" in Slack's documentation, @slack/types and slack_sdk. Slack publishes no schema.
"""

from collections.abc import Iterator
from typing import Any

BLOCKS = 50
TEXT = 40_000
HEADER = 150
SECTION = 3000
FIELDS, FIELD = 10, 2000
CONTEXT_ELEMENTS = 10
ACTIONS, BUTTON_TEXT, BUTTON_URL = 25, 75, 3000
BLOCK_ID = 255
ALL_TEXT = 13_000
"""Text of all blocks together, as refusals (``msg_blocks_too_long``) suggest."""

INLINE = {"text", "link", "emoji"}
CONTAINERS = {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}
STYLES = {"bold", "italic", "strike", "code"}


def problems(payload: dict[str, Any]) -> list[str]:
    """Every reason for Slack to answer ``invalid_blocks``; empty if there is none."""
    blocks = payload.get("blocks", [])
    found = [] if len(blocks) <= BLOCKS else [f"{len(blocks)} blocks, at most {BLOCKS}"]
    for index, block in enumerate(blocks):
        check = _CHECKS.get(block.get("type"))
        found += [f"block {index}: {text}" for text in (check(block) if check else [f"unknown type {block.get('type')!r}"])]
        if len(block.get("block_id", "")) > BLOCK_ID:
            found.append(f"block {index}: block_id too long")
    total = sum(len(text) for text in all_texts(blocks))
    return found if total <= ALL_TEXT else [*found, f"{total} characters in all blocks, at most {ALL_TEXT}"]


def all_texts(value: Any) -> Iterator[str]:
    """Every ``text`` string anywhere within."""
    if isinstance(value, list):
        for item in value:
            yield from all_texts(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for item in value.values():
            yield from all_texts(item)


def _text_object(value: Any, limit: int, kinds: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield f"text must be one of {', '.join(kinds)}"
    elif not 1 <= len(value.get("text", "")) <= limit:
        yield f"text must have 1 to {limit} characters, not {len(value.get('text', ''))}"


def _header(block: dict[str, Any]) -> Iterator[str]:
    yield from _text_object(block.get("text"), HEADER, ("plain_text",))


def _section(block: dict[str, Any]) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" in block:
        yield from _text_object(block["text"], SECTION, ("plain_text", "mrkdwn"))
    elif not fields:
        yield "section needs text or fields"
    if len(fields) > FIELDS:
        yield f"{len(fields)} fields, at most {FIELDS}"
    for field in fields:
        yield from _text_object(field, FIELD, ("plain_text", "mrkdwn"))


def _context(block: dict[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= CONTEXT_ELEMENTS:
        yield f"context must have 1 to {CONTEXT_ELEMENTS} elements"
    for element in elements:
        yield from _text_object(element, SECTION, ("plain_text", "mrkdwn"))


def _actions(block: dict[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= ACTIONS:
        yield f"actions must have 1 to {ACTIONS} elements"
    for button in elements:
        yield from _text_object(button.get("text"), BUTTON_TEXT, ("plain_text",))
        if len(button.get("url", "")) > BUTTON_URL:
            yield "button url too long"


def _rich_text(block: dict[str, Any]) -> Iterator[str]:
    if not block.get("elements"):
        yield "rich_text needs elements"
    for element in block.get("elements", []):
        yield from _rich_element(element)


def _rich_element(element: dict[str, Any]) -> Iterator[str]:
    if element.get("type") == "rich_text_list":
        if element.get("style") not in ("bullet", "ordered"):
            yield "a list must be bullet or ordered"
        for item in element.get("elements", []):
            yield from _rich_element(item)
    elif element.get("type") not in CONTAINERS:
        yield f"unknown rich-text element {element.get('type')!r}"
    elif not element.get("elements"):
        yield f"{element['type']} is empty"
    else:
        for inline in element["elements"]:
            yield from _inline(inline)


def _inline(inline: dict[str, Any]) -> Iterator[str]:
    if inline.get("type") not in INLINE:
        yield f"unknown inline element {inline.get('type')!r}"
    if inline.get("type") == "text" and not inline.get("text"):
        yield "text is empty"
    if inline.get("type") == "link" and not str(inline.get("url", "")).startswith(("https://", "http://", "mailto:")):
        yield "a link needs a URL"
    if not set(inline.get("style", {})) <= STYLES:
        yield "unknown style"


_CHECKS = {
    "header": _header, "section": _section, "context": _context, "actions": _actions, "rich_text": _rich_text,
    "divider": lambda _: iter(()),
}
