"""The fleet at a glance: which pools have a node at one of its limits, 50 pools a request."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from shared.azure_ids import id_key, segment
from shared.collect.azure import Azure
from shared.collect.fleet import PoolRef
from shared.collect.metrics import CPU, NAMESPACE, QUEUE_DEPTH, SPLIT
from shared.errors import PullwatchError
from shared.model import Window
from shared.settings import Settings

BATCH = 50
"""Resource ids that Azure takes in one batch call, all of one subscription, region and type."""
MINUTES = 10
MOST_NODES = 1000
PERCENT_METRICS = (
    "OS Disk IOPS Consumed Percentage", "OS Disk Bandwidth Consumed Percentage",
    "VM Cached IOPS Consumed Percentage", "VM Cached Bandwidth Consumed Percentage",
    "VM Uncached IOPS Consumed Percentage", "VM Uncached Bandwidth Consumed Percentage",
)


class Screened(NamedTuple):
    suspects: set[str]
    """Scale-set ids, as the fleet spells them."""
    not_seen: dict[str, str]
    """Scale-set id → why its metrics could not be read: these are neither suspects nor fine."""


def screen(azure: Azure, pools: Iterable[PoolRef], settings: Settings, now: datetime) -> Screened:
    """Every pool's worst node over the last minutes against the limits that diagnosis uses."""
    end = now - timedelta(seconds=settings.metrics_lag_seconds)
    window = Window(end - timedelta(minutes=MINUTES), end)
    screened = Screened(set(), {})
    with ThreadPoolExecutor(4, thread_name_prefix="screen") as executor:
        for batch, found, problem in executor.map(lambda b: _screen_batch(azure, b, settings, window), _batches(pools)):
            spelled = {id_key(pool.vmss_id): pool.vmss_id for pool in batch}
            screened.suspects.update(spelled[key] for key in found if key in spelled)
            if problem:
                screened.not_seen.update(dict.fromkeys(spelled.values(), problem))
    return screened


def _batches(pools: Iterable[PoolRef]) -> Iterator[tuple[PoolRef, ...]]:
    groups: dict[tuple[str, str], list[PoolRef]] = defaultdict(list)
    for pool in pools:
        if pool.capacity:
            groups[segment(pool.vmss_id, "subscriptions").lower(), pool.location].append(pool)
    for group in groups.values():
        yield from batched(group, BATCH, strict=False)


def _screen_batch(azure: Azure, batch: tuple[PoolRef, ...], settings: Settings, window: Window) -> tuple[tuple[PoolRef, ...], set[str], str]:
    try:
        series = azure.metrics(batch[0].location, [p.vmss_id for p in batch], NAMESPACE, (QUEUE_DEPTH, CPU, *PERCENT_METRICS),
                               window, split_by=SPLIT, top=MOST_NODES)
    except PullwatchError as error:
        return batch, set(), str(error)
    limits = {QUEUE_DEPTH: settings.queue_depth, CPU: settings.cpu_percent}
    found = {s.resource_id for s in series
             if any(v is not None and v > limits.get(s.metric, settings.saturated_percent) for v in s.values)}
    return batch, found, ""
