"""What programs receive is what ``docs/schema`` says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from local.receivers import Receivers
from local.webhook_schema import FOLDER, schemas
from shared.model import (
    Cause,
    Chart,
    Cluster,
    Coverage,
    Diagnosis,
    Evidence,
    Finding,
    Impact,
    Incident,
    NodePool,
    Notice,
    Operation,
    Remedy,
    Severity,
    SlowPull,
    Value,
    Verdict,
    Window,
    encode,
)
from shared.notify import common_alert, webhook
from shared.notify.delivery import send
from shared.settings import Settings
from tests.report import golden, groups, samples

DATA = Path(__file__).parents[1] / "data"
PAGE = (Path(__file__).parents[2] / "docs" / "webhook.md").read_text()
FACTS = {**golden.NOTICES, "bulletin": groups.bulletin, "hostile": lambda: samples.hostile("<!channel>"), "oversized": samples.oversized}


def complaint(schema: str, body: bytes) -> str:
    validator = Draft202012Validator(json.loads((FOLDER / schema).read_text()))
    error = best_match(validator.iter_errors(json.loads(body)))
    return error.message if error else ""


def test_the_published_schemas_are_those_of_the_types() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert published == schemas(), "run: python -m local.webhook_schema"


@pytest.mark.parametrize("name", FACTS)
def test_every_event_is_valid_by_the_published_schema(name: str) -> None:
    fact = FACTS[name]()
    assert complaint("event.v1.json" if isinstance(fact, Notice) else "bulletin.v1.json", webhook.render(fact)) == ""
    assert complaint("common-alert.v1.json", common_alert.render(fact)) == ""


def test_the_schema_would_notice_a_wrong_type() -> None:
    event = json.loads(webhook.render(samples.opened()))
    event["data"]["diagnosis"]["confidence"] = "high"
    assert "'high' is not of type 'number'" in complaint("event.v1.json", json.dumps(event).encode())


def test_a_diagnosis_on_its_own_has_a_schema_too() -> None:
    assert complaint("diagnosis.v1.json", encode(samples.DISK_IOPS)) == ""


# --- Azure Monitor's common alert schema ---


def alert(notice: Any) -> dict[str, Any]:
    return json.loads(common_alert.render(notice))


def test_the_common_alert_has_the_fields_of_azures_own() -> None:
    theirs = json.loads((DATA / "chat_common-alert-sample.json").read_text())
    ours = alert(samples.resolved())
    assert set(ours) == set(theirs)
    assert set(theirs["data"]["essentials"]) - set(ours["data"]["essentials"]) == {"alertRuleId"}, "we have no rule in Azure"
    assert ours["data"]["essentials"]["essentialsVersion"] == theirs["data"]["essentials"]["essentialsVersion"]


def test_an_incident_fires_and_resolves_under_one_id() -> None:
    fired, over = (alert(make())["data"]["essentials"] for make in (samples.opened, samples.resolved))
    assert (fired["monitorCondition"], fired["severity"], over["monitorCondition"]) == ("Fired", "Sev1", "Resolved")
    assert fired["originAlertId"] == over["originAlertId"] == samples.INCIDENT.id
    assert fired["resolvedDateTime"] is None
    assert over["alertTargetIDs"] == [samples.CLUSTER_ID]


def test_a_webhook_that_wants_the_common_alert_gets_it_signed(chats: Receivers, settings: Settings) -> None:
    send("webhook", samples.opened(), replace(settings, webhook_format="azure-common-alert"), samples.LINKS, samples.NOW.now(samples.NOW.tzinfo))
    (request,) = chats.received
    assert request.problem == ""
    assert request.headers["content-type"].startswith("application/json")
    body = Webhook(chats.webhook_secret).verify(request.body, request.headers)
    assert body["data"]["alertContext"]["diagnosis"]["cause"] == "disk.iops"


# --- the page ---


@pytest.mark.parametrize("kind", [Diagnosis, Impact, SlowPull, Finding, Evidence, Remedy, Chart, Coverage, Operation, Incident, Cluster, NodePool, Window])
def test_every_field_that_a_program_gets_is_on_the_page(kind: type[Value]) -> None:
    named = set(re.findall(r"`([\w.]+)`", PAGE))
    assert {name for name in kind.__struct_fields__ if name not in named} == set()


def test_every_cause_and_verdict_is_on_the_page() -> None:
    assert {word for words in (Cause, Verdict, Severity) for word in words if f"`{word}`" not in PAGE} == set()
