"""The signed CloudEvent, against the specifications' own schema, vectors and libraries."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from jsonschema import Draft7Validator
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.errors import Misconfigured
from shared.model import Diagnosis, decode
from shared.notify import webhook
from shared.settings import Secret
from tests.report import golden, samples

DATA = Path(__file__).parents[1] / "data"
VECTORS = json.loads((DATA / "chat_standard-webhooks-vectors.json").read_text())
OLD_KEY = VECTORS["upstream_vectors"][0]["secret"]
NEW_KEY = "whsec_" + "bmV3LWtleS0" * 4


@pytest.mark.parametrize("vector", [
    *VECTORS["upstream_vectors"], *({"secret": OLD_KEY, **item} for item in VECTORS["derived_vectors"]["items"]),
])
def test_signatures_match_the_published_vectors(vector):
    at = datetime.fromtimestamp(int(vector["webhook-timestamp"]), UTC)
    headers = webhook.headers(vector["webhook-id"], vector["body"].encode(), Secret(vector["secret"]), at)
    assert headers["webhook-signature"] == vector["webhook-signature"]


@pytest.mark.parametrize("name", golden.NOTICES)
def test_every_event_is_a_valid_cloudevent(name):
    body = webhook.render(golden.NOTICES[name]())
    schema = json.loads((DATA / "chat_cloudevents-1.0.2.schema.json").read_text())
    Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER).validate(json.loads(body))
    event = from_http_event(HTTPMessage(headers={"content-type": webhook.CONTENT_TYPE}, body=body))
    assert event.get_source() == samples.CLUSTER_ID
    assert event.get_subject() == "apps"


def test_the_event_says_what_happened_to_which_pool():
    event = json.loads(webhook.render(samples.opened()))
    assert event["type"] == "io.pullwatch.incident.opened"
    assert event["id"] == "msg-2f6c"
    assert event["data"]["reason"] == "incident_opened"
    assert event["data"]["incident"]["id"] == samples.INCIDENT.id


def test_the_diagnosis_in_an_event_can_be_read_back():
    event = json.loads(webhook.render(samples.opened()))
    assert decode(json.dumps(event["data"]["diagnosis"]), Diagnosis) == samples.DISK_IOPS


def test_a_retry_repeats_the_same_bytes():
    assert webhook.render(samples.opened()) == webhook.render(samples.opened())


def test_while_keys_rotate_either_key_verifies():
    body = webhook.render(samples.opened())
    headers = webhook.headers("msg-1", body, Secret(f"{OLD_KEY} {NEW_KEY}"), datetime.now(UTC))
    for key in (OLD_KEY, NEW_KEY):
        assert Webhook(key).verify(body, headers)["id"] == "msg-2f6c"


def test_a_changed_body_does_not_verify():
    headers = webhook.headers("msg-1", b"{}", Secret(OLD_KEY), datetime.now(UTC))
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_KEY).verify(b"{ }", headers)


@pytest.mark.parametrize("key", ["whsec_short", "whsec_!!!!", "plain text key", "whsec_" + "YQ==" * 3, "whsec_ü"])
def test_a_key_that_is_none_is_refused_without_being_quoted(key):
    with pytest.raises(Misconfigured, match="PULLWATCH_WEBHOOK_SECRET must hold") as caught:
        webhook.headers("msg-1", b"{}", Secret(key), datetime.now(UTC))
    assert key not in str(caught.value)


def test_the_example_in_the_documentation_verifies_a_real_delivery():
    page = (Path(__file__).parents[2] / "docs" / "webhook.md").read_text(encoding="utf-8")
    code = page.split("```python\n", 1)[1].split("```", 1)[0]
    names: dict = {}
    exec(compile(code, "docs/webhook.md", "exec"), names)  # noqa: S102 (our own documentation)
    body = webhook.render(samples.opened())
    headers = webhook.headers("msg-1", body, Secret(OLD_KEY), datetime.now(UTC))
    assert names["verify"](body, headers, OLD_KEY)
    assert not names["verify"](body + b" ", headers, OLD_KEY)
    assert not names["verify"](body, headers | {"webhook-timestamp": "1614265330"}, OLD_KEY)
