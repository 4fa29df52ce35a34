"""Spans and counters reach OpenTelemetry where it is installed, and cost nothing where it is not."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.azure import Fault, LocalAzure
from local.world import build
from shared import telemetry
from shared.collect.azure import Azure
from shared.errors import Transient
from shared.flow.assess import collect
from shared.model import Cause, Notice, Severity
from shared.services import Services
from shared.settings import Settings, load
from shared.watch.state import PoolState
from shared.watch.store import Row
from tests.flow.play import CLUSTER, RECEIVERS, Play

ROOT = Path(__file__).resolve().parents[1]
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


def test_every_answer_of_azure_is_counted_the_retried_ones_too(seen: tuple[Any, Any]) -> None:
    with LocalAzure(build("healthy-upgrade", 0, datetime.now(UTC))) as local, pytest.MonkeyPatch.context() as patch:
        for name, value in local.environ.items():
            patch.setenv(name, value)
        local.faults.add("graph", Fault(status=429, retry_after_seconds=0, times=2))
        Services(load(local.environ)).azure.graph("resources | take 1")
    assert {one["status"]: value for one, value in points(seen, "pullwatch.azure.requests")} == {429: 2, 200: 1}
    assert points(seen, "pullwatch.azure.throttles") == [({"service": "graph"}, 2)]


def test_all_that_one_assessment_asks_is_one_trace(seen: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = build("healthy-upgrade", 0, datetime.now(UTC))
    with LocalAzure(world, metrics_lag_seconds=0) as local:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        with telemetry.span("whole"):
            collect(Services(load(local.environ)), world.truths[0].cluster_id, world.truths[0].pool)
    ours = [one for one in seen[0].get_finished_spans() if one.name.startswith("pullwatch.")]
    assert {"graph", "scale_set", "skus", "metrics", "logs"} == {one.attributes["question"] for one in ours if one.name == "pullwatch.azure"}
    assert len({one.context.trace_id for one in ours}) == 1


# --- how long it took ------------------------------------------------------------------------------


def test_the_time_from_the_event_to_the_message_is_measured_for_each_thing_told(seen: tuple[Any, Any]) -> None:
    play = Play()
    play.event("upgrade_started", "apps", minutes=-3)
    play.slow["apps"] = (Cause.DISK_IOPS, Severity.WARNING)
    play.run(150)
    play.event("upgrade_succeeded", "apps", minutes=2.5)
    play.run(600)
    took = {(one["kind"], one["receiver"]): dwell for one, dwell in sums(seen, "pullwatch.event.dwell")}
    assert set(took) == {(kind, receiver) for kind in ("opened", "summary") for receiver in RECEIVERS}
    assert took["opened", "webhook"] == pytest.approx(180 + 60, abs=5), "the upgrade began three minutes before we heard of it, the first look is a minute after"
    assert took["opened", "teams"] == pytest.approx(180 + 60 + 30, abs=5), "people wait for the group"
    own = {one["receiver"]: dwell for one, dwell in sums(seen, "pullwatch.delivery.dwell")}
    assert own["webhook"] < took["opened", "webhook"]


def test_a_reminder_and_an_all_clear_answer_no_event(seen: tuple[Any, Any]) -> None:
    play = Play()
    play.services.store.put_pool(CLUSTER, Row(PoolState("apps", asked_at=play.services.now), None))
    play.look_at("apps", Cause.DISK_IOPS)
    play.run(60)
    play.services.now += timedelta(hours=5)
    play.tidy()
    play.run(60)
    for _ in range(2):
        play.look_at("apps")
    play.run(600)
    told = [one for one in play.told["slack"] if isinstance(one, Notice)]
    assert [(one.reason, one.woken_at is None) for one in told] == [("incident_opened", False), ("reminder", True), ("incident_resolved", True)]
    assert [kind["kind"] for kind, _ in sums(seen, "pullwatch.event.dwell") if kind["receiver"] == "slack"] == ["opened"]


def points(seen: tuple[Any, Any], name: str) -> list[tuple[dict[str, Any], Any]]:
    return [(dict(p.attributes), p.value) for p in _data(seen, name)]


def sums(seen: tuple[Any, Any], name: str) -> list[tuple[dict[str, Any], float]]:
    return [(dict(p.attributes), p.sum) for p in _data(seen, name)]


def _data(seen: tuple[Any, Any], name: str) -> list[Any]:
    found = {one.name: one for scope in seen[1].get_metrics_data().resource_metrics[0].scope_metrics for one in scope.metrics}
    return list(found[name].data.data_points) if name in found else []


def test_without_opentelemetry_nothing_happens_and_nothing_is_loaded() -> None:
    program = ("import sys; sys.modules['opentelemetry'] = None\nfrom shared import telemetry\n"
               "with telemetry.span('x'): telemetry.count('y'); telemetry.measure('z', 1.0, 's')\nprint('fine')")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert done.stdout == "fine\n"


def test_the_operating_guide_names_every_span_and_counter() -> None:
    texts = [path.read_text() for path in (ROOT / "shared").rglob("*.py")]
    code = "".join(text for text in texts if "from shared.telemetry import" in text)
    made = {f"pullwatch.{name}" for name in re.findall(r"\b(?:count|measure|span)\(\"([\w.]+)\"", code)}
    told = set(re.findall(r"`(pullwatch\.[\w.]+)`", (ROOT / "docs" / "operate.md").read_text()))
    assert made == told - {"pullwatch.py"}
    assert len(made) >= 9
