"""What p95 would be once a remedy is done: the pulls of the Case itself, played again under other limits.

Under new limits every pull starts when it did and ends when its image has had what it asks for (``demand``,
``pipeline``).

How far to trust it: the same replay under today's limits must come out near what was measured.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from math import inf
from statistics import median

from msgspec.structs import replace

from shared.diagnose import cpu, disk
from shared.diagnose.attribution import held_up
from shared.diagnose.demand import Demand, Transfer
from shared.diagnose.distance import is_distant
from shared.diagnose.node_limits import NodeLimits, of_pool
from shared.diagnose.pipeline import Job, Kind, Needs, play, with_cores
from shared.diagnose.view import UNPACKED_BYTES_PER_SECOND, View
from shared.diagnose.waits import Wait, percentile_seconds
from shared.model import Remedy

MOST_PULLS = 100
"""Pulls played: of all nodes, or of nodes spread evenly from the most held up to the least."""
REQUESTS_SECONDS = 1.0
"""Token, manifest and redirects, before the first byte: no limit of a node changes that."""
QUEUED_SECONDS = 5.0
"""A pull that waited so long in the kubelet's queue shows that pulls go one by one."""
CLOSE_FACTOR = 1.5
"""The replay of today is close to what was measured within this factor."""


class Forecast:
    """The pulls of one Case, ready to be played under any limits."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sizes = {p.image: p.size_bytes for p in view.case.pulls if p.size_bytes}
        self._played: dict[tuple[NodeLimits, bool, bool, bool], float | None] = {}
        self._serial = view.case.pool.pull_mode == "serial" or any(w.queued_seconds >= QUEUED_SECONDS for w in view.waits)

    def p95_seconds(self, limits: NodeLimits, *, serial: bool | None = None, near: bool = False, admitted: bool = False) -> float | None:
        """p95 of all waits under ``limits``; None where nothing tells what the images ask for.

        ``serial``: whether pulls go one by one, None: as now; ``near``: the registry has a replica in the region;
        ``admitted``: no attempt fails.
        """
        if not (limits.iops and limits.bytes_per_second and self._demand.measured):
            return None
        question = limits, self._serial if serial is None else serial, near, admitted
        if question not in self._played:
            self._played[question] = percentile_seconds(sorted(t for node in self._waits for t in self._times(node, *question)), 95)
        return self._played[question]

    def sustained_p95_seconds(self, limits: NodeLimits) -> float | None:
        """p95 once all burst credits are gone."""
        return self.p95_seconds(limits._replace(io_credits=0.0, byte_credits=0.0) if limits.can_burst else limits)

    def with_effect(self, remedy: Remedy, *, serial: bool | None = None, near: bool = False, admitted: bool = False) -> Remedy:
        """The remedy with what it makes of p95 under today's limits."""
        seconds = self.p95_seconds(self.today, serial=serial, near=near, admitted=admitted)
        return replace(remedy, p95_seconds=seconds, rough=seconds is not None and not self.close)

    @cached_property
    def today(self) -> NodeLimits:
        """The pool's limits as they are, with the burst credits that its disks had when the window began."""
        return of_pool(self._view.case.pool, *map(self._credits, disk.CREDITS))

    @cached_property
    def close(self) -> bool:
        """Whether the replay under today's limits comes out near what was measured."""
        played, measured = self.p95_seconds(self.today), percentile_seconds(sorted(w.seconds for waits in self._waits.values() for w in waits), 95)
        return bool(played and measured and 1 / CLOSE_FACTOR <= played / measured <= CLOSE_FACTOR)

    def _times(self, node: str, limits: NodeLimits, serial: bool, near: bool, admitted: bool) -> Iterator[float]:
        """Seconds that each wait of the node would take."""
        demand = self._demand
        planned = [(self._job(t, needs, near, admitted), t.waits) for t, needs in zip(demand.transfers[node], demand.asked[node], strict=True) if needs]
        if admitted:
            planned += [(self._pull(w.image, w.start), (w,)) for w in self._waits[node] if not w.done and w.image in demand.needs]
        planned.sort(key=lambda pair: pair[0].arrives)
        ends = play([job for job, _ in planned], demand.others[node], limits, serial=serial)
        for (_, waits), end in zip(planned, ends, strict=True):
            for wait in waits:
                asked = wait.start if admitted else wait.queue_start
                yield max(end, asked + REQUESTS_SECONDS) - wait.start
        yield from (w.seconds for w in self._waits[node] if not (w.done or admitted))

    def _job(self, transfer: Transfer, needs: Needs, near: bool, admitted: bool) -> Job:
        arrives = min(w.start if admitted else w.queue_start for w in transfer.waits)
        if transfer.again:
            return Job(arrives, needs, REQUESTS_SECONDS + needs[Kind.CORES])
        return self._pull(transfer.image, arrives, near)

    def _pull(self, image: str, arrives: float, near: bool = False) -> Job:
        """A pull of the image from its beginning. Its size says better than a long storm's ups and downs what unpacking takes."""
        needs, size = self._demand.needs[image], self._sizes.get(image)
        own_pace = 0.0 if near and is_distant(self._view.case, image) else self._own_pace.get(image, 0.0)
        if size and not own_pace:
            needs = with_cores(needs, size / UNPACKED_BYTES_PER_SECOND)
        return Job(arrives, needs, max(REQUESTS_SECONDS + needs[Kind.CORES], own_pace))

    # --- the pulls ---

    @cached_property
    def _waits(self) -> dict[str, list[Wait]]:
        """Waits of the nodes that are played."""
        found: dict[str, list[Wait]] = defaultdict(list)
        for wait in self._view.waits:
            found[wait.node].append(wait)
        lost = {node: sum(w.seconds for w in waits) for node, waits in found.items()}
        ranked = sorted(found, key=lambda node: (-lost[node], node))
        played = max(1, min(len(ranked), MOST_PULLS * len(ranked) // max(1, len(self._view.waits))))
        return {node: found[node] for node in (ranked[i * len(ranked) // played] for i in range(played if ranked else 0))}

    @cached_property
    def _demand(self) -> Demand:
        return Demand(self._view, self._waits)

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

    def _credits(self, metric: str) -> float:
        """Part of the burst credits that were left when the window began, the median of the nodes; all if nobody says."""
        used = [next((v for v in self._view.column(metric, node) if v is not None), 0.0) for node in self._waits]
        return max(0.0, 1.0 - median(used) / 100) if used else 1.0


def _seconds(wait: Wait | None) -> float:
    return inf if wait is None else wait.end - wait.pull_start
