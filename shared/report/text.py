"""A message as plain text: for terminals without colour, e-mail, and chats that refuse anything richer."""

import textwrap
from collections.abc import Iterable

from shared.model import Diagnosis, Notice
from shared.report.message import Links, Message, Step, build_message

LABEL_WIDTH = 7


def render(message: Message, width: int = 100) -> str:
    """The whole message, wrapped at ``width`` except for commands and links, ending in a newline."""
    parts = [
        *_wrapped([message.title], width),
        *_wrapped(pool_lines(message), width),
        *_wrapped([message.about, _bottleneck(message), message.impact], width),
        *_labelled("Why", [*message.why, message.trend, *seen_lines(message)], width),
        *_steps(message, width),
        *(f"{link.title}: {link.url}" for link in message.links),
        *_wrapped([message.footer], width),
    ]
    return "\n".join(parts) + "\n"


def render_diagnosis(diagnosis: Diagnosis, links: Links, width: int = 100) -> str:
    """A diagnosis that somebody asked for, as text."""
    notice = Notice(id=diagnosis.id, kind="opened", at=diagnosis.window.end, reason="asked", diagnosis=diagnosis)
    return render(build_message(notice, links), width)


def pool_lines(message: Message) -> tuple[str, ...]:
    """A line for each pool, and how many are not listed."""
    return message.pools + ((f"+ {message.pools_left_out}",) if message.pools_left_out else ())


def seen_lines(message: Message) -> tuple[str, ...]:
    """The lines about innocent and invisible layers, with their labels."""
    cleared = (f"Cleared: {message.cleared}",) if message.cleared else ()
    return cleared + tuple(f"Not seen: {text}" for text in message.not_seen)


def _bottleneck(message: Message) -> str:
    return f"{message.bottleneck} · {message.confidence}" if message.bottleneck and message.confidence else message.bottleneck


def step_line(number: int, step: Step) -> str:
    """``1. Ephemeral OS disk: p95 about 55 s · note``, or ``Not: …`` for a remedy to avoid."""
    lead = "Not:" if step.warning else f"{number}."
    return f"{lead} {step.title}: {step.effect}" + (f" · {step.note}" if step.note else "")


def _steps(message: Message, width: int) -> list[str]:
    parts: list[str] = []
    for number, step in enumerate(message.steps, 1):
        parts += _labelled("Do" if number == 1 else "", [step_line(number, step)], width)
        parts += [" " * (LABEL_WIDTH + 3) + line for line in step.command.splitlines()]
    return parts + _labelled("", [f"+ {message.left_out}"] if message.left_out else [], width)


def _labelled(label: str, texts: Iterable[str], width: int) -> list[str]:
    """Texts in a column, the label before the first."""
    column = _wrapped(texts, width - LABEL_WIDTH)
    return [(label if row == 0 else "").ljust(LABEL_WIDTH) + line for row, line in enumerate(column)]


def _wrapped(texts: Iterable[str], width: int) -> list[str]:
    return [line for text in texts if text for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)]
