"""What p95 would be under another limit: the pipeline shrinks until its next stage binds.

While pulls were slow the nodes wrote so many operations and bytes a second. With another disk the same
work takes ``used / new limit`` of the time, on whichever of its limits is tighter; CPU and network put
a floor under it, and so does the time that pulls usually take here.
"""

from collections.abc import Iterator
from typing import NamedTuple

from shared.diagnose import cpu, disk, network
from shared.diagnose.view import View, mean


class Load(NamedTuple):
    """What the nodes drew on average while pulls were slow; None: not measured."""

    iops: float | None
    bytes_per_second: float | None
    cpu_part: float | None
    """Of all vCPUs, above what is usual."""
    network_part: float | None


class Limits(NamedTuple):
    """A disk as one VM sees it: the tighter of the disk's and the VM's own limits."""

    iops: float | None
    bytes_per_second: float | None


def load(view: View) -> Load:
    """Averages over the slow minutes, weighted by the pulls at work in them."""
    return Load(
        iops=_mean(view, disk.OPERATIONS), bytes_per_second=_mean(view, disk.BYTES),
        cpu_part=_above_usual(view), network_part=_network_part(view),
    )


def predicted_p95(p95_seconds: float | None, drawn: Load, new: Limits, floor_seconds: float | None) -> float | None:
    """p95 with the new disk limits; None where the limits or the load are not known."""
    if p95_seconds is None or not (drawn.iops and drawn.bytes_per_second and new.iops and new.bytes_per_second):
        return None
    stages = (drawn.iops / new.iops, drawn.bytes_per_second / new.bytes_per_second,
              drawn.cpu_part or 0.0, drawn.network_part or 0.0)
    return max(p95_seconds * max(stages), floor_seconds or 0.0)


def _mean(view: View, metrics: tuple[str, ...]) -> float | None:
    """Mean of the metrics' sum over the slow minutes, each weighted by the pulls at work in it."""
    return mean(pair for node, weights in view.pulling.items() for pair in _weighted(view, node, metrics, weights))


def _weighted(view: View, node: str, metrics: tuple[str, ...], weights: list[float]) -> Iterator[tuple[float, float]]:
    columns = [view.column(m, node) for m in metrics]
    if not all(columns):
        return
    for *values, weight in zip(*columns, weights, strict=True):
        if weight and None not in values:
            yield sum(values), weight


def _above_usual(view: View) -> float | None:
    used, usual = _mean(view, (cpu.CPU,)), view.usual(cpu.CPU) or 0.0
    if used is None:
        return None
    return max(0.0, used - usual) / max(1.0, 100.0 - usual)


def _network_part(view: View) -> float | None:
    received, limit = _mean(view, (network.NETWORK_IN,)), view.case.pool.vm.network_bits_per_second
    return None if received is None or not limit else received * 8 / 60 / limit
