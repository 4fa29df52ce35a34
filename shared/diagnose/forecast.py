"""What p95 would be once a remedy is done: the pulls of the Case itself, played again under other limits.

What an image asks of a node (disk operations and bytes, core seconds, received bytes) is what its nodes drew
beyond their other work while they fetched it, shared among the images at work in the same minute. Under new
limits every pull starts when it did and ends when its image has had what it asks for (``pipeline``).

How far to trust it: the same replay under today's limits must come out near what was measured.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from math import inf
from statistics import fmean, median
from typing import NamedTuple

from msgspec.structs import replace

from shared.diagnose import cpu, disk, network
from shared.diagnose.attribution import held_up
from shared.diagnose.distance import is_distant
from shared.diagnose.node_limits import NodeLimits, of_pool
from shared.diagnose.pipeline import DISK, KINDS, NOTHING, Job, Kind, Needs, play
from shared.diagnose.view import UNPACKED_BYTES_PER_SECOND, Column, View, add_span
from shared.diagnose.waits import Wait
from shared.model import Remedy

MOST_PULLS = 160
"""Pulls played: of all nodes, or of nodes spread evenly from the most held up to the least."""
REQUESTS_SECONDS = 1.0
"""Token, manifest and redirects, before the first byte: no limit of a node changes that."""
IDLE_MINUTES = 3
"""Minutes without a pull from which they say what other work draws on a node."""
SHARED_OUT = 0.9
"""Part of a limit from which a disk has less than all who write to it want."""
QUEUED_SECONDS = 5.0
"""A pull that waited so long in the kubelet's queue shows that pulls go one by one."""
CLOSE_FACTOR = 1.5
"""The replay of today is close to what was measured within this factor."""


class _Transfer(NamedTuple):
    """One image on its way to one node, and the waits that it ended."""

    image: str
    start: float
    end: float
    again: bool
    """The node had the image before: what it asks this time is its own affair."""
    waits: tuple[Wait, ...]


