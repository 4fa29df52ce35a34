"""Azure Monitor metrics: one resource through ARM, up to fifty through the data plane's ``getBatch``."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from local.azure.arm import require_api_version
from local.azure.http import Answer, RefusedError, Request, arm_error, read_json
from local.azure.inventory import Inventory, Resource, resource_type
from local.azure.metric_catalog import MetricDefinition, definitions
from local.azure.metric_query import BadMetricsRequestError, MetricsQuery, read_query
from local.azure.metric_series import MINUTE, MetricStore, StoredSeries, slots, summarise
from local.azure.times import iso_seconds
from shared.azure_ids import segment

MOST_RESOURCES = 50
BATCH_VERSIONS = ("2024-02-01", "2023-10-01")


class Group(msgspec.Struct, frozen=True):
    """Series that a query puts together into one."""

    values: tuple[str, ...]
    """Of the dimensions the query splits by."""
    minutes: list[Sequence[float | None]]
    """Minute by minute, a row for each series."""

    @property
    def measured(self) -> bool:
        return any(value is not None for each in self.minutes for value in each)

    def overall(self, aggregation: str) -> float:
        """One aggregate over the whole timespan, to order by."""
        [whole] = summarise(self.minutes, max(map(len, self.minutes)), [aggregation])
        return whole[aggregation]


def read_one(inventory: Inventory, store: MetricStore, now: datetime, request: Request) -> Answer:
    """``GET {resource}/providers/Microsoft.Insights/metrics``. Its own errors come without an ``error`` wrapper."""
    require_api_version(request, "Microsoft.Insights/metrics")
    resource = inventory.require(_owner(request.path))
    kind = resource_type(resource["id"])
    try:
        query = read_query(request.query.get("metricnamespace") or kind, request.query, now)
    except BadMetricsRequestError as error:
        raise RefusedError(Answer(status=400, body={"code": "BadRequest", "message": str(error)})) from None
    values = _values(store, resource["id"], query, now)
    if request.query.get("resulttype", "").lower() == "metadata":
        for series in chain.from_iterable(value["timeseries"] for value in values):
            del series["data"]
    return Answer(
        body={
            "cost": _cost(query),
            "timespan": f"{iso_seconds(query.start)}/{iso_seconds(query.end)}",
            "interval": query.interval_text,
            "value": values,
            "namespace": kind,
            "resourceregion": resource.get("location", ""),
        }
    )


def read_batch(inventory: Inventory, store: MetricStore, now: datetime, request: Request) -> Answer:
    """``POST /subscriptions/{id}/metrics:getBatch``: one result a resource, in the order asked."""
    try:
        _require_batch_version(request)
        namespace = request.query.get("metricnamespace", "")
        resources = [(each, inventory.require(each)) for each in _batched_ids(request, namespace)]
        _require_one_region(request, [resource for _, resource in resources])
        query = read_query(namespace, request.query, now)
    except BadMetricsRequestError as error:
        raise arm_error(400, "BadRequest", str(error)) from None
    results = [
        {
            "cost": _cost(query),
            "starttime": iso_seconds(query.start),
            "endtime": iso_seconds(query.end),
            "interval": query.interval_text,
            "value": _values(store, asked, query, now),
            "namespace": namespace.lower(),
            "resourceregion": resource.get("location", ""),
            "resourceid": asked,
        }
        for asked, resource in resources
    ]
    return Answer(body={"values": results})


def list_definitions(inventory: Inventory, request: Request) -> Answer:
    """``GET {resource}/providers/Microsoft.Insights/metricDefinitions``."""
    require_api_version(request, "Microsoft.Insights/metricDefinitions")
    resource_id = inventory.require(_owner(request.path))["id"]
    kind = resource_type(resource_id)
    return Answer(body={"value": [_defined(resource_id, kind, each) for each in definitions(kind).values()]})


def _owner(path: str) -> str:
    return path.rstrip("/").rpartition("/providers/")[0]


def _require_batch_version(request: Request) -> None:
    if request.query.get("api-version") not in BATCH_VERSIONS:
        supported = ",".join(BATCH_VERSIONS)
        raise BadMetricsRequestError(f"The api-version is missing or not supported, supported ones are: {supported}")


def _batched_ids(request: Request, namespace: str) -> list[str]:
    """The asked ids: up to fifty, all of the request's subscription and of the type the namespace names."""
    ids = read_json(request).get("resourceids")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise BadMetricsRequestError("The property 'resourceids' of the body is required and must not be empty.")
    if len({each.lower() for each in ids}) > MOST_RESOURCES:
        raise BadMetricsRequestError(f"Requested resources count: {len(ids)} bigger than allowed max: {MOST_RESOURCES}")
    subscription = segment(request.path, "subscriptions").lower()
    if {segment(each, "subscriptions").lower() for each in ids} != {subscription}:
        raise BadMetricsRequestError(f"All resources must belong to the subscription of the request: {subscription}.")
    if {resource_type(each).lower() for each in ids} != {namespace.lower()}:
        raise BadMetricsRequestError(f"All resources must be of the type that metricnamespace names: {namespace}.")
    return ids


