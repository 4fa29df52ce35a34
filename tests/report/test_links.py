"""A link opens the page it was signed for, for a while, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.report.links import FLEET, check, report_page, sign, signed_url

KEY = "a long random text for tests"
NOW = datetime(2026, 11, 24, 10, 42, tzinfo=UTC)
WEEK = timedelta(hours=168)
PAGE = report_page("9a4588b7a23ae04a")
TOKEN = sign(KEY, PAGE, NOW)


def test_a_link_opens_its_page_until_it_expires() -> None:
    assert check(KEY, PAGE, TOKEN, NOW, WEEK) == "valid"
    assert check(KEY, PAGE, TOKEN, NOW + WEEK, WEEK) == "valid"
    assert check(KEY, PAGE, TOKEN, NOW + WEEK + timedelta(seconds=1), WEEK) == "expired"


@pytest.mark.parametrize("page", [report_page("another"), FLEET, "reports/", ""])
def test_a_link_opens_no_other_page(page: str) -> None:
    assert check(KEY, page, TOKEN, NOW, WEEK) == "refused"


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_a_link_with_one_letter_changed_is_refused(position: int) -> None:
    other = "A" if TOKEN[position] != "A" else "E"
    assert check(KEY, PAGE, TOKEN[:position] + other + TOKEN[position + 1:], NOW, WEEK) == "refused"


@pytest.mark.parametrize("token", ["", ".", "x", "x" * 10_000, "é.é", TOKEN[:-1], TOKEN + "A", TOKEN.split(".")[1], "aaaa." + TOKEN.split(".")[1]])
def test_a_link_that_was_cut_or_made_up_is_refused(token: str) -> None:
    assert check(KEY, PAGE, token, NOW, WEEK) == "refused"


def test_a_link_signed_with_another_key_is_refused() -> None:
    assert check(KEY + "!", PAGE, TOKEN, NOW, WEEK) == "refused"


def test_a_link_from_the_future_does_not_open_for_longer() -> None:
    assert check(KEY, PAGE, sign(KEY, PAGE, NOW + timedelta(days=365)), NOW, WEEK) == "expired"


def test_a_clock_that_is_a_little_ahead_does_no_harm() -> None:
    assert check(KEY, PAGE, sign(KEY, PAGE, NOW + timedelta(minutes=2)), NOW, WEEK) == "valid"


def test_the_address_holds_the_page_and_the_token_and_no_key() -> None:
    url = signed_url("https://app.example/", KEY, PAGE, NOW)
    assert url == f"https://app.example/api/{PAGE}?token={TOKEN}"
    assert KEY not in url
