"""The local receivers behave as the real ones: they find fault with what those would find fault with."""

import json

import pytest

from local.receivers import Receivers
from shared.notify.http import Response, post
from shared.settings import Secret


def send(chats: Receivers, kind: str, payload: object, **headers: str) -> Response:
    return post(Secret(chats.url(kind)), json.dumps(payload).encode(), headers, allow_private=True)


@pytest.mark.parametrize(("payload", "problem"), [
    ({"text": "hello"}, "attachments"),
    ({"type": "AdaptiveCard", "body": []}, "attachments"),
    ({"type": "message", "attachments": [{"content": {"type": "MessageCard"}}]}, "must be 'AdaptiveCard'"),
    ({"type": "message", "attachments": [{"content": {"type": "AdaptiveCard", "body": ["x" * 29_000]}}]}, "max allowed size"),
])
def test_a_teams_flow_fails_silently_after_its_202(chats: Receivers, payload, problem):
    assert send(chats, "teams", payload).status == 202
    assert problem in chats.received[0].problem


@pytest.mark.parametrize(("payload", "said"), [
    ({"text": "hello"}, (200, "ok")), ({}, (400, "no_text")), ({"text": "x", "blocks": [{"type": "chart"}]}, (400, "invalid_blocks")),
])
def test_slack_checks_its_blocks(chats: Receivers, payload, said):
    answer = send(chats, "slack", payload)
    assert (answer.status, answer.body) == said


def test_slack_takes_nothing_but_json(chats: Receivers):
    assert post(Secret(chats.url("slack")), b"text=hello", {}, allow_private=True).body == "invalid_payload"


def test_a_webhook_takes_no_unsigned_event(chats: Receivers):
    assert send(chats, "webhook", {}).status == 401


def test_an_unknown_path_is_not_found(chats: Receivers):
    url = chats.url("teams").replace("/teams/", "/nobody/")
    assert post(Secret(url), b"{}", {}, allow_private=True).status == 404
