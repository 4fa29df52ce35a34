"""The housekeeping, the digest, and what a person does with the ledger."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.errors import Permanent
from shared.flow import ledger
from shared.flow.digest import digest
from shared.model import Bulletin, Cause, Severity, Wake
from tests.flow.memory import T0
from tests.flow.play import CLUSTER, RECEIVERS, SETTINGS, Play, lines

BAD = Cause.DISK_IOPS


@pytest.fixture
def play() -> Iterator[Play]:
    return Play()


def later(play: Play, **span: float) -> None:
    play.services.now += timedelta(**span)
    play.tidy()
    play.run(30)


# --- what a crash left behind ---


@pytest.mark.parametrize("lost", ["announcements", "deliveries"])
def test_a_lost_queue_message_is_sent_again(play: Play, lost: str) -> None:
    play.look_at("apps", BAD)
    if lost == "deliveries":
        play.services.now += timedelta(seconds=31)
        play.take(play.services.visible()[-1])
    play.services.messages = [message for message in play.services.messages if message.queue != lost]
    play.run(60)
    later(play, minutes=6)
    later(play, minutes=6)
    assert [len(play.told[receiver]) for receiver in RECEIVERS] == [1, 1, 1]


def test_an_operation_whose_watch_was_lost_is_assessed_again(play: Play) -> None:
    play.event("upgrade_started", "apps")
    play.services.messages.clear()
    play.services.now += timedelta(minutes=20)
    play.tidy()
    assert [message.queue for message in play.services.messages] == ["assessments"]


# --- Pullwatch's own health ---


def test_poison_is_reported_to_all_receivers_once_a_day(play: Play) -> None:
    play.services.poison["assessments-poison"] = 3
    for _ in range(5):
        later(play, minutes=2)
    for receiver in RECEIVERS:
        (told,) = play.told[receiver]
        assert lines(told)[0].startswith("health: 3 messages failed five times, now in the queue assessments-poison")
    play.services.poison["deliveries-poison"] = 1
    later(play, minutes=2)
    assert "deliveries-poison" in lines(play.told["slack"][-1])[0]
    later(play, days=1)
    assert [len(play.told[receiver]) for receiver in RECEIVERS] == [3, 3, 3]


def test_a_receiver_that_refuses_is_reported_to_the_others(play: Play) -> None:
    play.moods["slack"] = "400"
    play.look_at("apps", BAD)
    play.run(60)
    later(play, minutes=2)
    told = play.told["teams"][-1]
    assert isinstance(told, Bulletin)
    assert told.lines == ("slack was not told 1 message in the last day: The receiver refused. Once that is mended: pullwatch.py redeliver --parked",)
    play.look_at("apps")
    play.look_at("apps")
    for _ in range(40):
        later(play, hours=2)
    reports = [told for told in play.told["teams"] if isinstance(told, Bulletin)]
    assert len(reports) == 2, "today and tomorrow; that it refuses the reports too is no news"


# --- what had its time goes ---


def test_old_rows_and_contents_go_and_young_ones_stay(play: Play) -> None:
    play.look_at("apps", BAD)
    play.run(60)
    play.moods["slack"] = "400"
    play.look_at("apps")
    play.look_at("apps")
    play.run(600)
    play.services.store.record_event(Wake(kind="ignored", reason="old"), play.services.now)
    later(play, days=13)
    assert len(play.deliveries()) >= 6
    assert len(list(play.services.store.recorded_events())) == 1
    later(play, days=2)
    assert {d.status for d in play.deliveries() if d.cluster_id} == {"parked"}
    assert list(play.services.store.recorded_events()) == []
    assert play.services.store.past(T0)
    later(play, days=90)
    assert [d for d in play.deliveries() if d.cluster_id] == []
    assert play.services.store.past(T0) == []
    assert [name for name in play.services.blobs if "cases" in name] == []


# --- the weekly digest ---


def a_week(play: Play) -> None:
    for pool, cause, severity in (("apps", BAD, Severity.CRITICAL), ("batch", Cause.CPU_UNPACK, Severity.WARNING), ("apps", BAD, Severity.WARNING)):
        play.look_at(pool, cause, severity)
        play.run(600, step=60)
        play.look_at(pool)
        play.look_at(pool)
        play.run(600, step=60)


def test_the_digest_says_what_went_wrong_what_was_slow_and_what_was_not_delivered(play: Play) -> None:
    a_week(play)
    play.moods["slack"] = "400"
    play.look_at("web", BAD)
    play.run(600)
    play.moods["slack"] = "well"
    digest(play.services)
    play.run(30)
    for receiver in RECEIVERS:
        told = play.told[receiver][-1]
        assert isinstance(told, Bulletin)
        assert told.title == "Image pulls in the week to 2026-11-24: 3 incidents"
        assert told.lines[0].startswith("0 upgrades; incidents were open for 30 min in all")
        assert "Slow: prod-weu / apps, p95 4 min 12 s, OS disk IOPS" in told.lines, "the worst, not how it looked when it was over"
        assert any(line.startswith("Would have helped: Ephemeral OS disk") and "on prod-weu / batch" in line for line in told.lines)
        assert "OS disk IOPS 2 ×, CPU (unpacking) 1 ×" in told.lines[0]
        assert "Not delivered: 1 message (pullwatch.py deliveries --parked)" in told.lines


def test_the_digest_names_what_would_have_helped(play: Play) -> None:
    play.event("upgrade_started", "apps")
    play.look_at("apps", BAD, Severity.CRITICAL)
    play.event("upgrade_succeeded", "apps", minutes=0)
    play.run(300)
    digest(play.services)
    play.run(10)
    told = play.told["teams"][-1]
    assert isinstance(told, Bulletin)
    assert "Slow: prod-weu / apps, p95 4 min 12 s, OS disk IOPS" in told.lines
    assert "Slowest image: prodweu.azurecr.io/shop/api:4.2.0, 5 min 1 s" in told.lines
    assert "Would have helped: Ephemeral OS disk (8,000 IOPS, needs ≤ 100 GiB) on prod-weu / apps, p95 55 s instead of 4 min 12 s" in told.lines


def test_two_timers_at_once_send_one_digest(play: Play) -> None:
    digest(play.services)
    digest(play.services)
    play.run(10)
    assert [len(play.told[receiver]) for receiver in RECEIVERS] == [1, 1, 1]
    assert lines(play.told["teams"][0]) == ["digest: 0 upgrades; no incident"]


# --- the ledger, by hand ---


def test_parked_deliveries_are_listed_with_their_reason_and_can_be_sent_again(play: Play) -> None:
    play.moods["slack"] = "400"
    play.look_at("apps", BAD)
    play.run(60)
    (parked,) = ledger.listed(play.services, parked_only=True)
    assert len(ledger.listed(play.services)) == 3
    (line,) = ledger.as_lines([parked])
    assert "parked" in line
    assert line.endswith("1 attempt  The receiver refused.")
    play.moods["slack"] = "well"
    ledger.redeliver(play.services, parked.id)
    play.run(5)
    assert [lines(told) for told in play.told["slack"]] == [["opened apps"]]
    assert ledger.redeliver(play.services, "") == []


def test_only_what_was_given_up_is_sent_again(play: Play) -> None:
    play.look_at("apps", BAD)
    play.run(60)
    with pytest.raises(Permanent, match="is delivered, not parked"):
        ledger.redeliver(play.services, ledger.listed(play.services)[0].id)
    with pytest.raises(Permanent, match="No delivery has the id 'nope'"):
        ledger.redeliver(play.services, "nope")


def test_a_test_message_goes_past_the_ledger_and_names_what_is_wrong(play: Play) -> None:
    play.moods["slack"] = "400"
    assert dict(ledger.send_test(play.services, RECEIVERS)) == {"teams": "delivered", "slack": "The receiver refused.", "webhook": "delivered"}
    assert play.deliveries() == []


# --- one receiver never delays another ---


@pytest.mark.parametrize("mood", ["503", "429", "hangs", "resets", "400"])
def test_a_receiver_in_trouble_delays_nobody_else(play: Play, mood: str) -> None:
    play.moods["teams"] = mood  # type: ignore[assignment]
    play.look_at("apps", BAD)
    play.run(31)
    assert [lines(told) for told in play.told["slack"]] == [["opened apps"]]


def test_a_receiver_that_is_down_for_a_day_is_told_everything_then(play: Play) -> None:
    play.moods["teams"] = "503"
    for number in range(5):
        play.look_at(f"pool{number}", BAD, Severity.CRITICAL)
        play.run(3600, step=60)
    play.run(18 * 3600, step=300)
    play.moods["teams"] = "well"
    play.run(2 * 3600, step=60)
    said = [line for told in play.told["teams"] for line in lines(told)]
    assert {f"opened pool{number}" for number in range(5)} <= set(said)
    assert {d.status for d in play.deliveries()} == {"delivered"}


def test_a_receiver_is_told_one_message_a_second() -> None:
    play = Play(replace(SETTINGS, group_wait_seconds=0, group_interval_seconds=0))
    times = []
    play.after_send = lambda: times.append(play.services.now)
    for number in range(6):
        play.look_at(f"pool{number}", BAD)
    play.run(20, step=0.1)
    webhook = sorted(set(times))
    assert len(play.told["webhook"]) == 6
    assert max(webhook) - T0 >= timedelta(seconds=5)
    assert play.services.store.waiting(CLUSTER) == []