def _require_one_region(request: Request, resources: Sequence[Resource]) -> None:
    """All in one region; and in the endpoint's, where the endpoint has one (``/regions/{region}/…``)."""
    regions = {resource.get("location", "").lower() for resource in resources}
    endpoint = segment(request.path, "regions").lower()
    if len(regions) > 1 or (endpoint and regions != {endpoint}):
        raise BadMetricsRequestError(f"All resources must be in the region of the endpoint; found: {sorted(regions)}.")


def _cost(query: MetricsQuery) -> int:
    return int((query.end - query.start) / MINUTE) * len(query.metrics)


def _values(store: MetricStore, resource_id: str, query: MetricsQuery, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{resource_id}/providers/Microsoft.Insights/metrics/{metric.name}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": metric.name, "localizedValue": metric.display_name},
            "displayDescription": metric.description,
            "unit": metric.unit,
            "timeseries": _timeseries(store, resource_id, metric, query, now),
            "errorCode": "Success",
        }
        for metric in query.metrics
    ]


def _timeseries(
    store: MetricStore, resource_id: str, metric: MetricDefinition, query: MetricsQuery, now: datetime
) -> list[dict[str, Any]]:
    """One series a group. Without a filter always one, be it empty; with one the first ``top`` that have data."""
    split = sorted(name for name in query.conditions if name not in query.rolled_up)
    start = query.start.replace(second=0, microsecond=0)
    groups = [
        Group(values, [each.visible(start, query.end, now) for each in stored])
        for values, stored in _grouped(store.of(resource_id, metric.name), query, split).items()
    ]
    if query.conditions:
        groups = _ordered([group for group in groups if group.measured], query)[: query.top]
    return [
        {
            "metadatavalues": [
                {"name": {"value": name, "localizedValue": name}, "value": value}
                for name, value in zip(split, group.values, strict=True)
            ],
            "data": _points(group.minutes, metric, query),
        }
        for group in groups
    ]


def _grouped(
    stored: Sequence[StoredSeries], query: MetricsQuery, split: Sequence[str]
) -> dict[tuple[str, ...], list[StoredSeries]]:
    """The series the filter lets through, by their values of the ``split`` dimensions."""
    groups: dict[tuple[str, ...], list[StoredSeries]] = {} if query.conditions else {(): []}
    for series in stored:
        held = series.dimensions
        if all("*" in wanted or held.get(name, "").lower() in wanted for name, wanted in query.conditions.items()):
            groups.setdefault(tuple(held.get(name, "") for name in split), []).append(series)
    return groups


def _ordered(groups: list[Group], query: MetricsQuery) -> list[Group]:
    if query.order_by is None:
        return groups
    aggregation, descending = query.order_by
    return sorted(groups, key=lambda group: group.overall(aggregation), reverse=descending)


def _points(
    minutes: Sequence[Sequence[float | None]], metric: MetricDefinition, query: MetricsQuery
) -> list[dict[str, Any]]:
    """One point a slot; where nothing was measured, or not what was asked for, it holds its time and nothing else."""
    asked = query.aggregations or metric.aggregations[:1]
    offered = [name for name in asked if name in metric.aggregations]
    values = summarise(minutes, query.slot_minutes, offered)
    return [
        {"timeStamp": iso_seconds(start), **(values[number] if number < len(values) else {})}
        for number, (start, _) in enumerate(slots(query.start, query.end, query.interval))
    ]


def _defined(resource_id: str, kind: str, metric: MetricDefinition) -> dict[str, Any]:
    return {
        "id": f"{resource_id}/providers/microsoft.insights/metricdefinitions/{metric.name}",
        "resourceId": resource_id,
        "namespace": kind,
        "name": {"value": metric.name, "localizedValue": metric.display_name},
        "displayDescription": metric.description,
        "isDimensionRequired": False,
        "unit": metric.unit,
        "primaryAggregationType": metric.aggregations[0].capitalize(),
        "supportedAggregationTypes": [each.capitalize() for each in metric.aggregations],
        "metricAvailabilities": [{"timeGrain": grain, "retention": "P93D"} for grain in metric.grains],
        "dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions],
    }
