"""Metrics are read past the SDK's models: the values must be theirs, and a bad answer an error of ours."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.monitor.querymetrics import MetricsClient

from local.azure import Fault
from local.bench.reading import answer
from local.world import build
from shared.collect.azure import credential
from shared.collect.fleet import read_fleet
from shared.collect.metric_batch import RawSeries, read
from shared.collect.metrics import NAMESPACE, NODE_METRICS, column, node_series
from shared.collect.network import hop_series, questions_about
from shared.errors import Transient
from shared.model import EgressHop, Window

from .conftest import NOW, Read

WINDOW = Window(NOW - timedelta(minutes=30), NOW)
LOAD_BALANCERS = "Microsoft.Network/loadBalancers"


@pytest.fixture
def served(read: Callable[..., Read]) -> Read:
    return read(build("disk-iops", 0, NOW))


def scale_set(served: Read) -> str:
    return read_fleet(served.azure).pools[0].vmss_id


def load_balancer() -> str:
    return next(str(r["id"]) for r in build("disk-iops", 0, NOW).resources if r["type"] == LOAD_BALANCERS.lower())


def ask(served: Read, **options: Any) -> list[RawSeries]:
    return served.azure.metrics("westeurope", [scale_set(served)], NAMESPACE, NODE_METRICS[:3], WINDOW, split_by="VMName", top=1000, **options)


def by_the_sdk(served: Read, resource_id: str, namespace: str, names: tuple[str, ...], split_by: str) -> list[tuple[Any, ...]]:
    settings = served.settings
    assert settings.metrics_endpoint
    with MetricsClient(settings.metrics_endpoint.replace("{region}", "westeurope"), credential(settings)) as client:
        found = client.query_resources(
            resource_ids=[resource_id], metric_namespace=namespace, metric_names=list(names), timespan=(WINDOW.start, WINDOW.end), granularity=timedelta(minutes=1),
            aggregations=["average", "total"], max_results=1000, filter=" and ".join(f"{name} eq '*'" for name in split_by.split(",")))
    return [(metric.name, str(metric.unit), {k.lower(): v for k, v in series.metadata_values.items()}, tuple(p.timestamp for p in series.data),
             [p.total if p.average is None else p.average for p in series.data])
            for resource in found for metric in resource.metrics for series in metric.timeseries]


@pytest.mark.parametrize(("namespace", "names", "split_by"), [
    (NAMESPACE, NODE_METRICS, "VMName"),
    (LOAD_BALANCERS, ("SnatConnectionCount",), "ConnectionState"),
    (LOAD_BALANCERS, ("UsedSnatPorts", "AllocatedSnatPorts"), "BackendIPAddress,FrontendIPAddress"),
])
def test_every_value_is_the_one_that_the_sdk_reads(served: Read, namespace: str, names: tuple[str, ...], split_by: str) -> None:
    resource_id = scale_set(served) if namespace == NAMESPACE else load_balancer()
    ours = served.azure.metrics("westeurope", [resource_id], namespace, names, WINDOW, split_by=split_by, top=1000)
    assert [one[1:6] for one in ours] == by_the_sdk(served, resource_id, namespace, names, split_by)
    assert {one.resource_id for one in ours} == {resource_id.lower()}
    assert len(ours) >= len(names)


def test_an_answer_that_breaks_off_is_for_later(served: Read) -> None:
    served.local.faults.add("metrics_batch", Fault(truncate=True, times=1))
    with pytest.raises(Transient, match="Azure Monitor metrics failed"):
        ask(served)
    assert ask(served)


def test_what_was_read_survives_a_service_that_wraps_its_json_in_a_string() -> None:
    plain = answer(nodes=2)
    assert read(json.dumps(plain.decode()).encode()) == read(plain)


def test_a_point_without_a_value_is_missing_and_one_with_a_total_has_it() -> None:
    body = json.loads(answer(nodes=1))
    points = body["values"][0]["value"][0]["timeseries"][0]["data"]
    del points[0]["average"]
    points[1] = {"timeStamp": points[1]["timeStamp"], "total": 7}
    points[2]["average"] = None
    assert read(json.dumps(body).encode())[0].values[:3] == [None, 7.0, None]


def test_what_the_service_need_not_send_may_be_missing_or_null() -> None:
    """Of a point only its time is required, of a metric its id and name."""
    bare = {"id": "/r/providers/Microsoft.Insights/metrics/m", "name": {"value": "m"}}
    body = {"values": [{}, {"value": None}, {"value": [bare, bare | {"timeseries": None}, bare | {"unit": None, "timeseries": [{}, {"data": None, "metadatavalues": None}]}]}]}
    empty = RawSeries("/r", "m", "", {}, (), [])
    assert read(json.dumps(body).encode()) == [empty, empty]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"values": 3}', b'"{"', b'{"values": [{"value": [{"id": "x"}]}]}', b"\xff"])
def test_an_answer_that_is_no_batch_of_metrics_is_told_in_one_sentence(body: bytes) -> None:
    with pytest.raises(Transient, match="answered with something else than metrics") as told:
        read(body)
    assert "\n" not in str(told.value)


def test_a_metric_that_azure_refuses_within_a_good_answer_is_told(served: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.loads(answer(nodes=2))
    refused = body["values"][0]["value"][0]
    refused |= {"errorCode": "InternalServerError", "errorMessage": "caller 00000000-0000", "timeseries": []}
    monkeypatch.setattr(served.azure, "metrics", lambda *_, **__: read(json.dumps(body).encode()))
    measured = node_series(served.azure, read_fleet(served.azure).pools[0], WINDOW)
    assert measured.not_read == (f"Azure Monitor gave no {NODE_METRICS[0]} (InternalServerError).",)
    assert {s.metric for s in measured.series} == set(NODE_METRICS[1:])


def test_what_the_way_out_was_not_measured_for_is_a_source_that_failed(served: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = RawSeries("/lb", "SnatConnectionCount", "Count", {}, (), [], "BadRequest")
    monkeypatch.setattr(served.azure, "metrics", lambda *_, **__: [refused])
    hop = EgressHop("load_balancer", "/lb", "westeurope")
    with pytest.raises(Transient, match=r"^Azure Monitor gave no SnatConnectionCount \(BadRequest\)\.$"):
        hop_series(served.azure, hop, next(iter(questions_about(hop))), WINDOW)


def test_series_of_one_answer_share_their_times() -> None:
    """A pool of 1,000 nodes has a million points."""
    series = read(answer(nodes=3))
    assert len({id(one.times) for one in series}) == 1
    assert all(isinstance(moment, datetime) for moment in series[0].times)


def test_values_from_outside_the_window_are_left_out() -> None:
    """Azure rounds the times of a question outwards."""
    series = RawSeries("/r", "m", "", {}, tuple(NOW + timedelta(minutes=m) for m in (-2, -1, 0, 1, 3, 9)), [9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert column(series, Window(NOW, NOW + timedelta(minutes=3))) == (NOW, (2.0, 3.0, None))


def test_a_pool_of_300_nodes_yields_300_series_of_each_metric(served: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = read_fleet(served.azure).pools[0]
    monkeypatch.setattr(served.azure, "metrics", lambda *_, **__: read(answer(nodes=300)))
    measured = node_series(served.azure, pool, WINDOW)
    assert len(measured.series) == 300 * len(NODE_METRICS)
    assert len({series.node for series in measured.series}) == 300
