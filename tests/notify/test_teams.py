"""The Adaptive Card: valid by the official schema, within Teams' size, literal about names."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft6Validator
from jsonschema.exceptions import best_match
from msgspec.structs import replace

from local.receivers import teams_problem
from shared.model import Remedy
from shared.notify.teams import BUDGET_BYTES, escaped_bytes, literal, render
from shared.report.message import build_message
from tests.report import golden, samples

SCHEMA = Path(__file__).parents[1] / "data" / "chat_adaptive-card-1.4.0.json"


def card_of(notice: Any, version: str = "1.4") -> dict[str, Any]:
    return render(build_message(notice, samples.LINKS), version)["attachments"][0]["content"]


@cache
def schema() -> Draft6Validator:
    return Draft6Validator(json.loads(SCHEMA.read_text()))


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with a ``type``, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from elements(item)
    elif isinstance(value, dict):
        if "type" in value:
            yield value
        for item in value.values():
            yield from elements(item)


def all_text(card: dict[str, Any]) -> str:
    return "\n".join(element["text"] for element in elements(card) if "text" in element)


@pytest.mark.parametrize("name", golden.NOTICES)
def test_every_card_is_valid_by_the_official_schema(name):
    card = card_of(golden.NOTICES[name]())
    assert card.pop("msteams") == {"width": "Full"}  # Teams' own, unknown to the schema
    error = best_match(schema().iter_errors(card))
    assert error is None, error.message


def test_the_schema_would_notice_a_misspelt_property():
    card = card_of(samples.opened())
    del card["msteams"]
    broken = copy.deepcopy(card)
    broken["body"][1]["inlines"][0]["weigth"] = "Bolder"
    assert schema().is_valid(card)
    assert not schema().is_valid(broken)


@pytest.mark.parametrize("name", golden.NOTICES)
def test_the_envelope_is_what_the_workflow_reads(name):
    payload = render(build_message(golden.NOTICES[name](), samples.LINKS), "1.4")
    assert payload["type"] == "message"
    assert teams_problem(json.dumps(payload).encode()) == ""


def test_the_card_version_is_a_choice():
    assert card_of(samples.opened(), "1.2")["version"] == "1.2"


def test_nothing_is_clipped_on_a_phone():
    for element in elements(card_of(samples.opened())):
        assert element["type"] != "TextBlock" or element.get("wrap") is True


def test_older_clients_and_toasts_get_the_headline():
    assert card_of(samples.opened())["fallbackText"].startswith("🔴 Critical: Image pulls on prod-weu / apps")


def test_a_command_is_monospaced_and_complete():
    monospaced = [e["text"] for e in elements(card_of(samples.opened())) if e.get("fontType") == "Monospace"]
    assert len(monospaced) == 1
    assert monospaced[0].startswith("az aks nodepool add")
    assert monospaced[0].endswith("--node-osdisk-size 100")


# --- size ---


def test_an_oversized_card_is_cut_from_the_end_and_says_so():
    card = card_of(samples.oversized())
    assert escaped_bytes(card) <= BUDGET_BYTES
    assert "more lines were cut" in all_text(card)
    assert "pullwatch" in card["body"][-1]["inlines"][0]["text"]


def test_what_fits_is_not_cut():
    assert "were cut" not in all_text(card_of(samples.opened()))


def test_quotes_count_as_often_as_teams_escapes_them():
    assert escaped_bytes({"text": '"'}) == len(json.dumps(json.dumps({"text": '"'}, separators=(",", ":"))))


def test_the_budget_holds_for_text_that_grows_when_escaped():
    greedy = Remedy(title='"' * 400, command='"\\' * 1000, note='"' * 400)
    culprit = replace(samples.CULPRIT, remedies=(greedy,) * 3)
    card = card_of(samples.notice(replace(samples.DISK_IOPS, findings=(culprit,))))
    assert escaped_bytes(card) <= BUDGET_BYTES


# --- names from outside ---


@pytest.mark.parametrize("name", samples.HOSTILE_NAMES)
def test_a_hostile_name_is_shown_and_nothing_else_happens(name):
    card = card_of(samples.hostile(name))
    text = all_text(card) + card["fallbackText"]
    assert "{{" not in text
    assert "<at>" not in text
    assert "](" not in text
    assert {e["type"] for e in elements(card)} <= {"AdaptiveCard", "Container", "RichTextBlock", "TextRun", "Action.OpenUrl"}
    assert all(action["url"].startswith("https://") for action in card["actions"])


def test_literal_text_stays_readable():
    assert literal("{{{DATE(x)}}} <AT>all</at> [a](b) {x} at <attic>") == "{ { {DATE(x)}}} < AT>all< /at> [a] (b) {x} at <attic>"
