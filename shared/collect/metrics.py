"""Scale-set metrics, split by node: what is asked for, and how the answer becomes ``Series``.

A point without a value is missing, not zero; minutes after the end, and the newest ones, are empty.
Source: "Supported metrics for Microsoft.Compute/virtualMachineScaleSets".
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.azure_ids import node_name
from shared.collect.azure import Azure, RawSeries
from shared.errors import Permanent
from shared.model import Series, Typical, Window

NAMESPACE = "Microsoft.Compute/virtualMachineScaleSets"
SPLIT = "VMName"
MOST_NODES = 1000
"""``top``: without it Azure sends 10 series and says nothing of the rest."""

QUEUE_DEPTH = "OS Disk Queue Depth"
CPU = "Percentage CPU"
NETWORK_IN = "Network In Total"
NODE_METRICS = (
    QUEUE_DEPTH,
    "OS Disk IOPS Consumed Percentage",
    "OS Disk Bandwidth Consumed Percentage",
    "OS Disk Read Operations/Sec",
    "OS Disk Write Operations/Sec",
    "OS Disk Read Bytes/sec",
    "OS Disk Write Bytes/sec",
    "OS Disk Latency",
    "OS Disk Target IOPS",
    "OS Disk Target Bandwidth",
    "OS Disk Used Burst IO Credits Percentage",
    "OS Disk Used Burst BPS Credits Percentage",
    "VM Cached IOPS Consumed Percentage",
    "VM Cached Bandwidth Consumed Percentage",
    "VM Uncached IOPS Consumed Percentage",
    "VM Uncached Bandwidth Consumed Percentage",
    CPU,
    NETWORK_IN,
)
UNKNOWN_METRIC = re.compile(r"metric: (?P<name>[^,]+?), Valid metrics", re.IGNORECASE)


class Measured(NamedTuple):
    series: tuple[Series, ...]
    not_known: tuple[str, ...]
    """Metrics that this region's Azure does not know: asked for, refused, left out."""


def node_series(azure: Azure, vmss_id: str, location: str, window: Window) -> Measured:
    """All node metrics of a scale set, a series per node and metric."""
    raw, not_known = _ask(azure, vmss_id, location, window, names=list(NODE_METRICS), split_by=SPLIT)
    return Measured(tuple(_series(r, window) for r in raw), not_known)


def usual_values(azure: Azure, vmss_id: str, location: str, window: Window) -> dict[str, Typical]:
    """What each metric usually is, averaged over the pool, minute by minute of a long window.

    Network traffic is left out: unsplit, Azure adds it up over the nodes instead.
    """
    raw, _ = _ask(azure, vmss_id, location, window, names=[m for m in NODE_METRICS if m != NETWORK_IN], split_by="")
    values: dict[str, list[float]] = defaultdict(list)
    for series in raw:
        values[series.metric] += [v for v in series.values if v is not None]
    return {metric: Typical(p50=percentile(v, 50), p95=percentile(v, 95)) for metric, v in sorted(values.items()) if v}


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def _ask(azure: Azure, vmss_id: str, location: str, window: Window, *, names: list[str], split_by: str) -> tuple[list[RawSeries], tuple[str, ...]]:
    """One unknown name fails the whole call: drop the name that Azure complains of, and ask again."""
    not_known: list[str] = []
    while True:
        try:
            raw = azure.metrics(location, [vmss_id], NAMESPACE, names, window, split_by=split_by, top=MOST_NODES)
            return raw, tuple(not_known)
        except Permanent as refusal:
            match = UNKNOWN_METRIC.search(str(refusal))
            if match is None or match["name"] not in names:
                raise
            names.remove(match["name"])
            not_known.append(match["name"])


def _series(raw: RawSeries, window: Window) -> Series:
    start, values = column(raw, window)
    node = node_name(raw.dimensions.get(SPLIT.lower(), ""))
    return Series(metric=raw.metric, start=start, node=node, unit=raw.unit, values=values)


def column(raw: RawSeries, window: Window) -> tuple[datetime, tuple[float | None, ...]]:
    """(first minute of the window, a value for each of its minutes): what is missing is None."""
    start = window.start.replace(second=0, microsecond=0)
    minutes = _minutes(start, window.end)
    values: list[float | None] = [None] * minutes
    for moment, value in zip(raw.times, raw.values, strict=True):
        index = int((moment - start) // timedelta(minutes=1))
        if 0 <= index < minutes:
            values[index] = value
    return start, tuple(values)


def _minutes(start: datetime, end: datetime) -> int:
    return max(0, -int((start - end) // timedelta(minutes=1)))
