"""A Case made easy to ask: values by node and minute, and where the slow pulls spent their time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from shared.diagnose.waits import Wait, slow_waits, waits
from shared.model import Case, Series, Thresholds

MINUTE = timedelta(minutes=1)


class Spot(NamedTuple):
    """One minute of one node: the grain of every judgement."""

    node: str
    minute: int
    """Counted from the window's start."""


class Peak(NamedTuple):
    """The highest value of a metric, and where it stood."""

    value: float
    node: str
    at: datetime


class View:
    """Read-only. Every number comes from the Case; what is missing comes back as None."""

    def __init__(self, case: Case, limits: Thresholds) -> None:
        self.case = case
        self.limits = limits
        self.start = case.window.start.replace(second=0, microsecond=0)
        self._series: dict[str, dict[str, Series]] = defaultdict(dict)
        for series in case.series:
            self._series[series.metric.lower()][series.node] = series

    # --- measurements ---

    def value(self, metric: str, spot: Spot) -> float | None:
        """A node's value in a minute; None: not measured."""
        series = self._series.get(metric.lower(), {}).get(spot.node)
        if series is None:
            return None
        index = spot.minute + (self.start - series.start) // MINUTE
        return series.values[index] if 0 <= index < len(series.values) else None

    def total(self, metrics: Iterable[str], spot: Spot) -> float | None:
        """Sum of several metrics (reads and writes); None if any is missing."""
        values = [self.value(m, spot) for m in metrics]
        return None if any(v is None for v in values) else sum(v for v in values if v is not None)

    def seen(self, metric: str) -> bool:
        """Whether the metric has any value at all."""
        return any(v is not None for s in self._series.get(metric.lower(), {}).values() for v in s.values)

    def peak(self, metric: str) -> Peak | None:
        """The highest value: in the slow minutes if pulls were slow, else in the whole window."""
        values = ((v, spot) for spot in self.spots_of_interest if (v := self.value(metric, spot)) is not None)
        return self._peak(values)

    def _peak(self, values: Iterable[tuple[float, Spot]]) -> Peak | None:
        best = max(values, key=lambda pair: (pair[0], -pair[1].minute, pair[1].node), default=None)
        return None if best is None else Peak(best[0], best[1].node, self.time(best[1].minute))

    def worst(self, metric: str) -> tuple[float | None, ...]:
        """The highest value of any node, minute by minute."""
        columns = ([self.value(metric, Spot(node, minute)) for node in self.nodes] for minute in range(self.minutes))
        return tuple(max((v for v in column if v is not None), default=None) for column in columns)

    def usual(self, metric: str) -> float | None:
        """The metric's median before the window, over the pool."""
        typical = (self.case.baseline.metrics if self.case.baseline else {}).get(metric)
        return typical.p50 if typical else None

    def time(self, minute: int) -> datetime:
        return self.start + minute * MINUTE

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        named = {s.node for by_node in self._series.values() for s in by_node.values()} | {p.node for p in self.case.pulls}
        return tuple(sorted(n for n in named if n))

    @cached_property
    def minutes(self) -> int:
        return max(1, -int((self.start - self.case.window.end) // MINUTE))

    @cached_property
    def spots_of_interest(self) -> tuple[Spot, ...]:
        if self.pulling:
            return tuple(sorted(self.pulling))
        return tuple(Spot(node, minute) for node in self.nodes for minute in range(self.minutes))

    # --- pulls ---

    @cached_property
    def pulls_seen(self) -> bool:
        return self.coverage("pulls") in ("ok", "partial")

    def coverage(self, source: str) -> str:
        return next((c.status for c in self.case.coverage if c.source == source), "missing")

    @cached_property
    def waits(self) -> list[Wait]:
        return waits(self.case)

    @cached_property
    def slow(self) -> list[Wait]:
        usual = self.case.baseline.p95_seconds if self.case.baseline else None
        return slow_waits(self.waits, usual, self.limits)

    @cached_property
    def pulling(self) -> dict[Spot, float]:
        """Seconds that slow pulls were at work, by node and minute; parallel pulls add up."""
        return self._spread((w.node, w.pull_start, w.end) for w in self.slow)

    @cached_property
    def slow_spots(self) -> tuple[Spot, ...]:
        """Every node and minute in which a slow pull went on: backing off, queued or at work."""
        return tuple(sorted(self._spread((w.node, w.start, w.end) for w in self.slow)))

    @cached_property
    def slow_minutes(self) -> int:
        return len({spot.minute for spot in self.slow_spots})

    def _spread(self, spans: Iterable[tuple[str, datetime, datetime]]) -> dict[Spot, float]:
        seconds: dict[Spot, float] = defaultdict(float)
        for node, start, end in spans:
            for spot, part in self.minutes_of(node, start, end):
                seconds[spot] += part
        return dict(seconds)

    def minutes_of(self, node: str, start: datetime, end: datetime) -> Iterator[tuple[Spot, float]]:
        moment = max(start, self.start)
        while moment < end:
            minute = int((moment - self.start) // MINUTE)
            stop = min(end, self.time(minute + 1))
            yield Spot(node, minute), (stop - moment).total_seconds()
            moment = stop
