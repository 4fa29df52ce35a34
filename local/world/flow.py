"""The fluid: limits with burst credits, and flows that share them.

Between two events every rate is constant, so the simulation steps from event to event and is exact.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

REOPEN_SECONDS = 10
"""An emptied bucket bursts again once it holds this many seconds of full burst: without that a
bucket at zero would open and close with every I/O, and the event-driven simulation never move."""
RESERVED_SHARE = 0.05
"""What pulls get at least of CPU and network, however busy the other workloads are."""


class Limit:
    """A rate that cannot be exceeded, with optional burst credits above it.

    The bucket starts full, fills by what stays unused below ``base`` and pays for what goes above.
    """

    __slots__ = ("base", "bucket", "burst", "bursting", "credits", "ran_dry_while_watched")

    def __init__(self, base: float, burst: float = 0.0, bucket: float = 0.0, filled: float = 1.0) -> None:
        self.base = base
        self.burst = burst if bucket else base
        self.bucket = bucket
        self.credits = bucket * filled
        self.bursting = self.credits > 0
        self.ran_dry_while_watched = False

    @property
    def now(self) -> float:
        return self.burst if self.bursting else self.base

    @property
    def used_credits_percent(self) -> float:
        return 100.0 * (1.0 - self.credits / self.bucket) if self.bucket else 0.0

    def use(self, rate: float, seconds: float) -> bool:
        """Pays or fills the bucket; True if that opens or ends a burst, so that rates change."""
        if not self.bucket:
            return False
        before = self.bursting
        self.credits = min(self.bucket, self.credits + (self.base - rate) * seconds)
        if self.credits <= self.bucket * 1e-9:
            self.credits = 0.0
            self.bursting = False
        elif self.credits >= REOPEN_SECONDS * (self.burst - self.base):
            self.bursting = True
        return self.bursting != before

    def seconds_left(self, rate: float) -> float:
        """Until the credits are gone at this rate."""
        if self.bursting and rate > self.base:
            return self.credits / (rate - self.base)
        return math.inf


@dataclass(slots=True)
class Flow:
    """Something that uses several resources in fixed proportion: a pull, or the other workloads.

    ``needs`` is what one unit of progress takes of each kind; ``rate`` is progress per second.
    """

    needs: dict[str, float]
    fastest: float
    """Progress per second that the flow's own limits allow."""
    rate: float = 0.0
    held_by: str = ""
    """Cause that keeps ``rate`` below ``fastest``; empty: nothing does."""


@dataclass(slots=True)
class Resource:
    """One limit of a node, and what pulls lose to when it binds."""

    cause: str
    kind: str
    """``operations``, ``bytes`` (disk), ``network`` (bytes) or ``cpu`` (core seconds)."""
    limit: Limit
    flowing: float = field(default=0.0)


def share(resources: Sequence[Resource], flows: Sequence[Flow], reserved: dict[str, float]) -> None:
    """Sets each flow's rate: max-min fair at the resource that binds it.

    The most overloaded resource is levelled first. What a second bottleneck then frees at the first
    is not handed out again. ``reserved`` is taken beforehand (CPU and network of other workloads).
    """
    for flow in flows:
        flow.rate, flow.held_by = flow.fastest, ""
    for _ in resources:
        resource, capacity = max(
            ((r, _capacity(r, reserved)) for r in resources), key=lambda pair: _demand(pair[0].kind, flows) / pair[1]
        )
        if _demand(resource.kind, flows) <= capacity * (1 + 1e-9):
            break
        _level(resource, capacity, flows)
    for resource in resources:
        resource.flowing = _demand(resource.kind, flows) + reserved.get(resource.kind, 0.0)


def _capacity(resource: Resource, reserved: dict[str, float]) -> float:
    limit = resource.limit.now
    return max(limit - reserved.get(resource.kind, 0.0), limit * RESERVED_SHARE)


def _demand(kind: str, flows: Iterable[Flow]) -> float:
    return sum(flow.rate * flow.needs[kind] for flow in flows)


def _level(resource: Resource, capacity: float, flows: Sequence[Flow]) -> None:
    """Cuts the flows that take more than their fair share of ``capacity``."""
    kind = resource.kind
    level = water_level(capacity, [flow.rate * flow.needs[kind] for flow in flows])
    for flow in flows:
        if flow.rate * flow.needs[kind] > level:
            flow.rate = level / flow.needs[kind]
            flow.held_by = resource.cause


def water_level(capacity: float, demands: Iterable[float]) -> float:
    """The level at which demands cut to it add up to ``capacity``."""
    rising = sorted(demands)
    for position, demand in enumerate(rising):
        level = capacity / (len(rising) - position)
        if demand >= level:
            return level
        capacity -= demand
    return math.inf
