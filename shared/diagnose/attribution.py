"""Where the slow pulls' time went: every second of every slow pull is given to what held it up.

* at work: to the limit that was used up on the node in that minute;
* in the kubelet's queue: to what held up the pulls ahead, else to the queue itself;
* backing off: to the reason of the failures.

What is left was held up by nothing that was measured: it is the image's own size, or the way to a
distant registry. Minutes without measurements are ``unseen`` and blame nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from shared.diagnose import cpu, disk, network, registry
from shared.diagnose.pressure import Claim, Gauge, Pressure
from shared.diagnose.view import Spot, View
from shared.diagnose.waits import Wait
from shared.model import Cause

GAUGES: tuple[Gauge, ...] = (disk.pressure, network.pressure, cpu.pressure)
BACK_OFF = {"throttled": Cause.REGISTRY_THROTTLED, "kubelet_qps": Cause.KUBELET_QPS}


class Attribution(NamedTuple):
    claims: dict[Cause, Claim]
    unseen_share: float
    """Part of the slow time about which nothing was measured."""


class _Part(NamedTuple):
    cause: Cause
    seconds: float
    spot: Spot


def attribute(view: View) -> Attribution:
    """Claims by cause; their shares and ``unseen_share`` add up to 1 if anything was slow."""
    holder = _Holder(view)
    parts = [part for wait in view.slow for part in _parts(view, holder, wait)]
    total = sum(p.seconds for p in parts)
    if not total:
        return Attribution({}, 0.0)
    by_cause: dict[Cause, list[_Part]] = defaultdict(list)
    for part in parts:
        by_cause[part.cause].append(part)
    unseen = sum(p.seconds for p in by_cause.pop(Cause.UNKNOWN, ()))
    return Attribution({cause: _claim(cause, found, total) for cause, found in by_cause.items()}, unseen / total)


def _claim(cause: Cause, parts: list[_Part], total: float) -> Claim:
    seconds = sum(p.seconds for p in parts)
    return Claim(cause, seconds, seconds / total, tuple(sorted({p.spot.node for p in parts})), len({p.spot.minute for p in parts}))


class _Holder:
    """What held a node up in a minute, worked out once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[Spot, Cause | None] = {}

    def __call__(self, spot: Spot) -> Cause | None:
        if spot not in self._known:
            pressures = [p for gauge in GAUGES if (p := gauge(self._view, spot)) is not None]
            self._known[spot] = max(pressures, key=_used).cause if pressures else None
        return self._known[spot]


def _used(pressure: Pressure) -> float:
    return pressure.used


def _parts(view: View, holder: _Holder, wait: Wait) -> Iterator[_Part]:
    at = partial(view.minutes_of, wait.node)
    for spot, seconds in at(wait.pull_start, wait.end):
        yield _Part(holder(spot) or _unhindered(view, spot, wait), seconds, spot)
    for spot, seconds in at(wait.queue_start, wait.pull_start):
        yield _Part(holder(spot) or Cause.KUBELET_SERIAL, seconds, spot)
    for spot, seconds in at(wait.start, wait.queue_start):
        yield _Part(_back_off(wait), seconds, spot)


def _unhindered(view: View, spot: Spot, wait: Wait) -> Cause:
    if not measured(view, spot):
        return Cause.UNKNOWN
    return Cause.REGISTRY_DISTANT if registry.is_distant(view.case, wait.image) else Cause.IMAGE_SIZE


def measured(view: View, spot: Spot) -> bool:
    """Whether both the disk and the CPU of this node were measured in this minute."""
    busy = any(view.value(m, spot) is not None for m in (disk.IOPS_PERCENT, *disk.OPERATIONS, *disk.VM_PERCENT.values()))
    return busy and view.value(cpu.CPU, spot) is not None


def _back_off(wait: Wait) -> Cause:
    ((reason, _),) = Counter(wait.reasons).most_common(1) or (("", 0),)
    return BACK_OFF.get(reason, Cause.UNKNOWN)
