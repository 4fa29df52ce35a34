"""Metric definitions by resource type, read from the reference table."""

from datetime import timedelta
from functools import cache

import msgspec

from local.azure.metric_reference import SUPPORTED_METRICS
from local.azure.times import parse_duration

TIME_GRAINS = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D")
SCALE_SET = "microsoft.compute/virtualmachinescalesets"
SINGLE_MACHINES = ("microsoft.compute/virtualmachines", f"{SCALE_SET}/virtualmachines")
"""Same metrics as a scale set, without the ``VMName`` dimension."""


class MetricDefinition(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """The name in REST, in Azure's spelling."""
    unit: str
    aggregations: tuple[str, ...]
    """``average``, ``total``, …; the first is the primary one."""
    dimensions: tuple[str, ...]
    finest_grain: timedelta
    display_name: str
    description: str

    @property
    def grains(self) -> list[str]:
        """ISO durations the metric can be asked for: the finest and all coarser ones Azure rolls up to."""
        return [grain for grain in TIME_GRAINS if parse_duration(grain) >= self.finest_grain]


@cache
def definitions(resource_type: str) -> dict[str, MetricDefinition]:
    """Lower-case metric name → definition; empty for a type without metrics here."""
    kind = resource_type.lower()
    if kind in SINGLE_MACHINES:
        return {
            name: msgspec.structs.replace(each, dimensions=tuple(d for d in each.dimensions if d != "VMName"))
            for name, each in definitions(SCALE_SET).items()
        }
    rows = SUPPORTED_METRICS.get(kind, "").strip().splitlines()
    return {each.name.lower(): each for each in map(_definition, rows)}


def _definition(row: str) -> MetricDefinition:
    name, unit, aggregations, dimensions, grain, display_name, *description = (cell.strip() for cell in row.split("|"))
    return MetricDefinition(
        name=name,
        unit=unit,
        aggregations=tuple(each.strip().lower() for each in aggregations.split(",")),
        dimensions=tuple(each.strip() for each in dimensions.split(",") if each.strip() != "-"),
        finest_grain=parse_duration(grain),
        display_name=display_name,
        description=description[0] if description else display_name,
    )
