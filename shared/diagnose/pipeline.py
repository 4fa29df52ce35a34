"""One node's pulls under given limits: when would each have ended?

Between two moments at which something changes (a pull starts or ends, burst credits run out) all rates are
constant, so the time is stepped from one to the next.

* A full disk serves all who want it evenly, other work included; cores and link serve other work first.
* One image is unpacked on one core, and takes ``fastest_seconds`` at least.
* A serial kubelet starts the next pull when the one before has ended.
* Burst credits last 30 minutes at full burst and come back with what stays unused ("Managed disk bursting").
"""

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from math import inf, sumprod
from operator import truediv
from typing import NamedTuple

from shared.diagnose.node_limits import NodeLimits


class Kind(IntEnum):
    """What a pull takes of its node."""

    OPERATIONS = 0
    """Of the OS disk."""
    BYTES = 1
    """To and from the OS disk."""
    CORES = 2
    """Core seconds."""
    RECEIVED = 3
    """Bytes from the network."""


KINDS = tuple(Kind)
DISK = (Kind.OPERATIONS, Kind.BYTES)
BURST_SECONDS = 1800.0
REOPEN_SECONDS = 10.0
"""An emptied bucket counts again from so many seconds of full burst on."""
PULLS_GET_AT_LEAST = 0.05
"""Part of the cores and of the link that pulls get however busy other work is."""
_SHORTEST_STEP_SECONDS = 1e-6
_DONE = 1e-9

type Needs = tuple[float, float, float, float]
"""By ``Kind``: of an image as a whole, of other work each second."""
NOTHING: Needs = (0.0, 0.0, 0.0, 0.0)


def with_cores(needs: Needs, core_seconds: float) -> Needs:
    """The same needs with others for unpacking."""
    return needs[Kind.OPERATIONS], needs[Kind.BYTES], core_seconds, needs[Kind.RECEIVED]


class Job(NamedTuple):
    """One image on its way to one node."""

    arrives: float
    """Seconds, on the clock of the other jobs."""
    needs: Needs
    fastest_seconds: float


class _Limit:
    """A rate, with burst credits above it where there are any."""

    def __init__(self, base: float | None, burst: float | None = None, filled: float = 0.0) -> None:
        self.base = base or inf
        self.burst = max(burst or 0.0, self.base)
        self.bucket = (self.burst - self.base) * BURST_SECONDS if self.burst > self.base else 0.0
        self.credits = self.bucket * filled
        self.now = self.burst if self.credits > 0 else self.base

    def seconds_left(self, rate: float) -> float:
        """Until the credits are gone at this rate."""
        return self.credits / (rate - self.base) if self.now > self.base and rate > self.base else inf

    def use(self, rate: float, seconds: float) -> None:
        if not self.bucket:
            return
        self.credits = min(self.bucket, self.credits + (self.base - rate) * seconds)
        if self.credits <= self.bucket * _DONE:
            self.credits, self.now = 0.0, self.base
        elif self.credits >= REOPEN_SECONDS * (self.burst - self.base):
            self.now = self.burst


def play(jobs: Sequence[Job], others: Needs, node: NodeLimits, *, serial: bool) -> list[float]:
    """When each job ends. ``jobs`` stand in the order in which they arrive."""
    limits = _limits(node, others)
    waiting, left, ends = deque(range(len(jobs))), dict[int, float](), [0.0] * len(jobs)
    clock = 0.0
    while waiting or left:
        if not left:
            clock = max(clock, jobs[waiting[0]].arrives)
        while waiting and jobs[waiting[0]].arrives <= clock and not (serial and left):
            left[waiting.popleft()] = 1.0
        rates, flowing = share([jobs[i] for i in left], others, [limit.now for limit in limits])
        next_arrival = jobs[waiting[0]].arrives - clock if waiting and not serial else inf
        step = max(_SHORTEST_STEP_SECONDS, min(next_arrival, *map(truediv, left.values(), rates), *map(_Limit.seconds_left, limits, flowing)))
        clock += step
        for limit, rate in zip(limits, flowing, strict=True):
            limit.use(rate, step)
        left = {i: part - rate * step for (i, part), rate in zip(left.items(), rates, strict=True)}
        for i in [i for i, part in left.items() if part <= _DONE]:
            del left[i]
            ends[i] = clock
    return ends


def _limits(node: NodeLimits, others: Needs) -> tuple[_Limit, ...]:
    """A disk whose ordinary load is above its baseline never has credits."""
    io_credits = node.io_credits if others[Kind.OPERATIONS] <= (node.iops or inf) else 0.0
    byte_credits = node.byte_credits if others[Kind.BYTES] <= (node.bytes_per_second or inf) else 0.0
    return (_Limit(node.iops, node.burst_iops, io_credits), _Limit(node.bytes_per_second, node.burst_bytes_per_second, byte_credits),
            _Limit(node.cores), _Limit(node.received_bytes_per_second))


def share(jobs: Sequence[Job], others: Needs, limits: Sequence[float]) -> tuple[list[float], list[float]]:
    """(progress each second of every job, rate of every kind): the most overloaded kind is shared out first."""
    rates = [1.0 / job.fastest_seconds for job in jobs]
    needs = list(zip(*(job.needs for job in jobs), strict=True))
    free = [_left_for(len(jobs), kind, others[kind], limits[kind]) for kind in KINDS]
    wanted = [sumprod(rates, need) for need in needs]
    for _ in KINDS:
        overload = list(map(truediv, wanted, free))
        most = max(overload)
        if most <= 1 + _DONE:
            break
        tightest = overload.index(most)
        level = _level(free[tightest], [rate * need for rate, need in zip(rates, needs[tightest], strict=True)])
        rates = [min(rate, level / need) if need else rate for rate, need in zip(rates, needs[tightest], strict=True)]
        wanted = [sumprod(rates, need) for need in needs]
    return rates, [min(rate + other, limit) for rate, other, limit in zip(wanted, others, limits, strict=True)]


def _left_for(pulls: int, kind: Kind, others: float, limit: float) -> float:
    """What other work leaves to pulls. A full disk is shared evenly: other work is one more that wants it."""
    return max(limit - others, limit * (pulls / (pulls + 1) if kind in DISK else PULLS_GET_AT_LEAST))


def _level(free: float, wanted: list[float]) -> float:
    """The rate at which those who want more are cut so that all together fit."""
    ascending = sorted(wanted)
    for position, rate in enumerate(ascending):
        level = free / (len(ascending) - position)
        if rate >= level:
            return level
        free -= rate
    return inf
