"""What p95 would be under another limit: the pipeline shrinks until its next stage binds.

While pulls were slow the nodes wrote so many operations and bytes a second, kept so many cores busy and
received so many bits. With other limits the same work takes ``used / new limit`` of the time, on
whichever stage is then the tightest; unpacking on one core is the floor.
"""

from collections.abc import Sequence
from math import fsum, sumprod
from typing import NamedTuple, cast

from shared.diagnose import cpu, disk, network
from shared.diagnose.view import UNPACKED_BYTES_PER_SECOND, View

LEAST_LEFT_BY_OTHERS = 0.95
"""Part of a resource that other work may hold in slow minutes: pulls always get the rest."""


class Load(NamedTuple):
    """What a node drew on average while pulls were slow, and what other work draws in ordinary minutes; None: not measured."""

    iops: float | None
    bytes_per_second: float | None
    cores: float | None
    bits_per_second: float | None
    usual_iops: float = 0.0
    usual_bytes_per_second: float = 0.0
    usual_cores: float = 0.0


class Limits(NamedTuple):
    """What a node could do: the tighter of the disk's and the VM's own limits, its cores and its link."""

    iops: float | None
    bytes_per_second: float | None
    cores: float | None = None
    bits_per_second: float | None = None


def load(view: View) -> Load:
    """Averages over the slow minutes, weighted by the pulls at work in them."""
    vcpus = view.case.pool.vm.vcpus
    used, received = _mean(view, (cpu.CPU,)), _mean(view, (network.NETWORK_IN,))
    return Load(
        iops=_mean(view, disk.OPERATIONS), bytes_per_second=_mean(view, disk.BYTES),
        cores=used / 100 * vcpus if used is not None and vcpus else None,
        bits_per_second=None if received is None else received * 8 / 60,
        usual_iops=_usual(view, disk.OPERATIONS), usual_bytes_per_second=_usual(view, disk.BYTES),
        usual_cores=_usual(view, (cpu.CPU,)) / 100 * (vcpus or 0),
    )


def predicted_p95(p95_seconds: float | None, drawn: Load, new: Limits, floor_seconds: float) -> float | None:
    """p95 under the new limits; None where the disk's limits or the load are not known."""
    if p95_seconds is None or not (drawn.iops and drawn.bytes_per_second and new.iops and new.bytes_per_second):
        return None
    return max(p95_seconds * tightness(drawn, new), min(floor_seconds, p95_seconds))


def tightness(drawn: Load, new: Limits) -> float:
    """Part of what the new limits leave free beside other work that the pulls would use, on the tightest stage."""
    return max(
        _part(drawn.iops, drawn.usual_iops, new.iops), _part(drawn.bytes_per_second, drawn.usual_bytes_per_second, new.bytes_per_second),
        _part(drawn.cores, drawn.usual_cores, new.cores), _part(drawn.bits_per_second, 0.0, new.bits_per_second),
    )


def _part(used: float | None, usual: float, limit: float | None) -> float:
    """The pulls' own part of a resource, of what other work leaves of it; other work is at most what was seen in all."""
    if not used or not limit:
        return 0.0
    others = min(usual, LEAST_LEFT_BY_OTHERS * used)
    return (used - others) / max(limit - others, 0.05 * limit)


def floor_seconds(view: View) -> float:
    """What one core needs to unpack the larger images: no disk makes a pull faster than that."""
    sizes = sorted(p.size_bytes for p in view.case.pulls if p.size_bytes)
    return sizes[max(0, -(-len(sizes) * 95 // 100) - 1)] / UNPACKED_BYTES_PER_SECOND if sizes else 0.0


def _usual(view: View, metrics: tuple[str, ...]) -> float:
    return sum(view.usual(m) or 0.0 for m in metrics)


def _mean(view: View, metrics: tuple[str, ...]) -> float | None:
    """Mean of the metrics' sum over the slow minutes, each weighted by the pulls at work in it."""
    sums = [_weighted(view, node, metrics, weights) for node, weights in view.pulling.items()]
    weight = fsum(w for _, w in sums)
    return fsum(total for total, _ in sums) / weight if weight else None


def _weighted(view: View, node: str, metrics: tuple[str, ...], weights: list[float]) -> tuple[float, float]:
    """(sum of value × weight, sum of weights) over the minutes in which all the metrics were measured."""
    columns = [view.column(m, node) for m in metrics]
    if not all(columns):
        return 0.0, 0.0
    if any(None in c for c in columns):
        known = [all(c[minute] is not None for c in columns) for minute in range(len(weights))]
        weights = [w if k else 0.0 for w, k in zip(weights, known, strict=True)]
        columns = [[v or 0.0 for v in c] for c in columns]
    return fsum(sumprod(cast("Sequence[float]", c), weights) for c in columns), fsum(weights)
