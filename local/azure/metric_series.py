"""The measured minutes of a world, and how Azure Monitor sums them up.

What is stored is one value a minute for each combination of dimension values. A query groups series
by the dimensions it splits by, and each group's minutes into slots; over a group and a slot the
average is that of all values present, the total their sum.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from local.azure.inventory import resource_type
from local.azure.metric_catalog import definitions
from local.world.types import MetricSeries
from shared.azure_ids import id_key

MINUTE = timedelta(minutes=1)
AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "average": lambda values: sum(values) / len(values),
    "minimum": min,
    "maximum": max,
    "total": sum,
    "count": len,
}


class StoredSeries(msgspec.Struct, frozen=True):
    dimensions: dict[str, str]
    """Lower-case dimension name → value, as Azure Monitor returns them."""
    start: datetime
    values: list[float | None]
    lag: timedelta

    def visible(self, start: datetime, end: datetime, now: datetime) -> Sequence[float | None]:
        """The minutes from ``start`` to ``end``; None where there is no value, or none yet: a minute shows once
        it is over and the series' lag has passed."""
        first = math.floor((start - self.start) / MINUTE)
        count = math.ceil((end - start) / MINUTE)
        shown = math.floor((now - self.start - self.lag) / MINUTE)
        before = [None] * min(count, max(0, -first))
        held = self.values[max(0, first) : max(0, min(shown, first + count))]
        return [*before, *held, *([None] * (count - len(before) - len(held)))]


class MetricStore:
    """All series by resource and metric."""

    def __init__(self, series: Iterable[MetricSeries], lag_seconds: float) -> None:
        self._by_resource: dict[str, dict[str, list[StoredSeries]]] = {}
        for each in series:
            _require_documented(each)
            metrics = self._by_resource.setdefault(id_key(each.resource_id), {})
            metrics.setdefault(each.metric.lower(), []).append(_stored(each, lag_seconds))

    def of(self, resource_id: str, metric: str) -> list[StoredSeries]:
        return self._by_resource.get(id_key(resource_id), {}).get(metric.lower(), [])

    def latest(self, resource_id: str, metric: str) -> float | None:
        """The last value of a metric, whatever its age."""
        values = [value for each in self.of(resource_id, metric) for value in each.values if value is not None]
        return values[-1] if values else None

    def reporting(self, resource_id: str, dimension: str, now: datetime) -> set[str]:
        """Values of a dimension (instances, say) whose series reach the newest minute that any of the resource's do."""
        reach: dict[str, datetime] = {}
        for each in chain.from_iterable(self._by_resource.get(id_key(resource_id), {}).values()):
            name = each.dimensions.get(dimension.lower())
            if name and each.start <= now:
                end = min(now, each.start + len(each.values) * MINUTE)
                reach[name] = max(end, reach.get(name, end))
        newest = max(reach.values(), default=now)
        return {name for name, end in reach.items() if newest - end <= 5 * MINUTE}


def slots(start: datetime, end: datetime, interval: timedelta | None) -> Iterator[tuple[datetime, datetime]]:
    """Slots from the start truncated to the minute; ``interval`` None is one slot for everything."""
    at = start.replace(second=0, microsecond=0)
    while at < end:
        after = at + interval if interval else end
        yield at, after
        at = after


def summarise(
    minutes: Sequence[Sequence[float | None]], slot_minutes: int, aggregations: Sequence[str]
) -> list[dict[str, float]]:
    """For each slot the asked aggregates over all series of a group; ``{}`` where nothing was measured."""
    length = max(map(len, minutes), default=0)
    points = []
    for first in range(0, length, slot_minutes):
        values = [value for series in minutes for value in series[first : first + slot_minutes] if value is not None]
        points.append({name: AGGREGATES[name](values) for name in aggregations} if values else {})
    return points


def _stored(series: MetricSeries, lag_seconds: float) -> StoredSeries:
    """Each series lags by its own, steady share of the longest lag, as machines report on their own beat."""
    label = f"{series.resource_id}|{series.metric}|{sorted(series.dimensions.items())}"
    share = zlib.crc32(label.lower().encode()) % 1000 / 1000
    dimensions = {name.lower(): value for name, value in series.dimensions.items()}
    return StoredSeries(dimensions, series.start, series.values, timedelta(seconds=lag_seconds * share))


def _require_documented(series: MetricSeries) -> None:
    """The simulated world may only hold what Azure would: raises ``ValueError`` otherwise."""
    kind = resource_type(series.resource_id)
    definition = definitions(kind).get(series.metric.lower())
    if definition is None:
        raise ValueError(f"Azure documents no metric {series.metric!r} of {kind}.")
    if series.aggregation.lower() not in definition.aggregations:
        raise ValueError(
            f"{series.metric} of {kind} is stored as {', '.join(definition.aggregations)}, not {series.aggregation}."
        )
    unknown = {name.lower() for name in series.dimensions} - {name.lower() for name in definition.dimensions}
    if unknown:
        raise ValueError(f"{series.metric} of {kind} has no dimension {', '.join(sorted(unknown))}.")
