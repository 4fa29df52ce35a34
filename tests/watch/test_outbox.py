"""What becomes of a delivery after an attempt that failed, in every way it can."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.errors import Misconfigured, Permanent, PullwatchError, Throttled, Transient, Unanswered
from shared.model import Delivery
from shared.watch.outbox import (
    closed,
    cut_off_too_often,
    delivered,
    failed,
    has_its_turn,
    left_behind,
    next_turn,
    retry_delay_seconds,
    revived,
    taken,
    waits_its_turn,
    why_not_now,
)
from shared.watch.state import Turn

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NEW = Delivery("n1-teams", "n1", "/c", "teams", NOW, NOW)


def attempt(delivery: Delivery, error: PullwatchError, now: datetime = NOW) -> Delivery:
    return failed(taken(delivery, now), error, now, jitter=1.0)


def test_a_new_delivery_is_attempted_at_once_and_only_once_at_a_time() -> None:
    assert why_not_now(NEW, NOW) == ""
    held = taken(NEW, NOW)
    assert (held.attempts, why_not_now(held, NOW)) == (1, "in_other_hands")
    assert why_not_now(delivered(held, NOW), NOW) == "nothing_to_do"


def test_a_passing_trouble_is_tried_again_when_it_is_due_and_not_before() -> None:
    later = attempt(NEW, Transient("Teams failed with 503."))
    assert (later.status, later.due_at, later.reason) == ("pending", NOW + timedelta(seconds=0.5), "Teams failed with 503.")
    assert why_not_now(replace(later, due_at=NOW + timedelta(minutes=5)), NOW) == "not_due"
    assert why_not_now(later, NOW + timedelta(seconds=1)) == ""


def test_retry_after_is_kept_to_the_second() -> None:
    assert attempt(NEW, Throttled("slow down", 90.0)).due_at == NOW + timedelta(seconds=90)


@pytest.mark.parametrize("error", [Permanent("no_service"), Misconfigured("PULLWATCH_SLACK_URL is not set.")])
def test_what_cannot_succeed_is_parked_after_one_try_with_its_reason(error: PullwatchError) -> None:
    parked = attempt(NEW, error)
    assert (parked.status, parked.attempts, parked.reason) == ("parked", 1, str(error))


def test_a_chat_that_took_a_message_and_said_nothing_gets_it_once_more_and_no_third_time() -> None:
    once = attempt(NEW, Unanswered("no answer"))
    assert once.status == "pending"
    assert attempt(once, Unanswered("no answer")).status == "parked"


def test_a_webhook_may_be_sent_again_and_again_since_its_id_stays_the_same() -> None:
    delivery = replace(NEW, receiver="webhook")
    for _ in range(5):
        delivery = attempt(delivery, Unanswered("no answer"))
    assert delivery.status == "pending"


def test_an_attempt_that_a_crash_cut_off_counts_as_one_that_may_have_arrived() -> None:
    crashed = taken(NEW, NOW)
    later = NOW + timedelta(minutes=6)
    assert why_not_now(crashed, later) == ""
    assert taken(crashed, later).unanswered == 1
    assert failed(taken(crashed, later), Unanswered("no answer"), later, 1.0).status == "parked"


def test_what_lost_its_queue_message_is_noticed_and_what_waits_is_not() -> None:
    later = NOW + timedelta(minutes=6)
    assert left_behind(NEW, later)
    assert left_behind(taken(NEW, NOW), later)
    assert not left_behind(NEW, NOW)
    assert not left_behind(replace(NEW, due_at=later), later)
    assert not left_behind(delivered(NEW, NOW), later)


def test_a_receiver_that_is_down_for_a_day_is_given_up_with_the_last_reason() -> None:
    now, delivery = NOW, NEW
    while delivery.status == "pending":
        delivery = attempt(delivery, Transient("Teams failed with 503."), now)
        now = delivery.due_at or now
    assert delivery.status == "parked"
    assert delivery.reason.endswith("Teams failed with 503.")
    assert timedelta(hours=24) <= now - NOW < timedelta(hours=25)


def test_tries_come_fast_at_first_and_hourly_later() -> None:
    delays = [retry_delay_seconds(attempt, NOW, NOW, jitter=1.0) for attempt in range(1, 16)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]


def test_jitter_spreads_a_delay_over_its_upper_half() -> None:
    assert retry_delay_seconds(5, NOW, NOW, jitter=0.0) == 4
    assert retry_delay_seconds(5, NOW, NOW, jitter=0.5) == 6


def test_after_a_day_nothing_is_tried_any_more() -> None:
    almost = NOW + timedelta(hours=23, minutes=59)
    assert retry_delay_seconds(30, NOW, almost, jitter=1.0) == 60
    assert retry_delay_seconds(30, NOW, NOW + timedelta(hours=24), jitter=1.0) is None


@given(st.integers(1, 10_000), st.floats(0, 200_000), st.floats(0, 1))
def test_a_delay_is_never_negative_and_never_leads_past_the_day(attempt: int, elapsed: float, jitter: float) -> None:
    delay = retry_delay_seconds(attempt, NOW, NOW + timedelta(seconds=elapsed), jitter)
    assert delay is None or (0 <= delay <= 3600 and elapsed + delay <= 86_400.001)


# --- a message a second ---

IDLE = Turn("teams", NOW - timedelta(hours=1))


def test_a_receiver_that_was_told_nothing_lately_is_told_at_once() -> None:
    assert next_turn(IDLE, NEW, NOW) == (NOW, Turn("teams", NOW + timedelta(seconds=1)))


def test_messages_that_come_together_get_turns_a_second_apart() -> None:
    turns, turn = [], IDLE
    for _ in range(4):
        at, turn = next_turn(turn, NEW, NOW)
        turns.append((at - NOW).total_seconds())
    assert turns == [0, 1, 2, 3]


def test_a_turn_is_kept_for_a_late_message_but_not_for_ever() -> None:
    waiting = waits_its_turn(NEW, NOW + timedelta(seconds=2))
    assert why_not_now(waiting, NOW) == "not_due"
    assert has_its_turn(waiting, NOW + timedelta(seconds=12))
    assert not has_its_turn(waiting, NOW + timedelta(minutes=2))
    assert not has_its_turn(NEW, NOW)


def test_a_turn_is_used_once() -> None:
    assert taken(waits_its_turn(NEW, NOW), NOW).turn_at is None


def test_a_receiver_that_asked_for_a_pause_is_told_nothing_until_then() -> None:
    until = NOW + timedelta(seconds=90)
    assert next_turn(closed(IDLE, until), NEW, NOW)[0] == until
    assert closed(Turn("teams", until), NOW).free_at == until


def test_a_delivery_whose_turn_it_is_takes_it_but_not_into_a_pause() -> None:
    turn, waiting = Turn("teams", NOW + timedelta(seconds=9)), waits_its_turn(NEW, NOW)
    assert next_turn(turn, waiting, NOW) == (NOW, turn)
    pause = NOW + timedelta(seconds=90)
    assert next_turn(closed(turn, pause), waiting, NOW)[0] == pause
    assert next_turn(closed(turn, pause), replace(waiting, turn_at=pause), pause)[0] == pause
    assert closed(closed(turn, pause), NOW).closed_until == pause, "a shorter pause does not end a longer one"


def test_a_chat_gets_no_third_message_however_often_the_app_is_stopped_in_the_middle() -> None:
    once = taken(NEW, NOW)
    twice = taken(once, NOW + timedelta(minutes=6))
    assert cut_off_too_often(once, NOW) == ""
    assert "arrived twice" in cut_off_too_often(twice, NOW + timedelta(minutes=12))
    assert cut_off_too_often(replace(twice, receiver="webhook"), NOW + timedelta(minutes=12)) == ""


def test_what_stops_the_app_each_time_is_given_up_after_a_day() -> None:
    stuck = replace(taken(NEW, NOW), receiver="webhook", attempts=200, unanswered=199)
    assert cut_off_too_often(stuck, NOW + timedelta(hours=23)) == ""
    assert cut_off_too_often(stuck, NOW + timedelta(hours=25)).startswith("given up after 200 attempts")
    assert cut_off_too_often(replace(stuck, status="pending"), NOW + timedelta(hours=25)) == "", "one that was down is judged by its answer"


def test_a_parked_delivery_sent_again_is_as_good_as_new() -> None:
    later = NOW + timedelta(days=3)
    again = revived(attempt(NEW, Permanent("no_service")), later)
    assert (again.status, again.attempts, again.reason, why_not_now(again, later)) == ("pending", 0, "", "")
    assert attempt(again, Transient("503"), later).status == "pending"
