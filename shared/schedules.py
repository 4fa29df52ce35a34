"""NCRONTAB, the schedules of timers: whether a text is one. Loaded with the app, so it loads nothing itself.

Source: "Timer trigger for Azure Functions", NCRONTAB expressions.
"""

import os
import re

NAMES = "jan feb mar apr may jun jul aug sep oct nov dec", "sun mon tue wed thu fri sat"
FIELDS = ((0, 59, "", 0), (0, 59, "", 0), (0, 23, "", 0), (1, 31, "", 0), (1, 12, NAMES[0], 1), (0, 6, NAMES[1], 0))
"""Second, minute, hour, day, month, day of week: lowest, highest, names, and the number of the first name."""
_PART = re.compile(r"(?:\*|(?P<first>[0-9a-z]{1,3})(?:-(?P<last>[0-9a-z]{1,3}))?)(?:/(?P<step>[0-9]{1,2}))?", re.IGNORECASE)


def is_schedule(text: str) -> bool:
    """Whether the host would take it: six fields, seconds first."""
    words = text.split()
    return len(words) == len(FIELDS) and all(_is_part(part, *field) for word, field in zip(words, FIELDS, strict=True) for part in word.split(","))


def schedule_of(setting: str, default: str) -> str:
    """The schedule in an application setting; the default where it is missing, or is none.

    A function whose schedule is wrong is not indexed, and nobody is told: it runs as usual, and ``/api/health`` names the setting.
    """
    text = os.environ.get(setting, "").strip()
    return text if is_schedule(text) else default


def _is_part(part: str, low: int, high: int, names: str, first_name: int) -> bool:
    match = _PART.fullmatch(part)
    if match is None or (match["step"] is not None and int(match["step"]) < 1):
        return False
    numbers = [_number(word, names.split(), first_name) for word in (match["first"], match["last"]) if word]
    return [low, *numbers, high] == sorted([low, *numbers, high])


def _number(word: str, names: list[str], first_name: int) -> int:
    """-1 for a word that is none."""
    if word.lower() in names:
        return names.index(word.lower()) + first_name
    return int(word) if word.isascii() and word.isdigit() else -1
