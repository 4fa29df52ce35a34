"""Which texts are schedules, and what a timer does with one that is none."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions import notices, pools
from local.host import ncrontab
from shared.schedules import is_schedule, schedule_of
from shared.settings import Settings

WORDS = st.from_regex(r"\A(\*|[0-9]{1,2}|[A-Za-z]{3})(-([0-9]{1,2}|[A-Za-z]{3}))?(/[0-9]{1,2})?(,[0-9]{1,2})?\Z")


def parses(text: str) -> bool:
    try:
        ncrontab.parse(text)
    except ncrontab.BadSchedule:
        return False
    return True


@pytest.mark.parametrize("text", ["0 */5 * * * *", "30 */2 * * * *", "0 0 7 * * Mon", "0 0 0 1 1 *", "0 0-5,22 * * jan-MAR 1-5/2"])
def test_these_are_schedules(text: str) -> None:
    assert is_schedule(text)


@pytest.mark.parametrize("text", ["", "*/5 * * * *", "0 60 * * * *", "0 0 7 * * Moon", "0 0 7 0 * *", "weekly", "00:05:00", "0 */0 * * * *", "0 9-5 * * * *", "٣ * * * * *"])
def test_these_are_none(text: str) -> None:
    assert not is_schedule(text)


@given(st.lists(WORDS | st.just("*"), min_size=5, max_size=7).map(" ".join))
@example("0 0 0 1 jan sun")
def test_what_is_a_schedule_is_what_the_host_takes(text: str) -> None:
    assert is_schedule(text) == parses(text)


@pytest.mark.parametrize(("value", "schedule"), [(None, "0 */5 * * * *"), ("", "0 */5 * * * *"), ("often", "0 */5 * * * *"), ("0 0 * * * *", "0 0 * * * *")])
def test_a_timer_whose_setting_is_wrong_or_missing_keeps_its_usual_schedule(value: str | None, schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULLWATCH_SWEEP_SCHEDULE", raising=False)
    if value is not None:
        monkeypatch.setenv("PULLWATCH_SWEEP_SCHEDULE", value)
    assert schedule_of("PULLWATCH_SWEEP_SCHEDULE", "0 */5 * * * *") == schedule


def test_the_usual_schedules_are_the_defaults_of_the_settings() -> None:
    usual = Settings()
    assert (usual.sweep_schedule, usual.tidy_schedule, usual.digest_schedule) == (pools.EVERY_FIVE_MINUTES, pools.EVERY_TWO_MINUTES, notices.WEEKLY)
