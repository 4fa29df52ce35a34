"""Numbers as people read them: with units, with what is missing said as ``unknown``.

Bytes are decimal (1 MB is 10^6 bytes), as Azure's size and disk pages count them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

UNKNOWN = "unknown"
_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``41 s``, ``4 min 12 s``, ``2 h 5 min``, ``3 d 4 h``: two units at most."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 9.95:
        return f"{_shortest(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _two(minutes, "min", rest, "s")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _two(hours, "h", minutes, "min")
    return _two(hours // 24, "d", hours % 24, "h")


def about(seconds: float | None) -> str:
    """A predicted duration, no finer than a prediction is: ``6 s``, ``55 s``, ``2 min 20 s``."""
    if seconds is None or seconds < 1:
        return duration(seconds)
    step = 1 if seconds < 60 else 5 if seconds < 600 else 60
    return duration(step * round(seconds / step))


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    parts = [f"{large} {large_unit}" if large else "", f"{small} {small_unit}" if small or not large else ""]
    return " ".join(part for part in parts if part)


def number(value: float | None) -> str:
    """``1,240``, ``0.4``, ``12.5``: thousands separated, three digits kept of small numbers."""
    if value is None:
        return UNKNOWN
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return _shortest(round(value, 1 if abs(value) >= 10 else 2))


def rough(value: float | None) -> str:
    """``34``, ``0.3``: no decimals from ten on, one below; for a measured value whose finer digits say nothing."""
    return number(value if value is None else round(value, 0 if abs(value) >= 10 else 1))


def counted(count: int | None, noun: str, plural: str = "") -> str:
    """``1 pull``, ``1,240 pulls``, ``pulls unknown``; ``plural`` where it takes more than an s."""
    plural = plural or f"{noun}s"
    return f"{plural} {UNKNOWN}" if count is None else f"{count:,} {noun if count == 1 else plural}"


def percent(fraction: float | None) -> str:
    """``94 %`` of 0.94. Never ``100 %`` or ``0 %`` by rounding alone."""
    if fraction is None:
        return UNKNOWN
    if 0.99 < fraction < 1:
        return "99 %"
    if 0 < fraction < 0.01:
        return "1 %"
    return f"{round(fraction * 100)} %"


def data_size(size_bytes: float | None) -> str:
    """``812 MB``, ``1.2 GB``."""
    return UNKNOWN if size_bytes is None else _scaled(size_bytes, "B")


def data_rate(bytes_per_second: float | None) -> str:
    """``96 MB/s``."""
    return UNKNOWN if bytes_per_second is None else _scaled(bytes_per_second, "B/s")


def bit_rate(bits_per_second: float | None) -> str:
    """``250 Mbit/s``, ``30 Gbit/s``."""
    return UNKNOWN if bits_per_second is None else _scaled(bits_per_second, "bit/s")


def _scaled(value: float, unit: str) -> str:
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{number(value / size)} {prefix}{unit}"
    return f"{number(value)} {unit}"


def quantity(value: float | None, unit: str) -> str:
    """A value in one of Azure Monitor's units (``Percent``, ``BytesPerSecond``, …) or in a plain one (``IOPS``)."""
    if value is None:
        return UNKNOWN
    worded = _UNITS.get(unit.lower())
    return worded(value) if worded else f"{number(value)} {unit}"


_UNITS: dict[str, Callable[[float], str]] = {
    "": number, "count": number, "unspecified": number,
    "percent": lambda value: f"{number(value)} %", "%": lambda value: f"{number(value)} %",
    "bytes": data_size, "bytespersecond": data_rate, "bytes/s": data_rate,
    "seconds": duration, "s": duration,
    "milliseconds": lambda value: f"{number(value)} ms",
    "countpersecond": lambda value: f"{number(value)}/s", "countperminute": lambda value: f"{number(value)} a minute",
}


def times(factor: float) -> str:
    """``6 ×``, ``2.5 ×``."""
    return f"{_shortest(round(factor, 1)) if factor < 3 else f'{factor:,.0f}'} ×"


def clock(at: datetime) -> str:
    """``2026-11-24 10:42 UTC``: a delayed message must still say which day it speaks of."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def sparkline(values: Sequence[float | None], top: float | None = None, width: int = 16) -> str:
    """One bar for each step, from zero to ``top`` (or the highest value); ``·`` where nothing was measured.

    More values than ``width`` are merged, each bar showing the highest of its share: a short peak stays seen.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    ceiling = max([*known, top or 0.0])
    bars = min(width, len(values))
    edges = [round(index * len(values) / bars) for index in range(bars + 1)]
    return "".join(_bar(values[left:right], ceiling) for left, right in pairwise(edges))


def _bar(values: Sequence[float | None], ceiling: float) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return _GAP
    if ceiling <= 0:
        return _BARS[0]
    return _BARS[min(len(_BARS) - 1, max(0, int(max(known) / ceiling * len(_BARS))))]


def _shortest(value: float) -> str:
    return f"{value:g}"
