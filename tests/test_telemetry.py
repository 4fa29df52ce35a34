"""Spans and counters reach OpenTelemetry where it is installed, and cost nothing where it is not."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from shared import telemetry
from shared.collect.azure import Azure
from shared.errors import Transient
from shared.settings import Settings

trace = pytest.importorskip("opentelemetry.sdk.trace")
metrics = pytest.importorskip("opentelemetry.sdk.metrics")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """What was exported: spans and metrics, of the real SDK in memory."""
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = trace.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    meters = metrics.MeterProvider(metric_readers=[reader])
    for kept in (telemetry._counter, telemetry._histogram):
        kept.cache_clear()
    monkeypatch.setattr(telemetry, "_api", lambda: (provider.get_tracer("t"), meters.get_meter("t")))
    yield spans, reader
    for kept in (telemetry._counter, telemetry._histogram):
        kept.cache_clear()


def test_a_span_holds_its_attributes_and_a_failure_marks_it(seen: tuple[Any, Any]) -> None:
    with telemetry.span("collect", cluster="prod"):
        pass
    with pytest.raises(Transient), telemetry.span("collect"):
        raise Transient("no answer")
    good, bad = seen[0].get_finished_spans()
    assert (good.name, dict(good.attributes), good.status.is_ok) == ("pullwatch.collect", {"cluster": "prod"}, True)
    assert not bad.status.is_ok


def test_counters_add_up_by_attributes(seen: tuple[Any, Any]) -> None:
    for outcome in ("delivered", "delivered", "parked"):
        telemetry.count("deliveries", receiver="slack", outcome=outcome)
    telemetry.measure("delivery.dwell", 90.0, "s")
    found = {one.name: one for scope in seen[1].get_metrics_data().resource_metrics[0].scope_metrics for one in scope.metrics}
    assert {p.attributes["outcome"]: p.value for p in found["pullwatch.deliveries"].data.data_points} == {"delivered": 2, "parked": 1}
    assert found["pullwatch.delivery.dwell"].unit == "s"


def test_every_request_to_azure_is_a_span_and_a_count(seen: tuple[Any, Any]) -> None:
    class Broken:
        def get_token(self, *_: Any, **__: Any) -> Any:
            from azure.core.exceptions import ClientAuthenticationError

            raise ClientAuthenticationError("no")

    azure = Azure(Settings(resource_manager_endpoint="https://127.0.0.1:9"), Broken())
    with pytest.raises(Exception, match="sign-in failed"):
        azure.graph("resources")
    assert [one.name for one in seen[0].get_finished_spans() if one.name.startswith("pullwatch.")] == ["pullwatch.azure"]
    names = {one.name for scope in seen[1].get_metrics_data().resource_metrics[0].scope_metrics for one in scope.metrics}
    assert "pullwatch.azure.requests" in names


def test_without_opentelemetry_nothing_happens_and_nothing_is_loaded() -> None:
    program = ("import sys; sys.modules['opentelemetry'] = None\nfrom shared import telemetry\n"
               "with telemetry.span('x'): telemetry.count('y'); telemetry.measure('z', 1.0, 's')\nprint('fine')")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert done.stdout == "fine\n"
