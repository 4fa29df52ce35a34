"""NCRONTAB schedules, read as Azure Functions reads them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.ncrontab import BadSchedule, parse

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", "2026-11-23T12:05:00"),
        ("30 */2 * * * *", "2026-11-23T12:00:30"),
        ("0 0 * * * *", "2026-11-23T13:00:00"),
        ("0 30 9 * * *", "2026-11-24T09:30:00"),
        ("0 30 9 * * 1-5", "2026-11-24T09:30:00"),
        ("0 30 9 * * Sun", "2026-11-29T09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("15,45 10/20 * * * *", "2026-11-23T12:10:15"),
        ("0 0 8-18/2 * * *", "2026-11-23T14:00:00"),
        ("* * * * * *", "2026-11-23T12:00:01"),
    ],
)
def test_a_schedule_comes_next_when_the_field_table_says(text: str, expected: str) -> None:
    assert parse(text).next_after(MONDAY_NOON).isoformat() == f"{expected}+00:00"


def test_day_and_day_of_week_must_both_match_unlike_in_cron() -> None:
    friday_13th = parse("0 0 0 13 * Fri").next_after(MONDAY_NOON)
    assert (friday_13th.day, friday_13th.weekday()) == (13, 4)


def test_an_occurrence_at_this_very_second_is_past() -> None:
    assert parse("0 0 12 * * *").next_after(MONDAY_NOON) == MONDAY_NOON + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "*/5 * * * *", "60 * * * * *", "0 0 24 * * *", "0 */0 * * * *", "0 9-5 * * * *", "x * * * * *", "00:05:00"])
def test_a_schedule_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadSchedule, match="The schedule"):
        parse(text)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(BadSchedule, match="never comes"):
        parse("0 0 0 30 2 *").next_after(MONDAY_NOON)


@given(
    second=st.integers(0, 59), minute=st.integers(0, 59), hour=st.integers(0, 23),
    start=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis adds the zone
)
def test_a_daily_schedule_comes_within_a_day_and_at_its_time(second: int, minute: int, hour: int, start: datetime) -> None:
    found = parse(f"{second} {minute} {hour} * * *").next_after(start)
    assert start < found <= start + timedelta(days=1)
    assert (found.hour, found.minute, found.second) == (hour, minute, second)
