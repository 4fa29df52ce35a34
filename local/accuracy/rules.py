"""Today's static alert rules, on the same minutes that the product sees.

They can say "disk" or nothing, so they are scored on that question alone. Each is judged every minute of
the window, oftener than Azure would: what a rule misses here it misses everywhere.
Sources: Azure Monitor Baseline Alerts, Compute/virtualMachineScaleSets; "Best practices for monitoring AKS".
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import fsum
from typing import NamedTuple

from local.world.types import MetricSeries, World
from shared.azure_ids import id_key

MINUTE = timedelta(minutes=1)
IOPS, BANDWIDTH = "OS Disk IOPS Consumed Percentage", "OS Disk Bandwidth Consumed Percentage"

type Minutes = Sequence[Sequence[float]]
"""For each minute the values measured in it: one of a node, or many of a pool."""


class Rule(NamedTuple):
    name: str
    metrics: tuple[str, ...]
    limit: float
    minutes: int
    """Length of the window averaged over."""
    per_node: bool


RULES = (
    Rule("AMBA: OS disk IOPS % of the pool > 95 over 1 h", (IOPS,), 95, 60, per_node=False),
    Rule("AKS: OS disk IOPS or bandwidth % of a node > 95, 1 min", (IOPS, BANDWIDTH), 95, 1, per_node=True),
    Rule("AKS: the same over 5 min", (IOPS, BANDWIDTH), 95, 5, per_node=True),
    Rule("OS disk queue depth of a node > 20, 1 min", ("OS Disk Queue Depth",), 20, 1, per_node=True),
    Rule("OS disk queue depth of a node > 20 over 5 min", ("OS Disk Queue Depth",), 20, 5, per_node=True),
)


def blames_disk(rule: Rule, world: World, resource_ids: Iterable[str]) -> bool:
    """Whether the rule would have fired in the world's window for the scale set, or the machines, with these ids."""
    pool = set(map(id_key, resource_ids))
    series = [s for s in world.metrics if s.metric in rule.metrics and id_key(s.resource_id) in pool]
    return any(average > rule.limit for minutes in _groups(rule, world, series) for average in _averages(minutes, rule.minutes))


def _groups(rule: Rule, world: World, series: Iterable[MetricSeries]) -> Iterator[Minutes]:
    """What each instance of the rule watches: one node's metric, or a metric of all nodes together."""
    start = world.window_start - (rule.minutes - 1) * MINUTE
    groups: dict[tuple[str, str], list[list[float | None]]] = {}
    for each in series:
        node = each.dimensions.get("VMName", each.resource_id) if rule.per_node else ""
        groups.setdefault((each.metric, node), []).append(_between(each, start, world.window_end))
    for columns in groups.values():
        yield [[value for value in minute if value is not None] for minute in zip(*columns, strict=True)]


def _between(series: MetricSeries, start: datetime, end: datetime) -> list[float | None]:
    first, last = int((start - series.start) // MINUTE), int((end - series.start) // MINUTE)
    held = series.values
    return [held[n] if 0 <= n < len(held) else None for n in range(first, last)]


def _averages(minutes: Minutes, width: int) -> Iterator[float]:
    for end in range(width, len(minutes) + 1):
        values = [value for minute in minutes[end - width:end] for value in minute]
        if values:
            yield fsum(values) / len(values)
