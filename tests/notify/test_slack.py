"""The Slack message: within Block Kit's limits, literal about names, and plain where blocks are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from slack_sdk.models.blocks import Block

from local import block_kit
from shared.notify.slack import TEXT_CHARACTERS, escape, plain, render
from shared.report.message import build_message
from tests.report import golden, samples

LIMITS = json.loads((Path(__file__).parents[1] / "data" / "chat_block-kit-limits.json").read_text())


def message_of(notice: Any) -> dict[str, Any]:
    return render(build_message(notice, samples.LINKS))


def literal_texts(payload: dict[str, Any]) -> str:
    return "\n".join(block_kit.all_texts(payload["blocks"]))


@pytest.mark.parametrize("name", golden.NOTICES)
def test_every_message_is_within_the_limits(name):
    assert block_kit.problems(message_of(golden.NOTICES[name]())) == []


@pytest.mark.parametrize("name", golden.NOTICES)
def test_slacks_own_models_accept_every_block(name):
    for block in message_of(golden.NOTICES[name]())["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
        assert parsed.to_dict()["type"] == block["type"]


def test_the_checker_knows_the_published_limits():
    assert LIMITS["message"]["blocks"]["max"] == block_kit.BLOCKS
    assert LIMITS["header"]["text"]["max"] == block_kit.HEADER
    assert LIMITS["section"]["text"]["max"] == block_kit.SECTION
    assert LIMITS["section"]["fields"] | {"src": ""} == {"max_items": block_kit.FIELDS, "max_text": block_kit.FIELD, "src": ""}
    assert LIMITS["context"]["elements"]["max"] == block_kit.CONTEXT_ELEMENTS
    assert LIMITS["actions"]["elements"]["max"] == block_kit.ACTIONS
    assert LIMITS["block_id"]["max"] == block_kit.BLOCK_ID


@pytest.mark.parametrize("block", [
    {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
    {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]},
    {"type": "context", "elements": []},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]},
    {"type": "chart"},
])
def test_the_checker_refuses_what_slack_refuses(block):
    assert block_kit.problems({"blocks": [block]})


def test_more_than_fifty_blocks_are_refused():
    assert block_kit.problems({"blocks": [{"type": "divider"}] * 51})


def test_the_notification_text_is_always_there():
    for make in golden.NOTICES.values():
        assert message_of(make())["text"]


def test_an_oversized_message_is_cut_from_the_end_and_says_so():
    payload = message_of(samples.oversized())
    assert block_kit.problems(payload) == []
    assert "more parts were cut" in literal_texts(payload)
    assert "pullwatch" in literal_texts(payload)


def test_a_headline_too_long_for_a_header_goes_on_below_it():
    blocks = message_of(samples.slow_upgrade())["blocks"]
    assert blocks[0]["text"]["text"] == "✅ Done: Upgrade of prod-weu / apps to 1.33.4 took 34 min on 10 nodes; image pulls were slow (OS disk IOPS)"
    assert blocks[1]["elements"][0]["elements"] == [
        {"type": "text", "text": "With remedy 1: p95 about 55 s instead of 4 min 12 s\n", "style": {"bold": True}}]


def test_a_long_headline_does_not_break_the_header():
    long = replace(samples.DISK_IOPS, headline="Image pulls on " + "c" * 300)
    payload = message_of(samples.notice(long))
    assert block_kit.problems(payload) == []
    assert payload["blocks"][0]["text"]["text"].endswith("…")


@pytest.mark.parametrize("name", samples.HOSTILE_NAMES)
def test_a_hostile_name_never_reaches_a_field_that_slack_parses(name):
    payload = message_of(samples.hostile(name))
    assert block_kit.problems(payload) == []
    assert "mrkdwn" not in {e.get("type") for b in payload["blocks"] for e in (b, b.get("text", {}), *b.get("elements", ()))}
    for text in (payload["text"], plain(build_message(samples.hostile(name), samples.LINKS))["text"]):
        assert "<" not in text
        assert ">" not in text


def test_a_name_is_shown_unescaped_where_slack_does_not_parse():
    assert "Image <!channel> waited 4 min" in literal_texts(message_of(samples.hostile("<!channel>")))


def test_escaping_is_the_three_characters_and_no_more():
    assert escape("<!here> & *b* 'q'") == "&lt;!here&gt; &amp; *b* 'q'"


def test_the_plain_form_holds_the_whole_message():
    payload = plain(build_message(samples.opened(), samples.LINKS))
    assert "blocks" not in payload
    assert payload["mrkdwn"] is False
    for part in ("Critical", "confidence 94 %", "Cleared: registry", "az aks nodepool add", "op 2d7f3a"):
        assert part in payload["text"]


def test_the_plain_form_is_never_cut_within_an_escape():
    crowd = replace(samples.DISK_IOPS, headline="<" * 400)
    message = replace(build_message(samples.notice(crowd), samples.LINKS), why=("<" * 400,) * 40)
    text = plain(message)["text"]
    assert len(text) <= TEXT_CHARACTERS
    assert text.rstrip("…").endswith("&lt;")
