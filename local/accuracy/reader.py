"""The product's ``Azure`` over a world in this process: the local Azure's own handlers, without SDK, TLS and JSON.

Several times faster than the real way; ``tests/test_accuracy.py`` holds both to the same Case, byte for byte.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from local.azure.http import RefusedError, Request
from local.azure.routes import find_route
from local.azure.served import Served, View
from local.azure.times import parse_time
from local.world.types import World
from shared.azure_ids import segment
from shared.collect import metric_batch
from shared.collect.azure import Azure, Row, sku_row
from shared.collect.metric_batch import RawSeries
from shared.errors import Permanent
from shared.model import Window
from shared.settings import Settings

METRICS_LAG_SECONDS = 180
PAGE_SIZE = 5000
"""Resource Manager's lists come as one page: paging is the SDKs' business, and tested there."""


class InProcessAzure(Azure):
    """Answers the five questions from ``world`` as it stands at its end."""

    def __init__(self, world: World, settings: Settings) -> None:
        super().__init__(settings, credential=None)
        self._served = Served(world, View(lambda: world.end, METRICS_LAG_SECONDS, 0, PAGE_SIZE))

    def close(self) -> None:
        self._served.close()

    def graph(self, kql: str, subscriptions: Sequence[str] = ()) -> list[Row]:  # noqa: ARG002 (a world has one)
        """All rows: a world has far fewer than one page holds."""
        body = self._post("/providers/Microsoft.ResourceGraph/resources", {"query": kql}, **{"api-version": "2022-10-01"})
        return list(body["data"])

    def skus(self, subscription_id: str, location: str) -> list[Row]:
        path = f"/subscriptions/{subscription_id}/providers/Microsoft.Compute/skus"
        body = self._get(path, **{"api-version": "2021-07-01", "$filter": f"location eq '{location.lower()}'"})
        return [sku_row(row) for row in body["value"] if row["resourceType"] in ("virtualMachines", "disks")]

    def scale_set(self, vmss_id: str) -> Row:
        return dict(self._get(vmss_id, **{"api-version": "2024-11-01"}))

    def metrics(self, location: str, resource_ids: Sequence[str], namespace: str, names: Sequence[str],
                window: Window, *, split_by: str = "", top: int | None = None, retry: bool = True) -> list[RawSeries]:  # noqa: ARG002 (nothing fails here)
        split = {"filter": " and ".join(f"{name} eq '*'" for name in split_by.split(",")), "top": str(top or 10)} if split_by else {}
        path = f"/regions/{location}/subscriptions/{segment(resource_ids[0], 'subscriptions')}/metrics:getBatch"
        body = self._post(path, {"resourceids": list(resource_ids)}, **{"api-version": "2024-02-01"}, metricnamespace=namespace,
                          metricnames=",".join(names), starttime=window.start.isoformat(), endtime=window.end.isoformat(),
                          interval="PT1M", aggregation="average,total", **split)
        return metric_batch.read(msgspec.json.encode(body))

    def logs(self, resource_id: str, kql: str, window: Window) -> list[Row]:
        span = f"{window.start.isoformat()}/{window.end.isoformat()}"
        body = self._post(f"/v1{resource_id}/query", {"query": kql, "timespan": span})
        return [row for table in body["tables"] for row in _rows(table)]

    def _get(self, path: str, **query: str) -> Any:
        return self._ask("GET", path, query, b"")

    def _post(self, path: str, body: Row, **query: str) -> Any:
        return self._ask("POST", path, query, msgspec.json.encode(body))

    def _ask(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        request = Request(method=method, origin="https://localhost", path=path, query=query, headers={}, body=body)
        route = find_route(request)
        if route is None:
            raise Permanent(f"{path}: not found.")
        try:
            return route.handler(self._served, request).body
        except RefusedError as refused:
            raise Permanent(f"Azure refused the request ({refused.answer.status}): {refused.answer.body['error']['message']}") from None


def _rows(table: Row) -> Iterator[Row]:
    names = [column["name"] for column in table["columns"]]
    times = {column["name"] for column in table["columns"] if column["type"] == "datetime"}
    for values in table["rows"]:
        yield {name: parse_time(value) if name in times and value else value for name, value in zip(names, values, strict=True)}
