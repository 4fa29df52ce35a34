"""The fleet at a glance: which pools have a node at one of its limits, 50 pools a request.

Every minute of every node is looked at, not the pool's average and not a few nodes: Azure orders series by
their average over the whole time, so a small ``top`` would hide the node that was at its limit for a minute
behind others that are steadily busy.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.azure_ids import id_key, segment
from shared.collect.azure import Azure
from shared.collect.fleet import PoolRef
from shared.collect.metric_batch import RawSeries
from shared.collect.metrics import (
    BATCH,
    CPU,
    MACHINES,
    MOST_NODES,
    NAMESPACE,
    QUEUE_DEPTH,
    SPLIT,
    UNKNOWN_METRIC,
    of_those_there,
)
from shared.collect.regions import RegionalRequests
from shared.diagnose.disk import BANDWIDTH_PERCENT, IOPS_PERCENT, QUEUE_LOWERS_BAR_TO, VM_PERCENT
from shared.errors import Permanent
from shared.model import Thresholds, Window
from shared.settings import Settings

NODES_A_CALL = 2000
"""Fewer pools go into a call if they have more nodes together: an answer holds every minute of each."""
PERCENT_METRICS = (IOPS_PERCENT, BANDWIDTH_PERCENT, *VM_PERCENT)
METRICS = (QUEUE_DEPTH, CPU, *PERCENT_METRICS)
NO_VALUE = "Azure Monitor has no value of it for the last minutes."


class Screened(NamedTuple):
    suspects: set[str]
    """Keys of pools (``PoolRef.key``) with a node at a limit."""
    not_seen: dict[str, str]
    """Key of a pool → why its metrics, or some of them, could not be read: nobody knows whether these are fine."""


class Batch(NamedTuple):
    """One request: resources of one subscription, region and type."""

    location: str
    namespace: str
    pools: tuple[str, ...]
    """The key of each resource's pool."""
    resource_ids: tuple[str, ...]


def screen(azure: Azure, pools: Iterable[PoolRef], settings: Settings, now: datetime,
           monotonic: Callable[[], float] = time.monotonic, looked_at: Callable[[int], object] = bool) -> Screened:
    """Every node of every pool, over the last minutes, against the limits that diagnosis uses.

    ``looked_at`` is told how many resources each answer, or failure, was about.
    """
    end = now - timedelta(seconds=settings.metrics_lag_seconds)
    reader = _Reader(azure, Window(end - timedelta(minutes=settings.screen_minutes), end))
    screened = Screened(set(), {})
    for batch, series, error in RegionalRequests(reader.read, batches(pools), settings.azure_budget_seconds, monotonic):
        looked_at(len(batch.resource_ids))
        if series is None:
            screened.not_seen.update(dict.fromkeys(batch.pools, str(error)))
        else:
            _judge(batch, series, settings.thresholds, screened)
    return screened


def batches(pools: Iterable[PoolRef]) -> Iterator[Batch]:
    """As few requests as Azure allows, each small enough to be held in memory."""
    groups: dict[tuple[str, str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for pool in pools:
        namespace = NAMESPACE if pool.vmss_id else MACHINES
        for resource_id in pool.resource_ids if pool.capacity else ():
            where = (segment(resource_id, "subscriptions").lower(), pool.location, namespace)
            groups[where].append((pool.key, resource_id, pool.capacity if pool.vmss_id else 1))
    for (_, location, namespace), members in groups.items():
        for part in _parts(members):
            keys, ids, _ = zip(*part, strict=True)
            yield Batch(location, namespace, keys, ids)


def _parts(members: Iterable[tuple[str, str, int]]) -> Iterator[list[tuple[str, str, int]]]:
    """Parts of at most ``BATCH`` resources and, unless one alone has more, ``NODES_A_CALL`` nodes."""
    part: list[tuple[str, str, int]] = []
    nodes = 0
    for member in members:
        if part and (len(part) == BATCH or nodes + member[2] > NODES_A_CALL):
            yield part
            part, nodes = [], 0
        part.append(member)
        nodes += member[2]
    if part:
        yield part


class _Reader:
    """Reads batches; what a region does not know or has no more costs that, not the batch."""

    def __init__(self, azure: Azure, window: Window) -> None:
        self._azure = azure
        self._window = window
        self._not_known: set[str] = set()
        """Metrics that this Azure refuses: one unknown name fails a whole call."""

    def read(self, batch: Batch) -> list[RawSeries]:
        """Raises the errors of ``shared.errors``, ``Throttled`` and ``Transient`` without trying again."""
        try:
            return of_those_there(lambda ids: self._ask(batch, ids), batch.resource_ids)
        except Permanent as refusal:
            match = UNKNOWN_METRIC.search(str(refusal))
            if match is None or match["name"] not in METRICS or match["name"] in self._not_known:
                raise
            self._not_known.add(match["name"])
            return self.read(batch)

    def _ask(self, batch: Batch, ids: tuple[str, ...]) -> list[RawSeries]:
        names = [name for name in METRICS if name not in self._not_known]
        split = SPLIT if batch.namespace == NAMESPACE else ""
        return self._azure.metrics(batch.location, ids, batch.namespace, names, self._window, split_by=split, top=MOST_NODES, retry=False)


def _judge(batch: Batch, series: Iterable[RawSeries], limits: Thresholds, screened: Screened) -> None:
    pool_of = {id_key(resource_id): key for resource_id, key in zip(batch.resource_ids, batch.pools, strict=True)}
    nodes: dict[tuple[str, str], dict[str, RawSeries]] = defaultdict(dict)
    for one in series:
        if one.resource_id in pool_of and any(v is not None for v in one.values):
            nodes[one.resource_id, one.dimensions.get(SPLIT.lower(), "")][one.metric] = one
    seen = set()
    for (resource_id, _), metrics in nodes.items():
        seen.add(pool_of[resource_id])
        if at_limit(metrics, limits):
            screened.suspects.add(pool_of[resource_id])
    for key in set(batch.pools) - seen:
        screened.not_seen.setdefault(key, NO_VALUE)


def at_limit(metrics: dict[str, RawSeries], limits: Thresholds) -> bool:
    """Whether a node was at a limit in any minute: the CPU's, or one of the disk's and the VM's.

    A deep queue lowers the bar, as in diagnosis; it counts alone only where Azure has no percentages for
    the VM size.
    """
    cpu = metrics.get(CPU)
    if cpu is not None and any(v is not None and v >= limits.cpu_percent for v in cpu.values):
        return True
    depth = metrics.get(QUEUE_DEPTH)
    deep = {t for t, v in zip(depth.times, depth.values, strict=True) if v is not None and v > limits.queue_depth} if depth else set()
    percents = [metrics[name] for name in PERCENT_METRICS if name in metrics]
    if not percents:
        return bool(deep)
    lower = min(limits.saturated_percent, QUEUE_LOWERS_BAR_TO)
    return any(v is not None and v >= (lower if t in deep else limits.saturated_percent)
               for one in percents for t, v in zip(one.times, one.values, strict=True))