class Forecast:
    """The pulls of one Case, ready to be played under any limits."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sizes = {p.image: p.size_bytes for p in view.case.pulls if p.size_bytes}
        self._serial = view.case.pool.pull_mode == "serial" or any(w.queued_seconds >= QUEUED_SECONDS for w in view.waits)

    def p95_seconds(self, limits: NodeLimits, *, serial: bool | None = None, near: bool = False, admitted: bool = False) -> float | None:
        """p95 of all waits under ``limits``; None where nothing tells what the images ask for.

        ``serial``: whether pulls go one by one, None: as now; ``near``: the registry has a replica in the region;
        ``admitted``: no attempt fails.
        """
        if not (limits.iops and limits.bytes_per_second and any(self._needs.values())):
            return None
        one_by_one = self._serial if serial is None else serial
        times = sorted(t for node in self._nodes for t in self._times(node, limits, one_by_one, near, admitted))
        return round(times[max(1, -(-len(times) * 95 // 100)) - 1], 1) if times else None

    def with_effect(self, remedy: Remedy, limits: NodeLimits | None = None, *, serial: bool | None = None, near: bool = False,
                    admitted: bool = False) -> Remedy:
        """The remedy with what it makes of p95, under ``limits`` or today's."""
        seconds = self.p95_seconds(limits or self.today, serial=serial, near=near, admitted=admitted)
        return replace(remedy, p95_seconds=seconds, rough=seconds is not None and not self.close)

    @cached_property
    def today(self) -> NodeLimits:
        """The pool's limits as they are, with the burst credits that its disks had when the window began."""
        return of_pool(self._view.case.pool, *map(self._credits, disk.CREDITS))

    @cached_property
    def close(self) -> bool:
        """Whether the replay under today's limits comes out near what was measured."""
        played, times = self.p95_seconds(self.today), sorted(w.seconds for node in self._nodes for w in self._waits[node])
        measured = times[max(1, -(-len(times) * 95 // 100)) - 1] if times else None
        return bool(played and measured and 1 / CLOSE_FACTOR <= played / measured <= CLOSE_FACTOR)

    def _times(self, node: str, limits: NodeLimits, serial: bool, near: bool, admitted: bool) -> Iterator[float]:
        """Seconds that each wait of the node would take."""
        planned = [(self._job(t, n, near, admitted), t.waits) for n, t in enumerate(self._transfers[node])]
        if admitted:
            planned += [(self._unhindered(w), (w,)) for w in self._waits[node] if not w.done and w.image in self._needs]
        planned.sort(key=lambda pair: pair[0].arrives)
        ends = play([job for job, _ in planned], self._others[node], limits, serial=serial)
        for (_, waits), end in zip(planned, ends, strict=True):
            for wait in waits:
                asked = wait.start if admitted else wait.queue_start
                yield max(end, asked + REQUESTS_SECONDS) - wait.start
        yield from (w.seconds for w in self._waits[node] if not (w.done or admitted))

    def _job(self, transfer: _Transfer, number: int, near: bool, admitted: bool) -> Job:
        arrives = min(w.start if admitted else w.queue_start for w in transfer.waits)
        if transfer.again:
            needs = self._drawn[transfer.waits[0].node][number]
            return Job(arrives, needs, REQUESTS_SECONDS + needs[Kind.CORES])
        distance = 0.0 if near else self._own_pace.get(transfer.image, 0.0)
        return Job(arrives, self._needs[transfer.image], max(self._unpacking_seconds(transfer.image), distance))

    def _unhindered(self, wait: Wait) -> Job:
        """The pull that an attempt would have been that only failed."""
        return Job(wait.start, self._needs[wait.image], max(self._unpacking_seconds(wait.image), self._own_pace.get(wait.image, 0.0)))

    def _unpacking_seconds(self, image: str) -> float:
        return REQUESTS_SECONDS + max(self._needs[image][Kind.CORES], self._sizes.get(image, 0) / UNPACKED_BYTES_PER_SECOND)

    # --- the pulls ---

    @cached_property
    def _waits(self) -> dict[str, list[Wait]]:
        """Waits of the nodes that are played."""
        found: dict[str, list[Wait]] = defaultdict(list)
        for wait in self._view.waits:
            found[wait.node].append(wait)
        held_up = {node: sum(w.end - w.start for w in waits) for node, waits in found.items()}
        ranked = sorted(found, key=lambda node: (-held_up[node], node))
        played = max(1, min(len(ranked), MOST_PULLS * len(ranked) // max(1, len(self._view.waits))))
        return {ranked[i * len(ranked) // played]: found[ranked[i * len(ranked) // played]] for i in range(played)} if ranked else {}

    @property
    def _nodes(self) -> list[str]:
        return list(self._waits)

    @cached_property
    def _transfers(self) -> dict[str, list[_Transfer]]:
        """Pulls of one image by one node that overlap are one transfer; in the order of their start."""
        return {node: [self._transfer(group) for group in _overlapping(waits)] for node, waits in self._waits.items()}

    def _transfer(self, group: list[Wait]) -> _Transfer:
        start, end = group[0].pull_start, max(w.end for w in group)
        again = start >= self._view.first_end.get((group[0].node, group[0].image), end)
        return _Transfer(group[0].image, start, end, again, tuple(group))

    @cached_property
    def _own_pace(self) -> dict[str, float]:
        """Image → seconds of its fastest pull, where no limit of a node sets them: it comes from afar, or one core unpacks it."""
        fastest: dict[str, Wait] = {}
        for wait in self._view.waits:
            if wait.done and wait.end - wait.pull_start < _seconds(fastest.get(wait.image)):
                fastest[wait.image] = wait
        return {image: _seconds(wait) for image, wait in fastest.items() if is_distant(self._view.case, image) or self._fills_one_core(wait)}

    def _fills_one_core(self, wait: Wait) -> bool:
        """Whether most of its minutes kept one core full and nothing else."""
        view, minutes = self._view, range(max(0, int(wait.pull_start // 60)), min(self._view.minutes, int(wait.end // 60)))
        if not view.unpacks_slowly(wait.image):
            return False
        held = held_up(view, wait.node)
        return 2 * sum(m not in held and cpu.one_core_full(view, wait.node, m) for m in minutes) > len(minutes)

    # --- what they ask for ---

    @cached_property
    def _needs(self) -> dict[str, Needs]:
        """Image → the mean over the nodes that fetched it."""
        found: dict[str, list[Needs]] = defaultdict(list)
        for node, transfers in self._transfers.items():
            for transfer, needs in zip(transfers, self._drawn[node], strict=True):
                found[transfer.image] += [] if transfer.again else [needs]
        return {image: _needs([fmean(n[kind] for n in each) for kind in KINDS]) if each else NOTHING for image, each in found.items()}

    @cached_property
    def _drawn(self) -> dict[str, list[Needs]]:
        """Node → what each of its transfers drew."""
        return {node: list(self._drawn_on(node)) for node in self._nodes}

    def _drawn_on(self, node: str) -> Iterator[Needs]:
        at_work = [self._seconds([t]) for t in self._transfers[node]]
        together = [sum(minute) for minute in zip(*at_work, strict=True)]
        beyond = [self._beyond(node, kind, together) for kind in KINDS]
        for seconds in at_work:
            yield _needs([sum(60.0 * b * s / t for b, s, t in zip(column, seconds, together, strict=True) if s) for column in beyond])

    def _beyond(self, node: str, kind: Kind, together: Sequence[float]) -> list[float]:
        """What pulls drew each second, minute by minute; a full disk gave other work no more than each of them."""
        column, others = self._columns[node][kind], self._others[node][kind]
        full = SHARED_OUT * ((self.today.iops, self.today.bytes_per_second)[kind] or inf) if kind in DISK else inf
        beyond = [0.0] * len(together)
        for minute, (used, seconds) in enumerate(zip(column, together, strict=False)):
            if used is not None and seconds:
                beyond[minute] = max(0.0, used - (min(others, used / (1 + seconds / 60)) if used >= full else others))
        return beyond

    # --- what else the nodes do ---

    @cached_property
    def _others(self) -> dict[str, Needs]:
        """Node → what its other work draws: in its minutes without a pull, else in those of the pool, else before the window."""
        idle = {node: [self._idle(node, kind) for kind in KINDS] for node in self._nodes}
        pool = [[v for columns in idle.values() for v in columns[kind]] for kind in KINDS]
        return {node: _needs([self._other(kind, columns[kind], pool[kind]) for kind in KINDS]) for node, columns in idle.items()}

    def _other(self, kind: Kind, on_node: list[float], in_pool: list[float]) -> float:
        for values in (on_node, in_pool):
            if len(values) >= IDLE_MINUTES:
                return median(values)
        return self._usual(kind)

    def _idle(self, node: str, kind: Kind) -> list[float]:
        busy = self._seconds(self._transfers[node], margin=60.0)
        return [v for v, seconds in zip(self._columns[node][kind], busy, strict=False) if v is not None and not seconds]

    def _usual(self, kind: Kind) -> float:
        metrics = {Kind.OPERATIONS: disk.OPERATIONS, Kind.BYTES: disk.BYTES, Kind.CORES: (cpu.CPU,)}.get(kind, ())
        return sum(self._view.usual(m) or 0.0 for m in metrics) * (self._cores_in_percent if kind == Kind.CORES else 1.0)

    # --- measurements ---

    @cached_property
    def _columns(self) -> dict[str, tuple[Column, ...]]:
        """Node → what it drew of each kind each second, minute by minute; empty where it was not measured."""
        view, cores = self._view, self._cores_in_percent
        return {node: (
            _sum(view, node, disk.OPERATIONS), _sum(view, node, disk.BYTES),
            [None if v is None else v * cores for v in view.column(cpu.CPU, node)],
            [None if v is None else v / 60 for v in view.column(network.NETWORK_IN, node)],
        ) for node in self._nodes}

    @property
    def _cores_in_percent(self) -> float:
        return (self._view.case.pool.vm.vcpus or 0) / 100

    def _seconds(self, transfers: Sequence[_Transfer], margin: float = 0.0) -> list[float]:
        """Seconds that they were at work in each minute; parallel ones add up."""
        row = [0.0] * self._view.minutes
        for transfer in transfers:
            add_span(row, transfer.start - margin, transfer.end + margin)
        return row

    def _credits(self, metric: str) -> float:
        """Part of the burst credits that were left when the window began, the median of the nodes; all if nobody says."""
        used = [next((v for v in self._view.column(metric, node) if v is not None), 0.0) for node in self._nodes]
        return max(0.0, 1.0 - median(used) / 100) if used else 1.0


def _seconds(wait: Wait | None) -> float:
    return inf if wait is None else wait.end - wait.pull_start


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


def _sum(view: View, node: str, metrics: tuple[str, str]) -> Column:
    first, second = (view.column(m, node) for m in metrics)
    return [None if a is None or b is None else a + b for a, b in zip(first, second, strict=True)] if first and second else ()


def _needs(values: Sequence[float]) -> Needs:
    return values[Kind.OPERATIONS], values[Kind.BYTES], values[Kind.CORES], values[Kind.RECEIVED]
