"""One notice to one receiver, and when to try again."""

import json
from datetime import UTC, datetime

import pytest
from azure.core.credentials import AzureKeyCredential
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from local.receivers import Answer, Fault, Receivers
from shared.errors import Misconfigured, Permanent, Throttled, Transient, Unanswered
from shared.notify.delivery import send
from shared.notify.http import Response
from shared.settings import NO_SECRET, Secret, Settings
from tests.report import golden, samples
from tests.report.samples import LINKS

KINDS = ("teams", "slack", "webhook")


def deliver(kind: str, settings: Settings, notice=None, **options) -> None:
    send(kind, notice or samples.opened(), settings, LINKS, datetime.now(UTC), **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", golden.NOTICES)
def test_every_notice_is_accepted_by_every_receiver(kind, name, chats: Receivers, settings: Settings):
    deliver(kind, settings, golden.NOTICES[name]())
    assert [(request.kind, request.problem) for request in chats.received] == [(kind, "")]


@pytest.mark.parametrize("kind", KINDS)
def test_an_oversized_notice_is_accepted_too(kind, chats: Receivers, settings: Settings):
    deliver(kind, settings, samples.oversized())
    assert chats.received[0].problem == ""


@pytest.mark.parametrize("kind", ["teams", "slack"])
@pytest.mark.parametrize("name", samples.HOSTILE_NAMES)
def test_a_hostile_name_does_not_stop_the_message(kind, name, chats: Receivers, settings: Settings):
    deliver(kind, settings, samples.hostile(name))
    assert chats.received[0].problem == ""


def test_a_webhook_is_signed_with_every_key(chats: Receivers, settings: Settings):
    other = "whsec_" + "bmV3LWtleS0" * 4
    deliver("webhook", replace(settings, webhook_secret=Secret(f"{other} {chats.webhook_secret}")))
    request = chats.received[0]
    assert request.status == 204
    assert Webhook(other).verify(request.body, request.headers)["id"] == "msg-2f6c"


def test_a_webhook_signed_with_the_wrong_key_is_refused(chats: Receivers, settings: Settings):
    with pytest.raises(Permanent, match="401: 'bad signature'"):
        deliver("webhook", replace(settings, webhook_secret=Secret("whsec_" + "bmV3LWtleS0" * 4)))


def test_a_slack_that_refuses_the_blocks_gets_the_message_as_text_once(chats: Receivers, settings: Settings):
    chats.script("slack", Answer(400, "invalid_blocks"))
    deliver("slack", settings)
    first, second = (request.json for request in chats.of("slack"))
    assert "blocks" in first
    assert "blocks" not in second
    assert "confidence 94 %" in second["text"]


def test_a_slack_that_refuses_the_text_too_is_not_asked_a_third_time(chats: Receivers, settings: Settings):
    chats.script("slack", *[Answer(400, "invalid_payload")] * 3)
    with pytest.raises(Permanent, match="as plain text"):
        deliver("slack", settings)
    assert len(chats.received) == 2


def test_a_receiver_that_answers_429_is_asked_again_after_retry_after(chats: Receivers, settings: Settings):
    chats.script("teams", Answer(429, headers={"Retry-After": "17"}))
    with pytest.raises(Throttled) as caught:
        deliver("teams", settings)
    assert caught.value.retry_after_seconds == 17


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirecting_receiver_is_given_up(kind, chats: Receivers, settings: Settings):
    chats.script(kind, Answer(308, headers={"Location": chats.url(kind)}))
    with pytest.raises(Permanent, match="set the final URL"):
        deliver(kind, settings)
    assert len(chats.received) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_reset_connection_is_told_apart_from_one_never_made(kind, chats: Receivers, settings: Settings):
    chats.script(kind, Fault.RESET)
    with pytest.raises(Unanswered):
        deliver(kind, settings)


def test_a_server_error_is_worth_another_try(chats: Receivers, settings: Settings):
    chats.script("webhook", Answer(503))
    with pytest.raises(Transient):
        deliver("webhook", settings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_without_a_url_is_a_setting_to_add(kind):
    with pytest.raises(Misconfigured, match=f"PULLWATCH_{kind.upper()}_URL is not set"):
        deliver(kind, Settings(webhook_secret=Secret("whsec_" + "bmV3LWtleS0" * 4)))


def test_an_unknown_kind_of_receiver_is_refused():
    with pytest.raises(Misconfigured, match="'pigeon'"):
        deliver("pigeon", Settings())


def test_the_way_of_posting_can_be_replaced():
    sent = []

    def post(url, body, headers, *, allow_private=False):
        sent.append((url, json.loads(body)["type"], allow_private))
        return Response(202, {}, "")

    deliver("teams", Settings(teams_url=Secret("https://example.com/x")), post=post)
    assert sent == [(Secret("https://example.com/x"), "message", False)]


# --- Event Grid, through Microsoft's own client ---


def test_a_custom_topic_receives_the_same_event(chats: Receivers, settings: Settings):
    topic = replace(settings, eventgrid_endpoint=chats.url("eventgrid"))
    deliver("eventgrid", topic, credential=AzureKeyCredential("key"))
    (event,) = chats.received[0].json
    assert (event["id"], event["source"], event["type"]) == ("msg-2f6c", samples.CLUSTER_ID, "io.pullwatch.incident.opened")
    assert event["data"]["diagnosis"]["cause"] == "disk.iops"


@pytest.mark.parametrize(("answer", "error"), [
    (Answer(429, headers={"Retry-After": "9"}), Throttled), (Answer(503), Transient), (Answer(401), Permanent), (Answer(403), Permanent),
    (Answer(400), Permanent), (Answer(413), Permanent), (Answer(307, headers={"Location": "https://localhost/x"}), Permanent), (Fault.RESET, Unanswered),
])
def test_a_topics_answers_mean_what_those_of_other_receivers_do(answer, error, chats: Receivers, settings: Settings):
    chats.script("eventgrid", answer)
    topic = replace(settings, eventgrid_endpoint=chats.url("eventgrid"))
    with pytest.raises(error):
        deliver("eventgrid", topic, credential=AzureKeyCredential("key"))
    assert len(chats.received) == 1


def test_a_topic_that_throttles_until_an_absurd_time_is_asked_again_after_a_day(chats: Receivers, settings: Settings):
    chats.script("eventgrid", Answer(429, headers={"Retry-After": "9" * 400}))
    with pytest.raises(Throttled) as caught:
        deliver("eventgrid", replace(settings, eventgrid_endpoint=chats.url("eventgrid")), credential=AzureKeyCredential("key"))
    assert caught.value.retry_after_seconds == 24 * 3600


def test_no_url_means_no_receiver():
    assert Settings(teams_url=NO_SECRET).receivers == ()
