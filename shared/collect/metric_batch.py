"""The batch interface of Azure Monitor metrics: its request, and its answer as columns.

The SDK's client sends it (sign-in, retries); its models do not read the answer: for the 324,000 points of an hour of 300
nodes they take some 60 times as long, and 400 MB of the 512 that the smallest instance has (``make bench BENCH=reading``).
Source: REST specification ``data-plane/Insights/stable/2024-02-01/metricBatch.json``.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct, field

from shared.errors import Transient
from shared.model import Window

API_VERSION = "2024-02-01"


class RawSeries(NamedTuple):
    """One metric of one resource for one combination of dimension values, as the service sent it."""

    resource_id: str
    """Lower-case."""
    metric: str
    unit: str
    dimensions: dict[str, str]
    """Names lower-case, values as sent."""
    times: tuple[datetime, ...]
    """Series of one answer share them."""
    values: list[float | None]
    error: str = ""
    """Azure's code for why this metric of an answer that else went well has no series; empty: none."""


class _Name(Struct, gc=False):
    value: str


class _Dimension(Struct, gc=False):
    name: _Name
    value: str


class _Point(Struct, gc=False):
    """A metric has an average or a total, whichever Azure keeps for it; neither: no measurement."""

    at: datetime = field(name="timeStamp")
    average: float | None = None
    total: float | None = None


class _Series(Struct, gc=False):
    metadatavalues: list[_Dimension] | None = None
    data: list[_Point] | None = None


class _Metric(Struct, gc=False):
    id: str
    name: _Name
    unit: str | None = None
    error_code: str | None = field(default=None, name="errorCode")
    timeseries: list[Raw] | None = None
    """Decoded one by one: all points of a big pool at once would not fit."""


class _Resource(Struct, gc=False):
    value: list[_Metric] | None = None


class _Answer(Struct, gc=False):
    values: list[_Resource]


_ANSWER, _SERIES = msgspec.json.Decoder(_Answer), msgspec.json.Decoder(_Series)


def request(resource_ids: Sequence[str], namespace: str, names: Sequence[str], window: Window, split_by: str, top: int | None) -> Any:
    """For ``MetricsClient.send_request``. ``split_by``, ``top``: see ``Azure.metrics``."""
    from azure.core.rest import HttpRequest

    from shared.azure_ids import segment

    params = {
        "api-version": API_VERSION, "starttime": _time(window.start), "endtime": _time(window.end), "interval": "PT1M",
        "metricnamespace": namespace, "metricnames": ",".join(names), "aggregation": "average,total",
    }
    if split_by:
        params |= {"filter": " and ".join(f"{name} eq '*'" for name in split_by.split(","))} | ({"top": str(top)} if top else {})
    path = f"/subscriptions/{segment(resource_ids[0], 'subscriptions')}/metrics:getBatch"
    return HttpRequest("POST", path, params=params, json={"resourceids": list(resource_ids)}, headers={"Accept": "application/json"})


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def read(body: bytes) -> list[RawSeries]:
    """All series of an answer. Now and then the service wraps its JSON in a JSON string. Raises ``Transient``."""
    try:
        answer = _ANSWER.decode(msgspec.json.decode(body, type=str) if body.startswith(b'"') else body)
        return list(_series(answer))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Transient(f"Azure Monitor metrics answered with something else than metrics ({error}); ask again later.") from error


def _series(answer: _Answer) -> Iterator[RawSeries]:
    times: tuple[datetime, ...] = ()
    for metric in (metric for resource in answer.values for metric in resource.value or ()):
        resource_id = metric.id.lower().partition("/providers/microsoft.insights/metrics/")[0]
        if metric.error_code not in (None, "", "Success"):
            yield RawSeries(resource_id, metric.name.value, metric.unit or "", {}, (), [], metric.error_code or "")
            continue
        for series in map(_SERIES.decode, metric.timeseries or ()):
            points = series.data or ()
            own_times = tuple([point.at for point in points])
            times = times if own_times == times else own_times
            dimensions = {d.name.value.lower(): d.value for d in series.metadatavalues or ()}
            values = [point.total if point.average is None else point.average for point in points]
            yield RawSeries(resource_id, metric.name.value, metric.unit or "", dimensions, times, values)
