"""Messages about many pools, and about Pullwatch itself: accepted by every receiver, literal, within size, honest about cuts."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft6Validator
from jsonschema.exceptions import best_match
from msgspec.structs import replace

from local import block_kit
from local.node import node, node_module
from local.preview import preview_html, preview_text
from local.receivers import Answer, Receivers, teams_problem
from shared.errors import Permanent
from shared.notify import slack, teams
from shared.notify.delivery import send
from shared.report import text
from shared.report.message import build_message
from shared.settings import Settings
from tests.notify.test_teams import SCHEMA, all_text, elements
from tests.report import golden, groups, samples

PARSER = Path(__file__).with_name("adaptive_cards.cjs")
CONTENTS = {**golden.NOTICES, **groups.ALL, "oversized": samples.oversized}


def card_of(content: Any, **options: Any) -> dict[str, Any]:
    return teams.render(build_message(content, samples.LINKS), "1.4", **options)["attachments"][0]["content"]


def complaints_of_the_official_parser(cards: list[dict[str, Any]]) -> list[list[str]]:
    library = node_module("adaptivecards") / "dist" / "adaptivecards.js"
    said = subprocess.run([node(), PARSER, library], input=json.dumps(cards), capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(said.stdout)


# --- what they say ---


def test_a_message_about_several_pools_reads_as_agreed() -> None:
    assert text.render(build_message(groups.upgrade(), samples.LINKS), 110).splitlines()[:10] == [
        "🔴 Critical: Image pulls on prod-weu: newly slow on 1 node pool, still slow on 1, no longer slow on 1, 3",
        "operations ended",
        "🔴 apps: OS disk IOPS, p95 pull 4 min 12 s (usually 41 s)",
        "✅ apps: back to usual after 42 min (p95 38 s)",
        "✅ pool0: Upgrade to 1.33.4 took 34 min; image pulls were not in the way (p95 38 s)",
        "✅ pool1: Upgrade to 1.33.4 took 34 min; image pulls were not in the way (p95 38 s)",
        "✅ pool2: Upgrade to 1.33.4 took 34 min; image pulls were not in the way (p95 38 s)",
        "🟠 batch: still registry throttling, for 2 h now",
        "Image pulls on prod-weu / apps are 6 × slower than usual (upgrade to 1.33.4, 16 min in)",
        "The OS disk is the bottleneck: its 500 IOPS are used up on 9 of 10 nodes · confidence 94 %",
    ]


def test_many_healthy_upgrades_are_a_quiet_green_message() -> None:
    group = groups.upgrade(40)
    message = build_message(replace(group, items=group.items[2:], still=(), lead=samples.healthy_upgrade()), samples.LINKS)
    assert message.title == "✅ Done: Image pulls on prod-weu: 40 operations ended"
    assert (message.about, message.steps) == ("", ())


def test_pools_that_are_not_listed_are_counted() -> None:
    assert "+ 160 more node pools" in text.render(build_message(groups.crowd(), samples.LINKS))


# --- every receiver takes them ---


@pytest.mark.parametrize("kind", ["teams", "slack"])
@pytest.mark.parametrize("name", groups.ALL)
@pytest.mark.parametrize("rich", [False, True])
def test_every_group_and_bulletin_is_accepted(kind: str, name: str, rich: bool, chats: Receivers, settings: Settings) -> None:
    chosen = replace(settings, teams_charts=rich, slack_color_bar=rich)
    send(kind, groups.ALL[name](), chosen, samples.LINKS, datetime.now(UTC))
    assert [request.problem for request in chats.received] == [""]


@pytest.mark.parametrize("kind", ["teams", "slack"])
@pytest.mark.parametrize("name", [*samples.HOSTILE_NAMES, "x" * 10_000])
def test_a_hostile_name_in_a_group_is_only_shown(kind: str, name: str, chats: Receivers, settings: Settings) -> None:
    send(kind, groups.hostile(name), settings, samples.LINKS, datetime.now(UTC))
    assert chats.received[0].problem == ""
    card = card_of(groups.hostile(name))
    assert not [bad for bad in ("{{", "<at>", "](") if bad in all_text(card) + card["fallbackText"]]
    payload = slack.render(build_message(groups.hostile(name), samples.LINKS), color_bar=True)
    assert not [bad for bad in "<>" if bad in payload["text"] + payload["attachments"][0]["fallback"]]


def test_a_program_is_never_told_a_group(settings: Settings, chats: Receivers) -> None:
    with pytest.raises(Permanent, match="facts one by one"):
        send("webhook", groups.upgrade(), settings, samples.LINKS, datetime.now(UTC))
    assert chats.received == []


@pytest.mark.parametrize("name", CONTENTS)
def test_every_card_is_valid_by_the_official_schema(name: str) -> None:
    card = card_of(CONTENTS[name]())
    del card["msteams"]  # Teams' own, unknown to the schema
    error = best_match(Draft6Validator(json.loads(SCHEMA.read_text())).iter_errors(card))
    assert error is None, error.message


@pytest.mark.parametrize("name", CONTENTS)
def test_every_card_and_message_keeps_within_the_limits(name: str) -> None:
    message = build_message(CONTENTS[name](), samples.LINKS)
    assert teams_problem(json.dumps(teams.render(message, "1.4")).encode()) == ""
    assert block_kit.problems(slack.render(message)) == []
    bar = slack.render(message, color_bar=True)["attachments"][0]
    assert block_kit.problems(bar) == []
    assert len(bar["blocks"]) <= 20


@pytest.mark.parametrize("name", ["crowd", "crowd of long lines", "bulletin of many lines"])
def test_what_was_cut_is_said(name: str) -> None:
    message = build_message(CONTENTS[name](), samples.LINKS)
    assert "more " in all_text(card_of(CONTENTS[name]()))
    assert "more " in "\n".join(block_kit.all_texts(slack.render(message)["blocks"]))


def test_microsofts_parser_reads_every_card_without_a_warning() -> None:
    contents = [make() for make in CONTENTS.values()] + [groups.hostile(name) for name in samples.HOSTILE_NAMES]
    said = complaints_of_the_official_parser([card_of(content) for content in contents])
    assert [complaint for complaint in said if complaint] == []


def test_microsofts_parser_would_complain() -> None:
    card = card_of(samples.opened())
    card["body"][0]["style"] = "alarming"
    assert "alarming" in complaints_of_the_official_parser([card])[0][0]


def test_the_previews_draw_groups_and_bulletins(chats: Receivers, settings: Settings) -> None:
    rich = replace(settings, teams_charts=True, slack_color_bar=True)
    for kind in ("teams", "slack"):
        send(kind, groups.upgrade(), rich, samples.LINKS, datetime.now(UTC))
    send("webhook", groups.bulletin(), rich, samples.LINKS, datetime.now(UTC))
    assert preview_text(chats.received).count("batch: still registry throttling") == 2
    assert "io.pullwatch.health" in preview_text(chats.received)
    assert preview_html(chats.received).count("OS Disk Queue Depth") == 2


# --- charts and colours, where they are wanted ---


def test_a_chart_shows_what_the_line_says_and_falls_back_to_it() -> None:
    drawn = [e for e in elements(card_of(samples.opened(), charts=True)) if e["type"] == "Chart.Line"]
    (chart,) = drawn
    values = chart["data"][0]["values"]
    assert (values[0], len(values)) == ({"x": "10:26", "y": 3}, 15), "a minute without a value is no point"
    assert "OS Disk Queue Depth up to 34" in chart["fallback"]["inlines"][0]["text"]
    assert not [e for e in elements(card_of(samples.opened())) if e["type"].startswith("Chart")]


def test_whoever_cannot_draw_a_chart_shows_the_line() -> None:
    said = complaints_of_the_official_parser([card_of(samples.opened(), charts=True)])[0]
    assert said == ['Unknown element type "Chart.Line". Fallback will be used if present.']


def test_a_chart_as_the_first_reason_still_has_its_line_after_it() -> None:
    bare = replace(samples.CULPRIT, evidence=samples.CULPRIT.evidence[:1])
    card = card_of(samples.notice(replace(samples.DISK_IOPS, findings=(bare,))), charts=True)
    assert [e["type"] for e in card["body"]].count("Chart.Line") == 1


def test_the_coloured_bar_has_the_colour_of_the_status() -> None:
    colours = {name: slack.render(build_message(CONTENTS[name](), samples.LINKS), color_bar=True)["attachments"][0]["color"]
               for name in ("opened", "resolved", "unknown")}
    assert colours == {"opened": slack.COLORS["attention"], "resolved": slack.COLORS["good"], "unknown": slack.COLORS["warning"]}


def test_a_slack_that_refuses_the_attachment_gets_the_message_as_text_once(chats: Receivers, settings: Settings) -> None:
    chats.script("slack", Answer(400, "invalid_attachments"))
    send("slack", groups.upgrade(), replace(settings, slack_color_bar=True), samples.LINKS, datetime.now(UTC))
    first, second = (request.json for request in chats.of("slack"))
    assert "attachments" in first
    assert "attachments" not in second
    assert "batch: still registry throttling" in second["text"]
