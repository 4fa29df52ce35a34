"""Measurements drawn over one common time axis: paths for the page, and a sentence for those who cannot see them.

Shapes are plain SVG paths in a box of ``WIDTH`` × ``HEIGHT`` that the page stretches; texts stand outside of it,
so that they keep their size on a phone. A column is a minute, or several where a window is long: the worst of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil, log10
from typing import NamedTuple

from shared import units
from shared.model import Case, Window
from shared.ranks import nearest_rank
from shared.report.literal import one_line

WIDTH, HEIGHT = 1000, 100
MOST_COLUMNS = 360
MOST_TICKS = 7
MOST = 1e15
"""No metric is larger: what is, is a misreading and counts as not measured."""
NAME_CHARACTERS = 120
_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)

type Column = Sequence[float | None]


class Tick(NamedTuple):
    percent: float
    """From the left edge."""
    text: str


class Timeline(NamedTuple):
    """The columns that all charts of a page share."""

    start: datetime
    columns: int
    step: timedelta

    def time(self, column: int) -> datetime:
        return self.start + column * self.step

    def column(self, at: datetime) -> int:
        """Where a moment falls; outside of the columns for one outside of the window."""
        return (at - self.start) // self.step

    def percent(self, at: datetime) -> float:
        """How far from the left edge, 0..100."""
        whole = self.columns * self.step
        return round(100 * min(1.0, max(0.0, (at - self.start) / whole)), 2)

    def clocks(self) -> list[str]:
        return [f"{self.time(column):%H:%M} UTC" for column in range(self.columns)]

    def ticks(self) -> tuple[Tick, ...]:
        """Round times, few enough for a phone."""
        minutes = self.columns * self.step / timedelta(minutes=1)
        every = timedelta(minutes=next((m for m in _TICK_MINUTES if minutes / m <= MOST_TICKS), 1440))
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + ceil((self.start - midnight) / every) * every
        found = []
        while at < self.start + self.columns * self.step:
            found.append(Tick(self.percent(at), f"{at:%H:%M}"))
            at += every
        return tuple(found)


class Panel(NamedTuple):
    """One metric of all nodes."""

    title: str
    worst: str
    """Path of the highest node, column by column."""
    median: str
    band: str
    """Closed path from the 10th to the 90th percentile of the nodes; empty with fewer than five."""
    top: str
    """What the upper edge means."""
    limit: Tick | None
    """Its ``percent`` counts from the top."""
    usual: Tick | None
    summary: str
    """All that the picture shows, in words."""
    readings: tuple[str, ...]
    """What each column shows, in words."""
    decides: bool = False


def timeline(window: Window) -> Timeline:
    start = window.start.replace(second=0, microsecond=0)
    minutes = max(1, min(-int((start - window.end) // timedelta(minutes=1)), 24 * 60))
    step = -(-minutes // MOST_COLUMNS)
    return Timeline(start, -(-minutes // step), timedelta(minutes=step))


def by_node(case: Case, metric: str, line: Timeline, scale: float = 1.0) -> dict[str, list[float | None]]:
    """Node → the metric's value in every column; nodes without any value are left out."""
    found: dict[str, list[float | None]] = {}
    for series in case.series:
        if series.metric.lower() != metric.lower() or not series.node:
            continue
        row = found.setdefault(one_line(series.node, NAME_CHARACTERS), [None] * line.columns)
        step = timedelta(seconds=max(1, series.step_seconds))
        for index, value in enumerate(series.values):
            column = line.column(series.start + index * step)
            if value is not None and 0 <= value <= MOST and 0 <= column < line.columns:
                row[column] = max(row[column] or 0.0, value * scale)
    return {node: row for node, row in found.items() if any(value is not None for value in row)}


def panel(title: str, rows: dict[str, list[float | None]], line: Timeline, *, unit: str = "", limit: float | None = None,
          usual: float | None = None, decides: bool = False, gap: str = "not measured") -> Panel | None:
    """A metric drawn; None where nothing of it was measured. ``gap``: what it means where there is no value."""
    columns = [_column(rows, index) for index in range(line.columns)]
    known = [column[-1][0] for column in columns if column]
    if not known:
        return None
    top = round_up(max([*known, (limit or 0.0) * 1.1, usual or 0.0]))
    spread = [(_percentile(column, 10), _percentile(column, 90)) for column in columns] if len(rows) >= 5 else []
    return Panel(
        title=title, worst=path([column[-1][0] if column else None for column in columns], top),
        median=path([_percentile(column, 50) for column in columns], top) if len(rows) > 1 else "",
        band=area(spread, top) if spread else "", top=told(top, unit),
        limit=_mark(limit, top, unit), usual=_mark(usual, top, unit),
        summary=_summary(columns, line, unit, limit, usual) + _gaps(columns, line, gap),
        readings=tuple(_reading(column, unit) if column else gap for column in columns), decides=decides,
    )


