"""What Azure Monitor would have kept: one value a minute, in Azure's names and units.

Names, units, aggregations and dimensions as in "Supported metrics" for scale sets and registries;
the way out is in ``network_metrics``. An ephemeral OS disk has no provisioned limit and so no Consumed, Target or Burst.
"""

import math
from collections.abc import Callable, Iterator
from random import Random

import msgspec

from local.world.names import instance_name
from local.world.network_metrics import network_metrics
from local.world.node import Minute, Node
from local.world.resources import alive, instance_id, registry_id, scale_set_id
from local.world.run import Story
from local.world.types import MetricSeries

GAP_SHARE = 0.003
"""Minutes that Azure has no value for, of a node that lives."""
SHORTEST_MINUTE_SECONDS = 30
CREDITS_EVERY_MINUTES = 5

type Value = Callable[[Minute], float]


class Metric(msgspec.Struct, frozen=True):
    name: str
    unit: str
    value: Value
    aggregation: str = "Average"
    every_minutes: int = 1
    noise: float = 0.008
    """Standard deviation of the measurement, as a share."""
    most: float = math.inf
    """No measurement is higher, whatever its noise."""


def measure(story: Story) -> list[MetricSeries]:
    """All series of all resources of the world."""
    return [*_pool(story), *_registry(story), *network_metrics(story)]


# --- nodes ---------------------------------------------------------------------------------------


def _pool(story: Story) -> Iterator[MetricSeries]:
    """Of a scale set, split by node; a single machine has the same ones without the dimension, for as long as it is there."""
    there = {node.instance for node in (story.nodes if story.names.pool_kind == "scale_set" else alive(story))}
    lives: dict[int, list[Node]] = {}
    for node in story.nodes:
        if node.instance in there:
            lives.setdefault(node.instance, []).append(node)
    for instance, nodes in lives.items():
        minutes = {number: minute for node in nodes for number, minute in node.minutes.items()}
        for metric in _node_metrics(nodes[0], of_burst=story.seed % 2 == 0):
            yield _series(story, metric, minutes, instance)


