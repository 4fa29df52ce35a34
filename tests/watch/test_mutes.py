"""Mutes: when they are in force, and when they end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Misconfigured
from shared.model import Cause
from shared.settings import load
from shared.watch.mutes import Mute, muted_until

CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/Prod-weu"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NIGHT = Mute(daily="22:00-06:00")


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def end_of(mute: Mute, now: datetime, pool: str = "apps", cause: Cause = Cause.DISK_IOPS) -> datetime | None:
    return muted_until([mute], CLUSTER, pool, cause, now)


def test_a_mute_with_an_end_is_over_then() -> None:
    mute = Mute(until=NOON)
    assert end_of(mute, NOON - timedelta(seconds=1)) == NOON
    assert end_of(mute, NOON) is None


@pytest.mark.parametrize(("now", "end"), [
    (at(21, 59), None), (at(22), at(6, day=25)), (at(23, 59), at(6, day=25)), (at(0), at(6)), (at(5, 59), at(6)), (at(6), None), (at(12), None),
])
def test_quiet_hours_go_over_midnight(now: datetime, end: datetime | None) -> None:
    assert end_of(NIGHT, now) == end


def test_quiet_hours_are_in_their_own_offset() -> None:
    tokyo = Mute(daily="22:00-06:00", utc_offset="+09:00")
    assert end_of(tokyo, at(13)) == at(21)
    assert end_of(tokyo, at(12, 59)) is None
    newfoundland = Mute(daily="08:00-09:00", utc_offset="-03:30")
    assert end_of(newfoundland, at(11, 45)) == at(12, 30)


@pytest.mark.parametrize(("mute", "is_muted"), [
    (Mute(clusters=("prod-*",), until=NOON), True), (Mute(clusters=("test-*",), until=NOON), False), (Mute(clusters=(CLUSTER.upper(),), until=NOON), True),
    (Mute(pools=("APP?",), until=NOON), True), (Mute(pools=("batch", "apps"), until=NOON), True), (Mute(pools=("batch",), until=NOON), False),
    (Mute(causes=("disk.*",), until=NOON), True), (Mute(causes=("registry.*",), until=NOON), False),
    (Mute(clusters=("prod-*",), pools=("batch",), until=NOON), False),
])
def test_a_mute_is_for_what_its_patterns_name(mute: Mute, is_muted: bool) -> None:
    assert (end_of(mute, at(11)) is not None) is is_muted


def test_mutes_that_follow_one_another_are_one() -> None:
    assert muted_until([Mute(until=at(23)), NIGHT], CLUSTER, "apps", Cause.DISK_IOPS, at(12)) == at(6, day=25)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 48 * 60))
def test_quiet_hours_always_end_within_a_day(start: int, end: int, after: int) -> None:
    mute = Mute(daily=f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}")
    now = at(0) + timedelta(minutes=after)
    until = end_of(mute, now)
    if start != end and until is not None:
        assert timedelta(0) < until - now <= timedelta(days=1)
        assert until.hour * 60 + until.minute == end


@pytest.mark.parametrize(("value", "says"), [
    ("[", "PULLWATCH_MUTES must be a JSON list: input data was truncated."),
    ("night", "PULLWATCH_MUTES must be a JSON list: JSON is malformed"),
    ("{}", "PULLWATCH_MUTES: expected `array`, got `object`."),
    ('[{"pools": ["apps"]}]', "PULLWATCH_MUTES[0]: give either until"),
    ('[{"daily": "22:00-06:00"}, {"untill": "2026-11-24T12:00Z"}]', "PULLWATCH_MUTES[1]: object contains unknown field `untill`."),
    ('[{"until": "tomorrow"}]', "PULLWATCH_MUTES[0].until: invalid RFC3339 encoded datetime."),
    ('[{"until": "2026-11-24T12:00:00"}]', "PULLWATCH_MUTES[0].until: expected `datetime` with a timezone component."),
    ('[{"daily": "10pm-6am"}]', "PULLWATCH_MUTES[0].daily: expected `str` matching regex"),
    ('[{"daily": "06:00-06:00"}]', "PULLWATCH_MUTES[0]: daily hours of no length mute nothing"),
])
def test_a_wrong_mute_is_named_with_its_place(value: str, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load({"PULLWATCH_MUTES": value})
    assert str(caught.value).startswith(says)
