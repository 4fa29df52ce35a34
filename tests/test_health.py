"""What ``/api/health`` tells."""

from datetime import UTC, datetime, timedelta

import pytest

from local.azurite import Azurite
from shared import health

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SLACK = "https://hooks.slack.com/services/T0/B0/s3cret"
GONE = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;BlobEndpoint=http://127.0.0.1:9/a"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_since", {})
    monkeypatch.setattr(health, "_kept", None)


def test_an_app_with_storage_and_a_receiver_is_well(azurite: Azurite) -> None:
    report = health.health_report({"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_SLACK_URL": SLACK}, NOW)
    assert (report["status"], report["receivers"], set(report["parts"])) == ("ok", ["slack"], {"settings", "storage", "receivers"})
    assert "s3cret" not in str(report)


def test_an_app_that_tells_nobody_is_not_well(azurite: Azurite) -> None:
    report = health.health_report({"AzureWebJobsStorage": azurite.connection_string}, NOW)
    assert report["status"] == "misconfigured"
    assert "PULLWATCH_TEAMS_URL" in report["problem"]


def test_storage_that_is_gone_is_told_since_when_and_when_it_is_back(azurite: Azurite) -> None:
    down = health.health_report({"AzureWebJobsStorage": GONE, "PULLWATCH_SLACK_URL": SLACK}, NOW)
    assert (down["status"], down["parts"]["storage"]["since"]) == ("storage_unreachable", NOW.isoformat())
    later = health.health_report({"AzureWebJobsStorage": GONE, "PULLWATCH_SLACK_URL": SLACK}, NOW + timedelta(hours=1))
    assert later["parts"]["storage"]["since"] == NOW.isoformat(), "the same problem goes on"
    up = health.health_report({"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_SLACK_URL": SLACK}, NOW + timedelta(hours=2))
    assert (up["status"], up["parts"]["storage"]["since"]) == ("ok", (NOW + timedelta(hours=2)).isoformat())


def test_a_wrong_setting_is_told_by_name() -> None:
    report = health.health_report({"PULLWATCH_QUEUE_DEPTH": "many"}, NOW)
    assert "PULLWATCH_QUEUE_DEPTH" in report["problem"]


@pytest.mark.parametrize("text", ["UseTheForce", "AccountName=a", "https://a.blob.core.windows.net/?sig=s3cret"])
def test_a_connection_string_that_is_none_is_told_by_name_and_not_shown(text: str) -> None:
    report = health.health_report({"AzureWebJobsStorage": text, "PULLWATCH_SLACK_URL": SLACK}, NOW)
    assert report["problem"].startswith("AzureWebJobsStorage is no connection string")
    assert text not in str(report)


def test_what_was_found_is_kept_so_that_asking_often_costs_nothing(azurite: Azurite) -> None:
    environ = {"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_SLACK_URL": SLACK}
    first = health.health_report(environ, NOW)
    assert health.health_report(environ, NOW + timedelta(seconds=19)) is first
    assert health.health_report(environ, NOW + timedelta(seconds=21)) is not first
