"""What each image asked of its nodes: their draw beyond their other work, while it was fetched.

The images at work in the same minute share what was drawn in it. Other work is what a node drew in its minutes
without a pull. An image that several nodes fetched asks for the mean of what they drew.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import inf
from statistics import fmean, median
from typing import NamedTuple

from shared.diagnose import cpu, disk, network
from shared.diagnose.node_limits import of_pool
from shared.diagnose.pipeline import DISK, KINDS, Kind, Needs
from shared.diagnose.view import MEASURED_FROM, Column, View, add_span
from shared.diagnose.waits import Wait

IDLE_MINUTES = 3
"""Minutes without a pull from which they say what other work draws on a node."""
SHARED_OUT = 0.9
"""Part of a limit from which a disk has less than all who write to it want."""


class Transfer(NamedTuple):
    """One image on its way to one node, and the waits that it ended."""

    image: str
    start: float
    end: float
    again: bool
    """The node had the image before: what it asks this time is its own affair."""
    waits: tuple[Wait, ...]


class Demand:
    """What the pulls of some nodes asked for."""

    def __init__(self, view: View, waits: Mapping[str, Sequence[Wait]]) -> None:
        self._view = view
        self.transfers = {node: [self._transfer(group) for group in _overlapping(mine)] for node, mine in waits.items()}
        """By node, in the order of their start: pulls of one image that overlap are one transfer."""

    def _transfer(self, group: list[Wait]) -> Transfer:
        start, end = group[0].pull_start, max(w.end for w in group)
        again = start >= self._view.first_end.get((group[0].node, group[0].image), end)
        return Transfer(group[0].image, start, end, again, tuple(group))

    @cached_property
    def measured(self) -> bool:
        """Whether it is known of most pulls what they ask for."""
        asked = [needs for each in self.asked.values() for needs in each]
        return bool(asked) and sum(needs is not None for needs in asked) >= MEASURED_FROM * len(asked)

    @cached_property
    def asked(self) -> dict[str, list[Needs | None]]:
        """Node → what each of its transfers asks for; None: not known."""
        return {node: [self._asked(*pair) for pair in zip(self.transfers[node], each, strict=True)] for node, each in self._drawn.items()}

    def _asked(self, transfer: Transfer, drawn: Needs | None) -> Needs | None:
        if transfer.again:
            return _asked_for(drawn) if drawn else None
        return self.needs.get(transfer.image)

    @cached_property
    def needs(self) -> dict[str, Needs]:
        """Image → the mean over the nodes that fetched it; not those of which nothing was measured."""
        found: dict[str, list[Needs]] = defaultdict(list)
        for node, transfers in self.transfers.items():
            for transfer, needs in zip(transfers, self._drawn[node], strict=True):
                if needs and not transfer.again:
                    found[transfer.image].append(needs)
        return {image: _asked_for([fmean(n[kind] for n in each) for kind in KINDS]) for image, each in found.items()}

    @cached_property
    def _drawn(self) -> dict[str, list[Needs | None]]:
        """Node → what each of its transfers drew; None: not measured."""
        return {node: list(self._drawn_on(node)) for node in self.transfers}

    def _drawn_on(self, node: str) -> Iterator[Needs | None]:
        at_work = [self._seconds([t]) for t in self.transfers[node]]
        together = [sum(minute) for minute in zip(*at_work, strict=True)]
        beyond = [self._beyond(node, kind, together) for kind in KINDS]
        for seconds in at_work:
            parts = [_part(column, seconds, together) for column in beyond]
            known = [part for part in parts if part is not None]
            yield _needs(known) if len(known) == len(parts) else None

    def _beyond(self, node: str, kind: Kind, together: Sequence[float]) -> list[float | None]:
        """What pulls drew each second, minute by minute; a full disk gave other work no more than each of them.

        Below zero where other work drew less than usual: cut off there, its ups and downs would add up to a demand.
        """
        column, others = self._columns[node][kind], self.others[node][kind]
        limits = of_pool(self._view.model(node))
        full = SHARED_OUT * ((limits.iops, limits.bytes_per_second)[kind] or inf) if kind in DISK else inf
        beyond: list[float | None] = [None] * len(together)
        for minute, (used, seconds) in enumerate(zip(column, together, strict=False)):
            if used is not None:
                beyond[minute] = used - (min(others, used / (1 + seconds / 60)) if used >= full else others)
        return beyond

    # --- what else the nodes do ---

    @cached_property
    def others(self) -> dict[str, Needs]:
        """Node → what its other work draws: in its minutes without a pull, else in those of the pool, else before the window."""
        idle = {node: [self._idle(node, kind) for kind in KINDS] for node in self.transfers}
        pool = [[v for columns in idle.values() for v in columns[kind]] for kind in KINDS]
        return {node: _needs([self._other(node, kind, columns[kind], pool[kind]) for kind in KINDS]) for node, columns in idle.items()}

    def _other(self, node: str, kind: Kind, on_node: list[float], in_pool: list[float]) -> float:
        for values in (on_node, in_pool):
            if len(values) >= IDLE_MINUTES:
                return median(values)
        return self._usual(node, kind)

    def _idle(self, node: str, kind: Kind) -> list[float]:
        busy = self._seconds(self.transfers[node], margin=60.0)
        return [v for v, seconds in zip(self._columns[node][kind], busy, strict=False) if v is not None and not seconds]

    def _usual(self, node: str, kind: Kind) -> float:
        metrics = {Kind.OPERATIONS: disk.OPERATIONS, Kind.BYTES: disk.BYTES, Kind.CORES: (cpu.CPU,)}.get(kind, ())
        return sum(self._view.usual(m) or 0.0 for m in metrics) * (self._cores(node) or 0.0 if kind is Kind.CORES else 1.0)

    # --- measurements ---

    @cached_property
    def _columns(self) -> dict[str, tuple[Column, ...]]:
        """Node → what it drew of each kind each second, minute by minute; empty where it was not measured."""
        view = self._view
        return {node: (
            disk.both(view, node, disk.OPERATIONS), disk.both(view, node, disk.BYTES),
            [None if v is None else v * cores for v in view.column(cpu.CPU, node)] if (cores := self._cores(node)) else (),
            [None if v is None else v / 60 for v in view.column(network.NETWORK_IN, node)],
        ) for node in self.transfers}

    def _cores(self, node: str) -> float | None:
        """Cores that one percent of CPU is; None: the node's size is not known."""
        vcpus = self._view.model(node).vm.vcpus
        return vcpus / 100 if vcpus else None

    def _seconds(self, transfers: Sequence[Transfer], margin: float = 0.0) -> list[float]:
        """Seconds that they were at work in each minute; parallel ones add up."""
        row = [0.0] * self._view.minutes
        for transfer in transfers:
            add_span(row, transfer.start - margin, transfer.end + margin)
        return row