def told(value: float | None, unit: str) -> str:
    """``38``, ``101 %``, ``4.2 Mbit/s``."""
    return units.UNKNOWN if value is None else f"{units.number(round(value, 0 if value >= 10 else 1))} {unit}".strip()


type _Ranked = list[tuple[float, str]]


def _column(rows: dict[str, list[float | None]], index: int) -> _Ranked:
    """(value, node) of all nodes, lowest first."""
    return sorted((value, node) for node, row in rows.items() if (value := row[index]) is not None)


def _percentile(column: _Ranked, percent: int) -> float | None:
    found = nearest_rank(column, percent)
    return found[0] if found else None


def _reading(column: _Ranked, unit: str) -> str:
    value, node = column[-1]
    if len(column) == 1:
        return f"{told(value, unit)} on {node}"
    return f"worst {told(value, unit)} on {node}, median {told(_percentile(column, 50), unit)} of {len(column)} nodes"


def _summary(columns: Sequence[_Ranked], line: Timeline, unit: str, limit: float | None, usual: float | None) -> str:
    value, index = max((column[-1][0], -index) for index, column in enumerate(columns) if column)
    node = columns[-index][-1][1]
    marks = [f"limit {told(limit, unit)}"] if limit is not None else []
    marks += [f"usually {told(usual, unit)}"] if usual is not None else []
    known = f" ({', '.join(marks)})" if marks else ""
    return f"up to {told(value, unit)} at {line.time(-index):%H:%M} UTC on {node}{known}"


def _gaps(columns: Sequence[_Ranked], line: Timeline, gap: str) -> str:
    """``, not measured in 3 of 34 minutes``."""
    empty, step = sum(not column for column in columns), "minutes" if line.step <= timedelta(minutes=1) else "steps"
    return f", {gap} in {empty} of {len(columns)} {step}" if empty else ""


def _mark(value: float | None, top: float, unit: str) -> Tick | None:
    return None if value is None else Tick(round(100 - 100 * value / top, 2), told(value, unit))


def round_up(value: float) -> float:
    """The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** int(log10(value) // 1)
    return next((step * power for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if value <= step * power * (1 + 1e-9)), 10 * power)


# --- paths ---


def path(values: Column, top: float) -> str:
    """A line through the middles of the columns, with gaps where nothing is known; a lone value is a dot."""
    return " ".join("M" + " L".join(f"{x} {y}" for x, y in run) + (" h0.1" if len(run) == 1 else "") for run in _runs(values, top))


def _runs(values: Column, top: float) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for index, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((_middle(index, len(values)), _height(value, top)))
    if run:
        yield run


def area(pairs: Sequence[tuple[float | None, float | None]], top: float) -> str:
    """What lies between two lines that have their gaps in common."""
    lows, highs = list(_runs([low for low, _ in pairs], top)), list(_runs([high for _, high in pairs], top))
    outlines = ([*high, *reversed(low)] for low, high in zip(lows, highs, strict=True))
    return " ".join("M" + " L".join(f"{x} {y}" for x, y in outline) + "Z" for outline in outlines)


def bars(values: Sequence[float], bases: Sequence[float], top: float) -> str:
    """A bar in each column, standing on its base."""
    width = WIDTH / len(values)
    return "".join(
        f"M{_short(index * width + width * 0.08)} {_height(base, top)}V{_height(base + value, top)}"
        f"H{_short((index + 1) * width - width * 0.08)}V{_height(base, top)}Z"
        for index, (value, base) in enumerate(zip(values, bases, strict=True)) if value
    )


def _middle(index: int, columns: int) -> float:
    return _short((index + 0.5) * WIDTH / columns)


def _height(value: float, top: float) -> float:
    return _short(HEIGHT - HEIGHT * min(value, top) / top)


def _short(number: float) -> float:
    return round(number, 1)


def highest(rows: Iterable[Column]) -> float:
    return max((value for row in rows for value in row if value is not None), default=0.0)