def _series(story: Story, metric: Metric, minutes: dict[int, Minute], instance: int) -> MetricSeries:
    first, last = min(minutes), int(story.end // 60)
    values = [_value(metric, number, minutes.get(number), story.rng) for number in range(first, last)]
    in_set = story.names.pool_kind == "scale_set"
    return MetricSeries(
        resource_id=scale_set_id(story) if in_set else instance_id(story, instance), metric=metric.name, unit=metric.unit,
        aggregation=metric.aggregation, dimensions={"VMName": instance_name(story.names.stem, instance)} if in_set else {}, start=story.at(first * 60), values=values,
    )


def _value(metric: Metric, number: int, minute: Minute | None, rng: Random) -> float | None:
    if minute is None or minute.seconds < SHORTEST_MINUTE_SECONDS or number % metric.every_minutes:
        return None
    if rng.random() < GAP_SHARE:
        return None
    return min(metric.most, round(metric.value(minute) * rng.gauss(1, metric.noise), 3))


def _node_metrics(node: Node, *, of_burst: bool) -> list[Metric]:
    return [*_disk_metrics(node), *_limit_metrics(node, of_burst=of_burst), *_vm_metrics(node, of_burst=of_burst)]


def _disk_metrics(node: Node) -> Iterator[Metric]:
    """What every OS disk has."""
    yield Metric("OS Disk Queue Depth", "Count", lambda m: m.queue_depth / m.seconds)
    yield Metric("OS Disk Read Operations/Sec", "CountPerSecond", lambda m: m.read_operations / m.seconds)
    yield Metric("OS Disk Write Operations/Sec", "CountPerSecond", lambda m: m.write_operations / m.seconds)
    yield Metric("OS Disk Read Bytes/sec", "BytesPerSecond", lambda m: m.read_bytes / m.seconds)
    yield Metric("OS Disk Write Bytes/sec", "BytesPerSecond", lambda m: m.write_bytes / m.seconds)
    if node.vm.nvme_gib:
        return  # neither latency nor temp disk metrics with the NVMe controller
    yield Metric("OS Disk Latency", "Milliseconds", lambda m: 1000 * m.queue_depth / (m.read_operations + m.write_operations))
    if node.vm.temp_gib:
        shared = node.disk.placement == "ResourceDisk"
        yield Metric("Temp Disk Queue Depth", "Count", lambda m: m.queue_depth / m.seconds if shared else 0.02)


def _limit_metrics(node: Node, *, of_burst: bool) -> Iterator[Metric]:
    """What only a managed disk has. Whether 100 % means the burst limit while a disk bursts is not
    documented: worlds with an even seed say so, those with an odd seed always mean the baseline."""
    if node.disk.ephemeral:
        return
    iops, bandwidth = node.resources[0].limit, node.resources[1].limit
    if of_burst:
        yield Metric("OS Disk IOPS Consumed Percentage", "Percent", lambda m: 100 * m.iops_of_limit / m.seconds)
        yield Metric("OS Disk Bandwidth Consumed Percentage", "Percent", lambda m: 100 * m.bytes_of_limit / m.seconds)
    else:
        yield _percent("OS Disk IOPS Consumed Percentage", "write_operations", iops.base)
        yield _percent("OS Disk Bandwidth Consumed Percentage", "write_bytes", bandwidth.base)
    yield Metric("OS Disk Target IOPS", "Count", lambda _: iops.base, noise=0)
    yield Metric("OS Disk Target Bandwidth", "Count", lambda _: bandwidth.base, noise=0)
    if iops.bucket:
        yield Metric("OS Disk Max Burst IOPS", "Count", lambda _: iops.burst, noise=0)
        yield Metric("OS Disk Max Burst Bandwidth", "Count", lambda _: bandwidth.burst, noise=0)
        yield _credits("OS Disk Used Burst IO Credits Percentage", lambda m: m.used_io_credits_percent)
        yield _credits("OS Disk Used Burst BPS Credits Percentage", lambda m: m.used_byte_credits_percent)


def _credits(name: str, value: Value) -> Metric:
    """100 means that the bucket is empty. Azure has these only every fifth minute."""
    return Metric(name, "Percent", value, every_minutes=CREDITS_EVERY_MINUTES, noise=0)


def _percent(name: str, field: str, limit: float) -> Metric:
    return Metric(name, "Percent", lambda m: 100 * getattr(m, field) / m.seconds / limit)


def _vm_metrics(node: Node, *, of_burst: bool) -> Iterator[Metric]:
    vm, ephemeral = node.vm, node.disk.ephemeral
    yield Metric("Percentage CPU", "Percent", lambda m: 100 * m.cpu_seconds / m.seconds / vm.vcpus, most=100.0)
    yield Metric("Network In Total", "Bytes", lambda m: m.network_in, "Total")
    yield Metric("Network Out Total", "Bytes", lambda m: m.network_out, "Total")
    if node.disk.placement != "NvmeDisk":
        yield Metric("VM Cached IOPS Consumed Percentage", "Percent",
                     lambda m: 100 * _cached(m.read_operations, m.write_operations, ephemeral) / m.seconds / vm.cached_iops)
        yield Metric("VM Cached Bandwidth Consumed Percentage", "Percent",
                     lambda m: 100 * _cached(m.read_bytes, m.write_bytes, ephemeral) / m.seconds / vm.cached_bytes_per_second)
    yield from _uncached_metrics(node, of_burst=of_burst)


def _uncached_metrics(node: Node, *, of_burst: bool) -> Iterator[Metric]:
    """Of the limit in force or of the baseline, as with the disk itself. Burst credits: *Remote* means uncached."""
    vm, uncached = node.vm, 0.0 if node.disk.ephemeral else 100.0
    iops, bandwidth = "VM Uncached IOPS Consumed Percentage", "VM Uncached Bandwidth Consumed Percentage"
    if of_burst:
        yield Metric(iops, "Percent", lambda m: uncached * m.vm_iops_of_limit / m.seconds)
        yield Metric(bandwidth, "Percent", lambda m: uncached * m.vm_bytes_of_limit / m.seconds)
    else:
        yield Metric(iops, "Percent", lambda m: uncached * m.write_operations / m.seconds / vm.uncached_iops)
        yield Metric(bandwidth, "Percent", lambda m: uncached * m.write_bytes / m.seconds / vm.uncached_bytes_per_second)
    if vm.uncached_burst_iops:
        yield _credits("VM Remote Used Burst IO Credits Percentage", lambda m: m.used_vm_io_credits_percent)
        yield _credits("VM Remote Used Burst BPS Credits Percentage", lambda m: m.used_vm_byte_credits_percent)


def _cached(read: float, written: float, ephemeral: bool) -> float:
    """Writes to a managed disk with a read-only cache go past the cache."""
    return read + (written if ephemeral else 0.0)


# --- registry ------------------------------------------------------------------------------------


def _registry(story: Story) -> Iterator[MetricSeries]:
    """``TotalPullCount`` counts tries; refused ones are missing in ``SuccessfulPullCount``."""
    total, successful = [0.0] * int(story.end // 60), [0.0] * int(story.end // 60)
    for at, pull, status in story.answers:
        minute = int(at // 60)
        if pull.image.registry == story.names.registry and minute < len(total):
            total[minute] += 1
            successful[minute] += status == 200
    for name, values in (("TotalPullCount", total), ("SuccessfulPullCount", successful)):
        yield MetricSeries(
            resource_id=registry_id(story), metric=name, unit="Count", aggregation="Total", dimensions={},
            start=story.epoch, values=list(values),
        )
