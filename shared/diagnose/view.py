"""A Case made easy to ask: values by node and minute, and where the slow pulls spent their time.

Columns (one metric of one node, minute by minute) are the unit of work: a pool of 1,000 nodes has
hundreds of thousands of values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from msgspec.structs import replace

from shared.diagnose.believable import all_believable, believable, believable_case, highest_of_each, most_of
from shared.diagnose.distance import is_distant
from shared.diagnose.waits import Wait, slow_waits, waits
from shared.model import Case, Cause, NodeModel, Series, Thresholds, in_common
from shared.units import counted

MINUTE = timedelta(minutes=1)
MEASURED_EVERYWHERE = 0.97
"""The same of all node-minutes, where it is not visible which of them had slow pulls."""
AT_WORK, FROM_AFAR, AGAIN, HARD_TO_UNPACK, QUEUED = "at work", "from a distant registry", "again", "hard to unpack", "queued"
"""What a slow pull was doing: fetching an image, one from afar, one that the node had had before, one whose layers take far
longer to unpack than their size; or standing in the kubelet's queue."""
WORKING = (AT_WORK, FROM_AFAR, AGAIN, HARD_TO_UNPACK)
UNPACKED_BYTES_PER_SECOND = 100e6
"""What one core makes of gzip, in round numbers: an image below half of it unpacks slowly."""
REPEATS = 3
"""An image fetched this often again on one node is fetched again and again; once may be a reimaged node."""
MEASURED_FROM = 0.75
"""Part of the slow minutes in which a metric must have a value to speak for its layer."""

type Column = Sequence[float | None]
type Ratios = dict[Cause, list[float | None]]
"""Cause → part of its limit that was used, one for each minute asked about."""
_NOTHING: Column = ()


class Spot(NamedTuple):
    """One minute of one node: the grain of every judgement."""

    node: str
    minute: int
    """Counted from the Case's first minute."""


class Peak(NamedTuple):
    """The highest value of a metric, and where it stood."""

    value: float
    node: str
    at: datetime


