"""What p95 would be under another limit: the pipeline shrinks until its next stage binds.

While pulls were slow the nodes wrote so many operations and bytes a second, kept so many cores busy and
received so many bits. With other limits the same work takes ``used / new limit`` of the time, on
whichever stage is then the tightest; what pulls usually take here is the floor.
"""

from collections.abc import Iterator
from typing import NamedTuple

from shared.diagnose import cpu, disk, network
from shared.diagnose.view import View, mean


class Load(NamedTuple):
    """What a node drew on average while pulls were slow; None: not measured."""

    iops: float | None
    bytes_per_second: float | None
    cores: float | None
    usual_cores: float
    """Of these, what is busy in ordinary minutes: other work, which a bigger VM does not shrink."""
    bits_per_second: float | None


class Limits(NamedTuple):
    """What a node could do: the tighter of the disk's and the VM's own limits, its cores and its link."""

    iops: float | None
    bytes_per_second: float | None
    cores: float | None = None
    bits_per_second: float | None = None


def load(view: View) -> Load:
    """Averages over the slow minutes, weighted by the pulls at work in them."""
    vcpus = view.case.pool.vm.vcpus
    used, usual = _mean(view, (cpu.CPU,)), view.usual(cpu.CPU) or 0.0
    received = _mean(view, (network.NETWORK_IN,))
    return Load(
        iops=_mean(view, disk.OPERATIONS), bytes_per_second=_mean(view, disk.BYTES),
        cores=used / 100 * vcpus if used is not None and vcpus else None, usual_cores=usual / 100 * (vcpus or 0),
        bits_per_second=None if received is None else received * 8 / 60,
    )


def predicted_p95(p95_seconds: float | None, drawn: Load, new: Limits, floor_seconds: float | None) -> float | None:
    """p95 under the new limits; None where the disk's limits or the load are not known."""
    if p95_seconds is None or not (drawn.iops and drawn.bytes_per_second and new.iops and new.bytes_per_second):
        return None
    return max(p95_seconds * tightness(drawn, new), floor_seconds or 0.0)


def tightness(drawn: Load, new: Limits) -> float:
    """Part of the new limits that the load of the slow minutes would use, on the tightest stage."""
    return max(_part(drawn.iops, new.iops), _part(drawn.bytes_per_second, new.bytes_per_second), _cpu_part(drawn, new),
               _part(drawn.bits_per_second, new.bits_per_second))


def _part(used: float | None, limit: float | None) -> float:
    return used / limit if used and limit else 0.0


def _cpu_part(drawn: Load, new: Limits) -> float:
    """Cores that pulls kept busy against the cores that other work leaves free."""
    if drawn.cores is None or not new.cores:
        return 0.0
    free = max(0.1, new.cores - drawn.usual_cores)
    return max(0.0, drawn.cores - drawn.usual_cores) / free


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
