"""Node metrics: what is asked for, and how the answer becomes ``Series``.

Those of a scale set are split by node; a single machine has the same ones without that dimension: it is the node.
A point without a value is missing, not zero; minutes after the end, and the newest ones, are empty.
Source: "Supported metrics for Microsoft.Compute/virtualMachineScaleSets", "… /virtualMachines".
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import batched
from math import fsum
from typing import NamedTuple

from shared.azure_ids import id_key, node_name
from shared.collect.azure import Azure, NotFound
from shared.collect.fleet import PoolRef
from shared.collect.metric_batch import RawSeries
from shared.errors import Permanent, PullwatchError
from shared.model import Series, Typical, Window
from shared.ranks import nearest_rank

NAMESPACE = "Microsoft.Compute/virtualMachineScaleSets"
MACHINES = "Microsoft.Compute/virtualMachines"
SPLIT = "VMName"
MOST_NODES = 1000
"""``top``: without it Azure sends 10 series and says nothing of the rest."""
BATCH = 50
"""Resource ids that Azure takes in one batch call, all of one subscription, region and type."""
BATCHES_AT_ONCE = 8

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
    not_known: tuple[str, ...] = ()
    """Metrics that this region's Azure does not know: asked for, refused, left out."""
    not_read: tuple[str, ...] = ()
    """Why some of the nodes, or some of the metrics, could not be read."""


def node_series(azure: Azure, pool: PoolRef, window: Window) -> Measured:
    """All node metrics of a pool, a series per node and metric. Raises if no node could be read."""
    nodes = {id_key(machine.id): machine.node for machine in pool.machines}

    def read(ids: tuple[str, ...]) -> Measured | PullwatchError:
        try:
            raw, not_known = _ask(azure, pool, ids, window, list(NODE_METRICS), SPLIT if pool.vmss_id else "")
        except PullwatchError as error:
            return error
        refused = dict.fromkeys(f"Azure Monitor gave no {r.metric} ({r.error})." for r in raw if r.error)
        return Measured(tuple(_series(r, node, window) for r in raw if not r.error and (node := _node(r, nodes))), not_known, tuple(refused))

    with ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="metrics") as executor:
        asked = [executor.submit(copy_context().run, read, ids) for ids in batched(pool.resource_ids, BATCH, strict=False)]
        answers = [one.result() for one in asked]
    found, errors = [a for a in answers if isinstance(a, Measured)], [a for a in answers if not isinstance(a, Measured)]
    if errors and not found:
        raise errors[0]
    return Measured(tuple(s for a in found for s in a.series), tuple(dict.fromkeys(name for a in found for name in a.not_known)),
                    tuple(dict.fromkeys([*(why for a in found for why in a.not_read), *map(str, errors)])))


def usual_values(azure: Azure, pool: PoolRef, window: Window) -> dict[str, Typical]:
    """What each metric usually is, averaged over the pool, minute by minute of a long window.

    Of single machines as many as one call takes speak for all. Network traffic is left out: unsplit, Azure adds
    it up over the nodes instead.
    """
    ids = pool.resource_ids[:: -(-len(pool.resource_ids) // BATCH) or 1]
    raw = _ask(azure, pool, ids, window, [m for m in NODE_METRICS if m != NETWORK_IN], "")[0] if ids else []
    columns: dict[str, list[tuple[float | None, ...]]] = defaultdict(list)
    for series in raw:
        columns[series.metric].append(column(series, window)[1])
    values = {metric: sorted(_means(found)) for metric, found in sorted(columns.items())}
    return {metric: Typical(p50=p50, p95=p95) for metric, v in values.items()
            if (p50 := nearest_rank(v, 50)) is not None and (p95 := nearest_rank(v, 95)) is not None}


def _means(columns: Iterable[Sequence[float | None]]) -> list[float]:
    """The average of each minute over the columns that have a value in it."""
    minutes = ([v for v in minute if v is not None] for minute in zip(*columns, strict=True))
    return [fsum(known) / len(known) for known in minutes if known]


def of_those_there(ask: Callable[[tuple[str, ...]], list[RawSeries]], ids: tuple[str, ...]) -> list[RawSeries]:
    """The series of those resources that are still there: Azure refuses a call for one that is gone, and hides the others."""
    try:
        return ask(ids)
    except NotFound:
        if len(ids) == 1:
            return []
    half = len(ids) // 2
    return [*of_those_there(ask, ids[:half]), *of_those_there(ask, ids[half:])]


def _ask(azure: Azure, pool: PoolRef, ids: tuple[str, ...], window: Window, names: list[str], split_by: str) -> tuple[list[RawSeries], tuple[str, ...]]:
    """One unknown name fails the whole call: drop the name that Azure complains of, and ask again."""
    def read(some: tuple[str, ...]) -> list[RawSeries]:
        return azure.metrics(pool.location, some, NAMESPACE if pool.vmss_id else MACHINES, names, window, split_by=split_by, top=MOST_NODES)

    not_known: list[str] = []
    while True:
        try:
            return read(ids) if pool.vmss_id else of_those_there(read, ids), tuple(not_known)
        except Permanent as refusal:
            match = UNKNOWN_METRIC.search(str(refusal))
            if match is None or match["name"] not in names:
                raise
            names.remove(match["name"])
            not_known.append(match["name"])


def _node(raw: RawSeries, machines: dict[str, str]) -> str:
    """The node that a series is about; empty for a resource that is none of the pool's."""
    return machines.get(raw.resource_id, "") if machines else node_name(raw.dimensions.get(SPLIT.lower(), ""))


def _series(raw: RawSeries, node: str, window: Window) -> Series:
    start, values = column(raw, window)
    return Series(metric=raw.metric, start=start, node=node, unit=raw.unit, values=values)


def column(raw: RawSeries, window: Window) -> tuple[datetime, tuple[float | None, ...]]:
    """(first minute of the window, a value for each of its minutes): what is missing is None."""
    start = window.start.replace(second=0, microsecond=0)
    minutes = _minutes(start, window.end)
    values: list[float | None] = [None] * (minutes + 1)
    for place, value in zip(_places(raw.times, start, minutes), raw.values, strict=True):
        values[place] = value
    return start, tuple(values[:minutes])


@lru_cache(maxsize=4)
def _places(times: tuple[datetime, ...], start: datetime, minutes: int) -> list[int]:
    """The minute of each time; ``minutes`` for those outside. Thousands of series have the same times."""
    places = [(moment - start) // timedelta(minutes=1) for moment in times]
    return [place if 0 <= place < minutes else minutes for place in places]


def _minutes(start: datetime, end: datetime) -> int:
    return max(0, -int((start - end) // timedelta(minutes=1)))
