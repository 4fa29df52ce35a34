"""What each receiver's answer means: every status and body in tables."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Permanent, Throttled, Transient
from shared.notify.answers import DEFAULT_RETRY_AFTER_SECONDS, Outcome, classify, retry_after_seconds
from shared.notify.http import Response

NOW = datetime(2026, 11, 24, 10, 42, tzinfo=UTC)
DELIVERED, DEGRADE = Outcome.DELIVERED, Outcome.DEGRADE


def answer(status: int, body: str = "", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def meaning(kind: str, response: Response) -> object:
    """The outcome, or the class of the error."""
    try:
        return classify(kind, response, NOW)
    except (Permanent, Throttled, Transient) as error:
        return type(error)


EVERY_KIND = [
    (301, Permanent), (302, Permanent), (307, Permanent), (308, Permanent), (400, Permanent), (401, Permanent), (403, Permanent),
    (404, Permanent), (405, Permanent), (408, Transient), (410, Permanent), (413, Permanent), (415, Permanent), (422, Permanent),
    (425, Transient), (429, Throttled), (500, Transient), (501, Transient), (502, Transient), (503, Transient), (504, Transient),
]


@pytest.mark.parametrize("kind", ["teams", "slack", "webhook"])
@pytest.mark.parametrize(("status", "expected"), EVERY_KIND)
def test_a_status_means_the_same_to_every_receiver(kind, status, expected):
    assert meaning(kind, answer(status)) is expected


TEAMS = [
    (202, "", DELIVERED), (200, "", DELIVERED), (200, "1", DELIVERED), (201, "", DELIVERED), (204, "", DELIVERED),
    (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId …", Throttled),
    (200, "Microsoft Teams endpoint returned HTTP error 413", Permanent),
    (200, "Microsoft Teams endpoint returned HTTP error 503", Transient),
    (200, '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"…"}}', Permanent),
    (200, "<!DOCTYPE html><title>Sign in</title>", Permanent),
    (400, '{"error":{"code":"MissingApiVersionParameter","message":"…"}}', Permanent),
    (400, "Summary or Text is required.", Permanent),
    (401, '{"error":{"code":"DirectApiAuthorizationRequired"}}', Permanent),
    (404, '{"error":{"code":"WorkflowNotFound"}}', Permanent),
]


@pytest.mark.parametrize(("status", "body", "expected"), TEAMS)
def test_teams_is_believed_only_if_its_body_agrees(status, body, expected):
    assert meaning("teams", answer(status, body)) is expected


SLACK = [
    (200, "ok", DELIVERED), (200, "ok\n", DELIVERED), (200, '{"ok":true}', DELIVERED),
    (200, "", Permanent), (200, "<html>maintenance</html>", Permanent), (200, "invalid_token", Permanent),
    (200, '{"ok":false,"error":"channel_not_found"}', Permanent), (200, '{"ok": false, "error": "ratelimited"}', Throttled),
    (200, "invalid_blocks", DEGRADE), (400, "invalid_blocks", DEGRADE), (400, "invalid_attachments", DEGRADE),
    (400, "too_many_attachments", DEGRADE), (400, "invalid_payload", DEGRADE), (400, '{"ok":false,"error":"invalid_blocks"}', DEGRADE),
    (400, "no_text", Permanent), (400, "user_not_found", Permanent), (400, "invalid_token", Permanent),
    (403, "action_prohibited", Permanent), (403, "posting_to_general_channel_denied", Permanent),
    (404, "channel_not_found", Permanent), (404, "no_service", Permanent), (404, "no_team", Permanent), (404, "no_active_hooks", Permanent),
    (410, "channel_is_archived", Permanent), (429, "rate_limited", Throttled), (429, "", Throttled),
    (500, "rollup_error", Transient), (500, "<html>", Transient), (503, "service_unavailable", Transient),
]


@pytest.mark.parametrize(("status", "body", "expected"), SLACK)
def test_slack_says_in_the_body_what_it_means(status, body, expected):
    assert meaning("slack", answer(status, body)) is expected


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_webhook_may_answer_any_success(status):
    assert meaning("webhook", answer(status, "whatever: error")) is DELIVERED


@pytest.mark.parametrize(("value", "seconds"), [
    ("7", 7), ("1.5", 1.5), ("0", 0), ("Tue, 24 Nov 2026 10:43:30 GMT", 90), ("Tue, 24 Nov 2026 10:00:00 GMT", 0),
    ("", DEFAULT_RETRY_AFTER_SECONDS), ("soon", DEFAULT_RETRY_AFTER_SECONDS), ("-5", DEFAULT_RETRY_AFTER_SECONDS), ("999999999", 86400),
    ("9" * 500, 86400), ("²", DEFAULT_RETRY_AFTER_SECONDS), ("٣", DEFAULT_RETRY_AFTER_SECONDS), ("Fri, 31 Dec 9999 23:59:59 -2359", 86400),
    ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", DEFAULT_RETRY_AFTER_SECONDS),
])
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    with pytest.raises(Throttled) as caught:
        classify("teams", answer(429, retry_after=value), NOW)
    assert caught.value.retry_after_seconds == seconds


@given(st.text() | st.from_regex(r"\A\w{3}, \d+ (Jan|Dec) \d+ \d+:\d+:\d+ [+-]?\w+\Z"))
def test_no_retry_after_whatever_makes_us_wait_longer_than_a_day(value):
    assert 0 <= retry_after_seconds(value, NOW) <= 86_400


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_that_names_a_time_is_obeyed(status):
    with pytest.raises(Throttled) as caught:
        classify("webhook", answer(status, retry_after="120"), NOW)
    assert caught.value.retry_after_seconds == 120


def test_an_error_quotes_a_bounded_single_line_of_the_answer():
    with pytest.raises(Permanent) as caught:
        classify("webhook", answer(400, "first\n\x1b[31m" + "x" * 10_000), NOW)
    assert len(str(caught.value)) < 300
    assert "\x1b" not in str(caught.value)
