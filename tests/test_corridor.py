"""From Azure's event to the chat, on real parts: the worker library, the SDKs over TLS, Azurite.

Only Azure itself is played, by ``local/azure`` over the physical model of ``local/world``.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.demo import Stage, play, stage
from local.receivers import Answer
from local.world import build
from shared.diagnose import diagnose
from shared.model import Case, Delivery, Diagnosis, Thresholds, decode, encode
from shared.watch.store import TABLE, Store
from tests.log_watch import RECEIVERS

SAMPLES = Path(__file__).parent / "data" / "events"


def staged(scenario: str, seed: int = 0) -> AbstractContextManager[Stage]:
    return stage(build(scenario, seed, datetime.now(UTC)))


def told(on: Stage, kind: str) -> list[Any]:
    return [received.json for received in on.receivers.of(kind)]


def store(on: Stage) -> Store:
    service = TableServiceClient.from_connection_string(on.connection_string)
    return Store(service.get_table_client(TABLE))


def failures(on: Stage) -> list[str]:
    return [f"{run.function}: {run.error}" for run in on.host.invocations if not run.succeeded]


def logged(on: Stage) -> str:
    """All that host and functions said."""
    return "\n".join([*(line.message for line in on.host.log), *(f"{run.error} {run.stack_trace}" for run in on.host.invocations)])


def stored(on: Stage) -> str:
    """All that lies in the storage account: every row of every table, every blob, every message still in a queue."""
    tables = TableServiceClient.from_connection_string(on.connection_string)
    blobs = BlobServiceClient.from_connection_string(on.connection_string)
    queues = QueueServiceClient.from_connection_string(on.connection_string)
    found = [str(dict(row)) for table in tables.list_tables() for row in tables.get_table_client(table.name).list_entities()]
    for container in blobs.list_containers():
        client = blobs.get_container_client(container.name)
        found += [client.download_blob(blob.name).readall().decode("utf-8", "replace") for blob in client.list_blobs()]
    for queue in queues.list_queues():
        found += [base64.b64decode(message.content).decode() for message in queues.get_queue_client(queue.name).peek_messages(32)]
    return "\n".join(found)


@pytest.fixture(scope="class")
def slow_upgrade() -> Iterator[Stage]:
    with staged("disk-iops") as on:
        play(on)
        yield on


@pytest.fixture(scope="class")
def quiet() -> Iterator[Stage]:
    with staged("healthy-upgrade") as on:
        yield on


class TestASlowUpgrade:
    """The seed case: 10 × D4s_v3 with 128 GiB managed OS disks, an upgrade and a deployment scaled 2 → 50."""

    def test_no_function_failed(self, slow_upgrade: Stage) -> None:
        assert failures(slow_upgrade) == []

    def test_every_receiver_is_told_when_it_opens_and_when_it_ends(self, slow_upgrade: Stage) -> None:
        for kind in ("teams", "slack", "webhook"):
            assert [(r.status, r.problem) for r in slow_upgrade.receivers.of(kind)] == [(r.status, "") for r in slow_upgrade.receivers.of(kind)]
            assert len(told(slow_upgrade, kind)) == 2
        assert [event["type"] for event in told(slow_upgrade, "webhook")] == ["io.pullwatch.incident.opened", "io.pullwatch.operation.summary"]

    def test_the_disk_is_blamed_with_the_number_that_binds(self, slow_upgrade: Stage) -> None:
        diagnosis = decode(json.dumps(told(slow_upgrade, "webhook")[0]["data"]["diagnosis"]), Diagnosis)
        assert diagnosis.cause == "disk.iops"
        assert diagnosis.culprit is not None
        assert "its 500 IOPS are used up on" in diagnosis.culprit.evidence[0].text
        text = json.dumps(told(slow_upgrade, "teams")[0], ensure_ascii=False)
        assert "500 IOPS" in text
        assert "Ephemeral OS disk (8,000 IOPS, 64 MB/s, needs ≤ 100 GiB)" in text

    def test_every_delivery_stands_in_the_ledger_as_delivered_at_the_first_try(self, slow_upgrade: Stage) -> None:
        rows: list[Delivery] = [row.value for row in store(slow_upgrade).deliveries()]
        assert len(rows) == 6
        assert {(d.status, d.attempts) for d in rows} == {("delivered", 1)}

    def test_the_saved_case_gives_the_very_diagnosis_that_was_sent(self, slow_upgrade: Stage) -> None:
        blobs = BlobServiceClient.from_connection_string(slow_upgrade.connection_string).get_container_client("pullwatch")
        sent = told(slow_upgrade, "webhook")[0]["data"]["diagnosis"]
        case = decode(blobs.download_blob(f"cases/{sent['id']}.json").readall(), Case)
        assert json.loads(encode(diagnose(case, Thresholds()))) == sent

    def test_the_same_events_again_tell_nobody_anything(self, slow_upgrade: Stage) -> None:
        before = len(slow_upgrade.receivers.received)
        for event in slow_upgrade.world.events:
            slow_upgrade.host.enqueue("azure-events", event.body)
        slow_upgrade.host.drain(60)
        assert len(slow_upgrade.receivers.received) == before

    def test_no_secret_is_in_any_log_line_row_blob_or_message(self, slow_upgrade: Stage) -> None:
        secrets = [slow_upgrade.receivers.url(kind).rpartition("/")[2] for kind in ("teams", "slack", "webhook")]
        kept = logged(slow_upgrade) + stored(slow_upgrade)
        assert [part for part in ("incident_opened", '"coverage"', '"status":"delivered"') if part not in kept] == [], "log, blobs and rows are looked at"
        assert not [s for s in (*secrets, *RECEIVERS, slow_upgrade.receivers.webhook_secret) if s in kept]


@pytest.mark.parametrize(("scenario", "kinds", "cause"), [
    ("healthy-upgrade", ["operation.summary"], "healthy"),
    ("disk-bandwidth", ["incident.opened", "operation.summary"], "disk.bandwidth"),
    ("acr-throttled", ["incident.opened", "operation.summary"], "registry.throttled"),
    ("busy-disk", [], "healthy"),
])
def test_each_scenario_is_told_as_what_it_is(scenario: str, kinds: list[str], cause: str) -> None:
    with staged(scenario, seed=1) as on:
        play(on)
        assert failures(on) == []
        events = told(on, "webhook")
        assert [event["type"].removeprefix("io.pullwatch.") for event in events] == kinds
        assert {event["data"]["diagnosis"]["cause"] for event in events} <= {cause}


class TestWhatComesInFromOutside:
    """Broken, foreign, strange and huge events, and a receiver that is down."""

    def recorded(self, quiet: Stage) -> list[str]:
        return [f"{wake.kind}: {wake.reason}" for wake in store(quiet).recorded_events()]

    @pytest.mark.parametrize(("body", "reason"), [
        ("this is no JSON", "rejected: it is no JSON"),
        ("[]", "rejected: it is an empty list"),
        ('{"id": "1", "type": "Contoso.Something", "specversion": "1.0"}', "ignored: event type Contoso.Something is not watched"),
        ('{"id": "2", "specversion": "1.0", "type": "Microsoft.ContainerService.NodePoolRollingStarted", "source": "/x"}', "rejected: its data is missing"),
        (json.dumps({"id": "3", "specversion": "1.0", "type": "Contoso.Big", "data": "x" * 45_000}), "ignored: event type Contoso.Big is not watched"),
    ])
    def test_an_event_that_is_no_use_is_recorded_with_its_reason(self, quiet: Stage, body: str, reason: str) -> None:
        quiet.host.enqueue("azure-events", body)
        quiet.host.drain(30)
        assert any(line.startswith(reason) for line in self.recorded(quiet)), self.recorded(quiet)
        assert failures(quiet) == []

    @pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.json")), ids=lambda p: f"{p.parent.name}/{p.stem}")
    def test_every_published_sample_passes_through_the_trigger(self, quiet: Stage, path: Path) -> None:
        body = json.loads(path.read_text())
        for event in body if isinstance(body, list) else [body]:
            assert quiet.host.invoke("on_azure_event", event).succeeded

    @pytest.mark.parametrize("schema", ["cloudevents", "eventgrid"])
    @pytest.mark.parametrize("broken", [{}, {"resourceUri": "/nonsense"}, {"operationName": "Contoso.Unknown/write"}, {"operationName": None}])
    def test_nothing_about_the_person_behind_an_event_is_stored_or_logged(self, quiet: Stage, schema: str, broken: dict[str, Any]) -> None:
        event = json.loads((SAMPLES / "derived" / f"vmss-write-scale-out.{schema}.json").read_text())
        person = {"name": "Casey Canary", "upn": "casey.canary@contoso.example", "ipaddr": "203.0.113.77", "puid": "10032001CANARY"}
        event["data"] |= {"claims": person, "httpRequest": {"clientIpAddress": "203.0.113.77"}, "authorization": {"evidence": person}, **broken}
        quiet.host.enqueue("azure-events", event)
        quiet.host.drain(30)
        assert quiet.host.invoke("on_azure_event", event).succeeded
        kept = logged(quiet) + stored(quiet)
        assert [text for text in ("anary", "CANARY", "203.0.113.77") if text in kept] == []

    def test_an_event_of_a_cluster_that_nobody_watches_is_recorded(self, quiet: Stage) -> None:
        event = json.loads((SAMPLES / "aks" / "NodePoolRollingStarted.cloudevents.json").read_text())
        assert quiet.host.invoke("on_azure_event", event).succeeded
        assert any("No watched cluster has the id" in line for line in self.recorded(quiet))

    def test_an_event_with_an_offset_in_its_time_is_understood(self, quiet: Stage) -> None:
        event = next(e.body for e in quiet.world.events if "RollingStarted" in str(e.body.get("type")))
        assert quiet.host.invoke("on_azure_event", {**event, "time": "2026-11-24T12:00:00+02:00"}).succeeded

    def test_health_says_who_is_told(self, quiet: Stage) -> None:
        answer = requests.get(f"{quiet.host.url}/api/health", timeout=10)
        told = answer.json()
        assert (answer.status_code, told["status"], told["receivers"]) == (200, "ok", ["teams", "slack", "webhook"])

    def test_an_assessment_can_be_asked_for(self, quiet: Stage) -> None:
        url, key = f"{quiet.host.url}/api/assess", {"x-functions-key": quiet.key}
        truth = quiet.world.truths[0]
        good = requests.post(url, json={"cluster": truth.cluster_id, "pool": truth.pool}, headers=key, timeout=10)
        assert (good.status_code, good.json()) == (202, {"queued": f"prod-neu / {truth.pool}"})
        bad = requests.post(url, json={"cluster": truth.cluster_id, "pool": "nope"}, headers=key, timeout=10)
        assert bad.status_code == 400
        assert f"it has: {truth.pool}" in bad.json()["error"]
        assert requests.post(url, json={}, timeout=10).status_code == 401


def test_events_that_come_twice_and_in_the_wrong_order_tell_each_upgrade_once() -> None:
    """An upgrade that failed half-way, tried again half a minute later, and every event twice."""
    with staged("healthy-upgrade") as on:
        on.azure.serve(on.world)
        started, succeeded = (next(e.body for e in on.world.events if word in str(e.body.get("type"))) for word in ("RollingStarted", "RollingSucceeded"))
        half_way = on.world.window_start + (on.world.window_end - on.world.window_start) / 2
        failed = {**succeeded, "type": succeeded["type"].replace("Succeeded", "Failed"), "time": half_way.isoformat()}
        again = {**started, "time": (half_way + timedelta(seconds=30)).isoformat()}
        for body in (failed, started, failed, again, started, succeeded, again, succeeded):
            assert on.host.invoke("on_azure_event", body).succeeded
        on.host.drain(60, delayed_seconds=10)
        assert failures(on) == []
        summaries = [event["data"]["operation"] for event in told(on, "webhook")]
        assert [one["outcome"] for one in summaries] == ["failed", "succeeded"]
        assert len({one["id"] for one in summaries}) == 2


def test_a_scale_set_that_is_written_and_does_not_grow_tells_nobody_anything() -> None:
    with staged("healthy-upgrade") as on:
        on.azure.serve(on.world)
        write = next(e.body for e in on.world.events if "ResourceWriteSuccess" in str(e.body))
        for _ in range(3):
            on.host.enqueue("azure-events", write)
        on.host.drain(60, delayed_seconds=4)
        on.host.run_timer("tidy")
        on.host.drain(60, delayed_seconds=4)
        assert (failures(on), on.receivers.received) == ([], [])


def test_a_receiver_that_is_down_is_told_later_and_delays_nobody() -> None:
    with staged("healthy-upgrade") as on:
        on.receivers.script("slack", Answer(503), Answer(429, headers={"Retry-After": "1"}))
        play(on)
        on.host.drain(30, delayed_seconds=10)
        assert [r.status for r in on.receivers.of("slack")] == [503, 429, 200]
        assert [r.status for r in on.receivers.of("teams")] == [202]
        waited = on.receivers.of("slack")[2].at - on.receivers.of("slack")[1].at
        assert 1 <= waited.total_seconds() < 4


def test_a_receiver_that_refuses_for_good_is_parked_with_the_reason() -> None:
    with staged("healthy-upgrade") as on:
        on.receivers.script("slack", Answer(404, "no_service"))
        play(on)
        (parked,) = [row.value for row in store(on).deliveries() if row.value.status == "parked"]
        assert (parked.receiver, parked.attempts) == ("slack", 1)
        assert "no_service" in parked.reason


@pytest.mark.parametrize(("name", "value", "says"), [
    ("PULLWATCH_QUEUE_DEPTH", "deep", "PULLWATCH_QUEUE_DEPTH is 'deep': expected `float`, got `str`."),
    ("PULLWATCH_TIDY_SCHEDULE", "often", "PULLWATCH_TIDY_SCHEDULE is 'often': give an NCRONTAB schedule of six fields"),
])
def test_a_wrong_setting_shows_in_health_and_stops_no_indexing(name: str, value: str, says: str) -> None:
    with stage(build("healthy-upgrade", 0, datetime.now(UTC)), {name: value}) as on:
        answer = requests.get(f"{on.host.url}/api/health", timeout=10)
        assert answer.status_code == 503
        told = answer.json()
        assert told["status"] == "misconfigured"
        assert told["problem"].startswith(says)
        assert set(on.host.functions) >= {"sweep", "tidy", "assess", "announce", "deliver", "on_azure_event"}