def _overlapping(waits: Sequence[Wait]) -> list[list[Wait]]:
    """Finished waits by transfer."""
    groups: list[list[Wait]] = []
    latest: dict[str, list[Wait]] = {}
    for wait in sorted((w for w in waits if w.done), key=lambda w: (w.pull_start, w.end, w.image)):
        group = latest.get(wait.image)
        if group and wait.pull_start < max(w.end for w in group):
            group.append(wait)
        else:
            latest[wait.image] = [wait]
            groups.append(latest[wait.image])
    return groups


def _part(beyond: Sequence[float | None], seconds: Sequence[float], together: Sequence[float]) -> float | None:
    """One transfer's part of what was drawn; for minutes without a value as much as in the others. None: too few have one."""
    drawn = measured = total = 0.0
    for rate, mine, all_of_them in zip(beyond, seconds, together, strict=True):
        total += mine
        if mine and rate is not None:
            drawn += 60.0 * rate * mine / all_of_them
            measured += mine
    return drawn * total / measured if measured and measured >= MEASURED_FROM * total else None


def _needs(values: Sequence[float]) -> Needs:
    return values[Kind.OPERATIONS], values[Kind.BYTES], values[Kind.CORES], values[Kind.RECEIVED]


def _asked_for(values: Sequence[float]) -> Needs:
    """Nobody asks for less than nothing."""
    return _needs([max(0.0, value) for value in values])
