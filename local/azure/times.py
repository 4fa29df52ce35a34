"""Times and durations as Azure writes and reads them."""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def parse_time(text: str) -> datetime:
    """ISO 8601 to aware UTC; without an offset it is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_duration(text: str) -> timedelta:
    """``PT1M``, ``P1D``, ``PT1800.0S``. Raises ``ValueError``."""
    match = _DURATION.fullmatch(text.strip().upper())
    if not match or not any(match.groups()):
        raise ValueError(f"{text!r} is no ISO 8601 duration.")
    return timedelta(**{unit: float(number) for unit, number in match.groupdict().items() if number})


def parse_timespan(text: str, now: datetime) -> tuple[datetime, datetime]:
    """``start/end``, ``start/duration`` or ``duration`` (up to now). Raises ``ValueError``."""
    first, _, second = text.partition("/")
    if not second:
        return now - parse_duration(first), now
    start = parse_time(first)
    if second.upper().startswith("P"):
        return start, start + parse_duration(second)
    return start, parse_time(second)


def iso_seconds(moment: datetime) -> str:
    """``2026-08-20T10:00:00Z``: how Azure Monitor writes slots."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_exact(moment: datetime) -> str:
    """``2026-08-20T10:00:00.123Z``: fractions without trailing zeros, as Log Analytics writes them."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    text = aware.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


def clock_text(duration: timedelta) -> str:
    """``1.02:03:04.5000000``: a .NET TimeSpan, as Kusto and the metrics service print durations."""
    seconds = abs(duration.total_seconds())
    whole, fraction = int(seconds), round(seconds % 1 * 10_000_000)
    days, rest = divmod(whole, 86_400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    sign = "-" if duration < timedelta() else ""
    return sign + (f"{days}." if days else "") + text + (f".{fraction:07}" if fraction else "")
