"""What Azure sends, in every shape it was seen or documented, and what nobody should ever send."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from azure.eventgrid import SystemEventNames
from hypothesis import given
from hypothesis import strategies as st

from shared import events
from shared.model import encode

DATA = Path(__file__).parent / "data" / "events"
SAMPLES = sorted(DATA.rglob("*.json"))
CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"


def started(**changes: object) -> dict[str, object]:
    event: dict[str, object] = {
        "specversion": "1.0", "id": "1", "source": CLUSTER, "subject": "prod", "time": "2026-11-24T10:00:00.1234567Z",
        "type": "Microsoft.ContainerService.NodePoolRollingStarted", "data": {"nodePoolName": "apps"},
    }
    return event | changes


def only(text: str) -> events.Wake:
    (wake,) = events.parse(text)
    return wake


def test_our_event_names_are_those_of_the_official_library() -> None:
    ours = {events.UPGRADE_STARTED, events.UPGRADE_SUCCEEDED, events.UPGRADE_FAILED, events.RESOURCE_WRITTEN,
            events.RESOURCE_ACTION, events.SCHEDULED_EVENT}
    assert ours <= {name.value for name in SystemEventNames}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_published_sample_is_understood_or_left_alone_with_a_reason(path: Path) -> None:
    for wake in events.parse(path.read_text()):
        assert wake.kind != "rejected", wake.reason
        assert wake.event_id
        assert wake.kind != "ignored" or wake.reason


@pytest.mark.parametrize("schema", ["eventgrid", "cloudevents"])
@pytest.mark.parametrize(("name", "kind"), [
    ("NodePoolRollingStarted", "upgrade_started"), ("NodePoolRollingSucceeded", "upgrade_succeeded"),
    ("NodePoolRollingFailed", "upgrade_failed"),
])
def test_an_upgrade_event_names_its_cluster_and_pool_in_both_schemas(schema: str, name: str, kind: str) -> None:
    wake = only((DATA / "aks" / f"{name}.{schema}.json").read_text())
    assert (wake.kind, wake.pool) == (kind, "nodepool1")
    assert wake.cluster_id.endswith("/managedClusters/{cluster}")
    assert wake.at == datetime(2023, 3, 29, 18, tzinfo=UTC)


@pytest.mark.parametrize(("sample", "kind"), [
    ("vmss-write-scale-out", "scale_set_written"), ("vmss-delete-instances-scale-in", "scale_set_shrunk"),
])
def test_a_scale_set_write_names_the_scale_set(sample: str, kind: str) -> None:
    for schema in ("eventgrid", "cloudevents"):
        wake = only((DATA / "derived" / f"{sample}.{schema}.json").read_text())
        assert wake.kind == kind
        assert wake.vmss_id.endswith("/virtualMachineScaleSets/aks-nodepool1-12345678-vmss")


def test_an_agent_pool_write_names_cluster_and_pool() -> None:
    wake = only((DATA / "derived" / "agentpool-write-manual-scale.eventgrid.json").read_text())
    assert (wake.kind, wake.pool, wake.cluster_id.rsplit("/", 1)[1]) == ("scale_set_written", "nodepool1", "my-cluster")


def test_claims_and_caller_of_an_event_are_never_kept() -> None:
    text = (DATA / "derived" / "vmss-write-scale-out.eventgrid.json").read_text()
    kept = repr(events.parse(text))
    assert "203.0.113.10" in text
    assert "203.0.113.10" not in kept
    assert "claim" not in kept


@pytest.mark.parametrize("time", ["2026-11-24T12:00:00+02:00", "2026-11-24T10:00:00.123456789Z", "2026-11-24T10:00:00"])
def test_times_with_any_offset_and_any_fraction_are_read_as_utc(time: str) -> None:
    wake = only(json.dumps(started(time=time)))
    assert wake.at is not None
    assert wake.at.replace(microsecond=0) == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_list_of_one_event_is_that_event() -> None:
    assert events.parse(json.dumps([started()])) == events.parse(json.dumps(started()))


def test_data_that_arrives_as_json_text_is_read() -> None:
    assert only(json.dumps(started(data='{"nodePoolName": "apps"}'))).pool == "apps"


def test_half_a_surrogate_pair_becomes_text_that_can_be_stored() -> None:
    wake = only('{"specversion": "1.0", "id": "\\ud800", "type": "Contoso.\\udfff"}')
    assert (wake.event_id, wake.reason) == ("?", "event type Contoso.? is not watched")
    assert encode(wake)


def test_names_are_compared_whatever_their_case() -> None:
    wake = only(json.dumps(started(type="microsoft.containerservice.nodepoolrollingstarted", source=CLUSTER.lower())))
    assert (wake.kind, wake.cluster_id) == ("upgrade_started", CLUSTER.lower())


@pytest.mark.parametrize(("text", "reason"), [
    ("", "it is no JSON"),
    ("upgrade!", "it is no JSON"),
    ("[" * 100_000, "it is no JSON"),
    ("[]", "it is an empty list"),
    ("null", "it is no JSON object"),
    ('{"id": "1"}', "it names no event type"),
    (json.dumps(started(data=None)), "its data is missing"),
    (json.dumps(started(data={})), "data.nodePoolName is missing"),
    (json.dumps(started(source="somewhere")), "it names no AKS cluster"),
    (json.dumps(started(time="yesterday")), "its time 'yesterday' is no ISO 8601 time"),
    (json.dumps(started(time="9999-12-31T23:59:59-12:00")), "its time '9999-12-31T23:59:59-12:00' is no ISO 8601 time"),
    (json.dumps(started(data="[" * 50_000)), "its data is missing"),
])
def test_a_broken_event_is_rejected_with_its_reason(text: str, reason: str) -> None:
    wake = only(text)
    assert (wake.kind, wake.reason) == ("rejected", reason)


def test_an_event_of_64_kb_is_read_like_any_other() -> None:
    assert only(json.dumps(started(padding="x" * 64_000))).kind == "upgrade_started"


@pytest.mark.parametrize("long", [
    {"id": "x" * 64_000}, {"data": {"nodePoolName": "x" * 64_000}}, {"source": CLUSTER + "x" * 64_000}, {"type": "x" * 64_000}, {"time": "x" * 64_000},
])
def test_whatever_is_64_kb_long_in_an_event_can_be_stored_in_a_row(long: dict[str, object]) -> None:
    assert len(encode(only(json.dumps(started(**long))))) < 8_000


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_the_time_that_azure_writes_where_it_has_none_is_not_known(time: str) -> None:
    wake = only(json.dumps(started(time=time)))
    assert (wake.kind, wake.at) == ("upgrade_started", None)


TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])).map(datetime.isoformat)


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "eventType", "data", "id", "time", "source", "topic", "subject", "specversion", "nodePoolName"]), inner),
    max_leaves=12,
).map(json.dumps))
def test_no_text_whatever_makes_the_parser_raise(text: str) -> None:
    assert all(wake.kind for wake in events.parse(text))


@given(TIMES)
def test_no_time_whatever_makes_the_parser_raise(time: str) -> None:
    assert only(json.dumps(started(time=time))).kind in ("upgrade_started", "rejected")
