"""NCRONTAB, the timer schedules of Azure Functions: six fields, seconds first, in UTC.

``{second} {minute} {hour} {day} {month} {day-of-week}``; each ``*``, a number, a name (``Jan``,
``Mon``), a range ``a-b``, a list ``a,b`` and a step ``/n``. Sunday is 0. Unlike in cron, day and
day of week must *both* match. Source: "Timer trigger for Azure Functions", NCRONTAB expressions.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("day of week", 0, 6))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NAMES = {"month": {name: i for i, name in enumerate(MONTHS, 1)}, "day of week": {name: i for i, name in enumerate(WEEKDAYS)}}
LONGEST_GAP_DAYS = 8 * 366 + 1
"""From one 29 February to the next over a year like 2100."""


class BadSchedule(ValueError):
    """The text is no NCRONTAB schedule, or one that never comes."""


@dataclass(frozen=True)
class Schedule:
    """The values each field allows, ascending."""

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than ``moment`` (an aware UTC time). Raises ``BadSchedule``."""
        start = (moment + timedelta(seconds=1)).replace(microsecond=0)
        for offset in range(LONGEST_GAP_DAYS):
            day = (start + timedelta(days=offset)).date()
            if day.day not in self.days or day.month not in self.months or day.isoweekday() % 7 not in self.weekdays:
                continue
            at = self._first_time(start.time() if offset == 0 else time.min)
            if at is not None:
                return datetime.combine(day, at, moment.tzinfo)
        raise BadSchedule(f"The schedule {self.text!r} never comes.")

    def _first_time(self, earliest: time) -> time | None:
        """The first time of day from ``earliest`` on that the fields allow."""
        for hour in (h for h in self.hours if h >= earliest.hour):
            for minute in self.minutes:
                for second in self.seconds:
                    if (at := time(hour, minute, second)) >= earliest:
                        return at
        return None


def parse(text: str) -> Schedule:
    """The schedule that ``text`` means. Raises ``BadSchedule`` with one sentence."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise BadSchedule(f"The schedule {text!r} has {len(words)} fields; NCRONTAB has six, seconds first, as in '0 */5 * * * *'.")
    return Schedule(text, *(_field(text, word, *field) for word, field in zip(words, FIELDS, strict=True)))


def _field(text: str, word: str, name: str, low: int, high: int) -> tuple[int, ...]:
    try:
        allowed = {value for part in word.split(",") for value in _part(part, NAMES.get(name, {}), low, high)}
    except ValueError:
        raise BadSchedule(f"The schedule {text!r} has {word!r} for its {name}; that field goes from {low} to {high}.") from None
    return tuple(sorted(allowed))


def _part(part: str, names: dict[str, int], low: int, high: int) -> range:
    """``*``, ``5``, ``5-9``, ``*/2``, ``5-9/2``; ``5/2`` is from 5 to the end. Raises ``ValueError``."""
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        start, end = low, high
    else:
        start = _number(first, names)
        end = _number(last, names) if dash else (high if slash else start)
    every = int(step) if slash else 1
    if not (low <= start <= end <= high and every >= 1):
        raise ValueError(part)
    return range(start, end + 1, every)


def _number(word: str, names: dict[str, int]) -> int:
    return names[word.lower()] if word.lower() in names else int(word)