class View:
    """Read-only. Every number comes from the Case; what is missing or absurd comes back as None."""

    def __init__(self, case: Case, limits: Thresholds) -> None:
        self.case = believable_case(case)
        self.limits = limits
        self.start = case.window.start.replace(second=0, microsecond=0)
        self.minutes = max(1, min(-int((self.start - case.window.end) // MINUTE), 24 * 60))
        self._series: dict[str, dict[str, list[Series]]] = defaultdict(lambda: defaultdict(list))
        lower = {metric: metric.lower() for metric in {series.metric for series in case.series}}
        for series in case.series:
            self._series[lower[series.metric]][series.node].append(series)
        self._shared = NodeModel((), self.case.pool.vm, self.case.pool.os_disk)
        self.models = self.case.models or (self._shared,)
        """What the nodes are: one entry where all are alike."""
        self._model_of = {node: model for model in self.models for node in model.nodes}
        self._of: dict[tuple[str, ...], View] = {}
        self._columns: dict[str, dict[str, Column]] = defaultdict(dict)
        self.disk_use: dict[str, Ratios] = {}
        self.disk_pressures: dict[str, dict[int, Any]] = {}
        self._image_kinds: dict[str, str] = {}
        self.notes: dict[str, Any] = {}
        """Of layers, about the whole Case, worked out once."""

    # --- nodes ---

    def model(self, node: str) -> NodeModel:
        """The node's VM and OS disk; those that all nodes have in common if the node is not listed."""
        return self._model_of.get(node, self._shared)

    def of(self, nodes: Sequence[str]) -> "View":
        """The same evidence about a pool whose nodes are all like these: its limits are what these have in common."""
        if not (self.case.models and nodes):
            return self
        key = tuple(sorted(nodes))
        if key not in self._of:
            models = tuple(m for m in self.models if not set(m.nodes).isdisjoint(key)) or self.models
            shared = in_common(models)
            size = shared.vm.size or self.case.pool.vm_size
            pool = replace(self.case.pool, vm=replace(shared.vm, size=size), os_disk=shared.os_disk, vm_size=size)
            self._of[key] = View(replace(self.case, pool=pool, models=models), self.limits)
            self._of[key].notes = self.notes
        return self._of[key]

    # --- measurements ---

    def column(self, metric: str, node: str) -> Column:
        """The metric of a node for every minute of the window; empty if it was never measured."""
        columns = self._columns[metric]
        if node not in columns:
            found = self._series.get(metric.lower(), {}).get(node, ())
            columns[node] = self._aligned(found[0]) if len(found) == 1 else highest_of_each(map(self._aligned, found))
        return columns[node]

    def _aligned(self, series: Series) -> Column:
        most = most_of(series.metric)
        aligned = series.start == self.start and series.step_seconds == 60 and len(series.values) == self.minutes
        if aligned and all_believable(series.values, most):
            return series.values
        if series.step_seconds != 60:
            return _NOTHING
        shift = (series.start - self.start) // MINUTE
        at = range(-shift, self.minutes - shift)
        return [believable(series.values[i], most) if 0 <= i < len(series.values) else None for i in at]

    def value(self, metric: str, spot: Spot) -> float | None:
        """A node's value in a minute; None: not measured."""
        column = self.column(metric, spot.node)
        return column[spot.minute] if spot.minute < len(column) else None

    def seen(self, metric: str) -> bool:
        """Whether the metric has any value at all."""
        return any(v is not None for node in self._series.get(metric.lower(), ()) for v in self.column(metric, node))

    def seen_where_slow(self, *metrics: str) -> bool:
        """Whether any of the metrics was measured in most of the slow node-minutes: only then it can clear anybody."""
        if not self.slow and self.pulls_seen:
            return any(map(self.seen, metrics))
        known = total = 0
        for node, minutes in self.minutes_of_interest.items():
            unseen = list(minutes)
            for column in (self.column(m, node) for m in metrics if unseen):
                unseen = [minute for minute in unseen if column[minute] is None] if column else unseen
            known += len(minutes) - len(unseen)
            total += len(minutes)
        if not self.pulls_seen:
            return known > 0 and known >= MEASURED_EVERYWHERE * max(total, self.case.pool.node_count * self.minutes)
        return known >= MEASURED_FROM * total

    def unseen(self, *metrics: str) -> str:
        """Why metrics cannot clear anybody, as the end of a sentence."""
        if not any(map(self.seen, metrics)):
            return "not measured"
        return "measured too seldom while pulls were slow" if self.pulls_seen else "not measured in every minute, and which ones count is not visible without pulls"

    def peak(self, metric: str) -> Peak | None:
        """The highest value: in the slow minutes if pulls were slow, else in the whole window."""
        best = max(self._tops(metric), default=None)
        return None if best is None else Peak(best[0], best[2], self.time(-best[1]))

    def _tops(self, metric: str) -> Iterator[tuple[float, int, str]]:
        """(value, minus the minute, node) of each node's highest value; the earliest of equals."""
        for node, minutes in self.minutes_of_interest.items():
            column = self.column(metric, node)
            if column:
                known = [(v, -m) for m in minutes if (v := column[m]) is not None]
                if known:
                    yield (*max(known), node)

    def usual(self, metric: str) -> float | None:
        """The metric's median before the window, over the pool."""
        typical = (self.case.baseline.metrics if self.case.baseline else {}).get(metric)
        return believable(typical.p50) if typical else None

    @cached_property
    def network_columns(self) -> dict[tuple[str, str], Column]:
        """(metric in lower case, values of its dimensions) → the egress hops' values for every minute;
        the highest where several hops measure the same."""
        columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
        for series in self.case.network:
            columns[series.metric.lower(), series.node].append(self._aligned(series))
        return {key: highest_of_each(found) for key, found in columns.items()}

    def worst(self, metric: str) -> tuple[float | None, ...]:
        """The highest value of any node, minute by minute."""
        return tuple(highest_of_each(self.column(metric, node) for node in self.nodes))

    def time(self, minute: int) -> datetime:
        return self.start + minute * MINUTE

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        named = {node for by_node in self._series.values() for node in by_node} | {p.node for p in self.case.pulls}
        return tuple(sorted(n for n in named if n))

    # --- pulls ---

    @cached_property
    def pulls_seen(self) -> bool:
        return self.coverage("pulls") in ("ok", "partial")

    def coverage(self, source: str) -> str:
        return next((c.status for c in self.case.coverage if c.source == source), "missing")

    @cached_property
    def usual_p95_seconds(self) -> float | None:
        return believable(self.case.baseline.p95_seconds) if self.case.baseline else None

    @property
    def long_for_unknown(self) -> bool:
        """A pull took long, and whether that is usual here is not known."""
        return self.usual_p95_seconds is None and any(w.end - w.start >= self.limits.slow_floor_seconds for w in self.waits)

    def on_nodes(self, nodes: Sequence[str]) -> str:
        """``on 9 of 10 nodes``."""
        total = max(self.case.pool.node_count, len(nodes))
        return f"on {len(nodes)} of {counted(total, 'node')}"

    @property
    def harmless(self) -> str:
        """Why what was used up is not to blame, as the end of a sentence."""
        if not self.slow:
            return "without slowing a pull"
        return "and averages of a minute may hide for how long" if self.notes.get("unexplained") else "but too briefly to matter"

    @cached_property
    def waits(self) -> list[Wait]:
        return waits(self.case, self.start)

    @cached_property
    def slow(self) -> list[Wait]:
        return slow_waits(self.waits, self.usual_p95_seconds, self.limits)

    @cached_property
    def states(self) -> dict[str, dict[str, list[float]]]:
        """Node → state (one of ``WORKING``, ``QUEUED``, or why it backed off) → seconds of slow pulls in each minute."""
        states: dict[str, dict[str, list[float]]] = {}
        for wait in self.slow:
            mine = states.setdefault(wait.node, {})
            self._add(mine, self._working_state(wait), wait.pull_start, wait.end)
            if wait.start < wait.pull_start:
                self._add(mine, QUEUED, wait.queue_start, wait.pull_start)
                self._add(mine, wait.main_reason, wait.start, wait.queue_start)
        return states

    @cached_property
    def as_usual_from_afar(self) -> dict[str, list[float]]:
        """Node → seconds in each minute that slow pulls from a distant registry would have taken in any case: what is usual here,
        where the distance always is.
        """
        rows: dict[str, list[float]] = {}
        for wait in self.slow:
            if wait.pull_start < wait.end and self._working_state(wait) == FROM_AFAR:
                part = min(1.0, (self.usual_p95_seconds or 0.0) / (wait.end - wait.pull_start))
                add_span(rows.setdefault(wait.node, [0.0] * self.minutes), wait.pull_start, wait.end, part)
        return rows

    def _working_state(self, wait: Wait) -> str:
        key = wait.node, wait.image
        if key in self.repeats and wait.pull_start >= self.first_end[key]:
            return AGAIN
        kinds = self._image_kinds
        if wait.image not in kinds:
            kinds[wait.image] = FROM_AFAR if is_distant(self.case, wait.image) else HARD_TO_UNPACK if self.unpacks_slowly(wait.image) else AT_WORK
        return kinds[wait.image]

    def unpacks_slowly(self, image: str) -> bool:
        """Even its fastest pull in the window was far below what one core unpacks."""
        return 0.0 < self._best_rates.get(image, 0.0) < UNPACKED_BYTES_PER_SECOND / 2

    @cached_property
    def _best_rates(self) -> dict[str, float]:
        """Image → bytes a second of its fastest pull."""
        best: dict[str, float] = {}
        for pull in self.case.pulls:
            if pull.size_bytes and pull.seconds:
                best[pull.image] = max(best.get(pull.image, 0.0), pull.size_bytes / pull.seconds)
        return best

    @cached_property
    def first_end(self) -> dict[tuple[str, str], float]:
        """(node, image) → when the node first had the image."""
        ends: dict[tuple[str, str], float] = {}
        for wait in self.waits:
            if wait.done:
                key = (wait.node, wait.image)
                ends[key] = min(wait.end, ends.get(key, wait.end))
        return ends

    @cached_property
    def repeats(self) -> dict[tuple[str, str], int]:
        """(node, image) → pulls begun after the node had the image, where there were ``REPEATS`` or more."""
        first_end = self.first_end
        counts = Counter(key for w in self.waits if w.done and w.pull_start >= first_end[key := (w.node, w.image)] < w.end)
        return {key: count for key, count in counts.items() if count >= REPEATS}

    def _add(self, states: dict[str, list[float]], state: str, start: float, end: float) -> None:
        if start < end:
            if state not in states:
                states[state] = [0.0] * self.minutes
            add_span(states[state], start, end)

    @cached_property
    def pulling(self) -> dict[str, list[float]]:
        """Node → seconds that slow pulls were at work in each minute; parallel pulls add up."""
        rows = {node: [row for state, row in states.items() if state in WORKING] for node, states in self.states.items()}
        return {node: found[0] if len(found) == 1 else [sum(minute) for minute in zip(*found, strict=True)] for node, found in rows.items() if found}

    @cached_property
    def slow_minutes(self) -> dict[str, list[int]]:
        """Node → minutes in which a slow pull went on: backing off, queued or at work."""
        return {node: [m for m, seconds in enumerate(zip(*states.values(), strict=True)) if any(seconds)]
                for node, states in self.states.items()}

    @cached_property
    def minutes_of_interest(self) -> dict[str, Sequence[int]]:
        """Where to look for a peak: the slow minutes, or all of them when nothing was slow within the window."""
        slow = {node: minutes for node, minutes in self.slow_minutes.items() if minutes}
        return dict(slow) if slow else {node: range(self.minutes) for node in self.nodes}


def add_span(row: list[float], start: float, end: float, part: float = 1.0) -> None:
    """Adds the seconds of [start, end), or a part of each, to the minutes they fall into."""
    start, end = max(start, 0.0), min(end, 60.0 * len(row))
    first, last = int(start // 60), int(end // 60)
    if first >= len(row) or end <= start:
        return
    if first == last:
        row[first] += part * (end - start)
        return
    row[first] += part * (60.0 * (first + 1) - start)
    for minute in range(first + 1, last):
        row[minute] += part * 60.0
    if last < len(row):
        row[last] += part * (end - 60.0 * last)
