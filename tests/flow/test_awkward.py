"""Awkward, and ordinary: what comes twice, too late, at the same time, or about something that is gone."""

import itertools
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.flow.announce import announce, look
from shared.flow.jobs import Announcement, Assessment, DeliveryJob
from shared.flow.outgoing import deliver
from shared.model import Cause, Content, Notice, decode
from shared.report.message import Links, build_message
from shared.settings import Receiver, Secret
from shared.watch.routes import Route
from tests.flow.memory import T0, Crash
from tests.flow.play import CLUSTER, SETTINGS, URL, Play, lines

BAD = Cause.DISK_IOPS


def said(play: Play, receiver: str = "teams") -> list[list[str]]:
    return [lines(told) for told in play.told[receiver]]


def headline(content: Content) -> str:
    return build_message(content, Links()).title


# --- operations ---


def test_a_failed_upgrade_that_is_tried_again_at_once_is_told_as_failed_and_then_as_done() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    play.run(600, step=10)
    play.event("upgrade_failed", "apps", minutes=10)
    play.run(60)
    play.event("upgrade_started", "apps", minutes=11)
    play.run(1200, step=10)
    play.event("upgrade_succeeded", "apps", minutes=31)
    play.run(900, step=10)
    first, second = play.told["teams"]
    assert headline(first).startswith("❌ Failed: Upgrade of prod-weu / apps to 1.33.4 failed after 10 min")
    assert headline(second).startswith("✅ Upgrade of prod-weu / apps to 1.33.4 took 20 min")
    assert play.pool("apps").operations == ()


def test_the_incident_of_a_failed_upgrade_goes_on_with_the_next_try() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    play.look_at("apps", BAD)
    play.run(300, step=10)
    play.event("upgrade_failed", "apps", minutes=5)
    play.event("upgrade_started", "apps", minutes=5.5)
    play.run(900, step=10)
    assert said(play) == [["opened apps"], ["summary apps", "still apps"]] or said(play) == [["opened apps"], ["summary apps"]]
    assert play.pool("apps").incident is not None
    play.event("upgrade_succeeded", "apps", minutes=20)
    play.run(900, step=10)
    assert said(play)[-1] == ["summary apps"]
    assert play.pool("apps").incident is None


def test_a_final_assessment_that_was_overtaken_sums_up_nothing_else() -> None:
    """While one worker reads Azure, another sums the upgrade up and the next upgrade begins."""
    play = Play()
    play.event("upgrade_started", "apps")
    play.run(60)
    play.event("upgrade_succeeded", "apps", minutes=1)
    (final,) = [m for m in play.services.messages if m.queue == "assessments" and decode(m.body, Assessment).final]
    play.services.now += timedelta(minutes=4)
    look = play._look

    def slow_look(pool: str) -> object:
        play._look = look  # type: ignore[method-assign]
        play.take(final)
        play.event("upgrade_started", "apps", minutes=5)
        return look(pool)

    play._look = slow_look  # type: ignore[assignment, method-assign]
    play.work(final)
    assert play.pool("apps").operation is not None
    assert play.pool("apps").operation.outcome == "running"  # type: ignore[union-attr]
    play.run(120)
    assert said(play) == [["summary apps"]]


def test_the_lost_final_assessment_of_the_first_of_two_upgrades_is_asked_for_again() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    play.event("upgrade_failed", "apps", minutes=0)
    play.services.messages.clear()
    play.services.now += timedelta(minutes=2)
    play.event("upgrade_started", "apps", minutes=2)
    for _ in range(10):
        play.run(120, step=10)
        play.tidy()
    assert [line for told in said(play) for line in told] == ["summary apps"]


# --- twins ---


def test_a_message_that_comes_twice_is_one_look_and_resolves_nothing_by_itself() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(60)
    play.slow.clear()
    job = Assessment(CLUSTER, "apps", reason="suspect", asked_at=play.services.now)
    for _ in range(3):
        play._assess(job)
    incident = play.pool("apps").incident
    assert incident is not None
    assert incident.calm_checks == 1


def test_a_twin_of_a_watch_message_doubles_no_assessment() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    play.services.messages.append(play.services.messages[0]._replace(number=999))
    play.run(1800, step=5)
    assert play.number <= 1800 / 90 + 1, "one assessment each 90 s, whoever asks"
    assert play.number >= 1800 / 90 - 2, "and the watch goes on"


def test_a_watch_whose_worker_died_after_its_look_goes_on() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    (message,) = play.services.messages
    play.services.now += timedelta(seconds=61)

    def die_once(when: str) -> None:
        if when == "after":
            play.services.interrupt = lambda _: None
            raise Crash

    play.services.interrupt = die_once
    with pytest.raises(Crash):
        play.work(message)
    play.run(400, step=5)
    assert play.number >= 4


# --- what is gone ---


def test_the_incident_of_a_deleted_pool_ends_and_nobody_is_reminded_of_it() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(60)
    play.deleted.add("apps")
    play._assess(Assessment(CLUSTER, "apps", reason="missing"))
    play.run(600)
    for _ in range(6):
        play.services.now += timedelta(hours=2)
        play.tidy()
        play.run(60)
    assert said(play) == [["opened apps"], ["resolved apps"]]
    assert headline(play.told["teams"][-1]) == "⚪ Closed: prod-weu / apps is deleted or no longer watched: its incident is closed after 1 min"
    assert [told.reason for told in play.told["webhook"] if isinstance(told, Notice)] == ["incident_opened", "pool_gone"]


def test_an_upgrade_of_a_pool_that_is_deleted_meanwhile_is_forgotten() -> None:
    play = Play()
    play.event("upgrade_started", "apps")
    play.event("upgrade_succeeded", "apps", minutes=0)
    play.deleted.add("apps")
    for _ in range(30):
        play.run(120, step=30)
        play.tidy()
    assert play.pool("apps").operations == ()
    assert len(list(play.services.store.recorded_events())) == 1, "told once on record, not each two minutes"


# --- a report that can be opened ---


def test_whoever_is_told_can_open_the_report_even_if_the_worker_died_right_after_its_row() -> None:
    play = Play()
    writes = iter(range(1000))

    def die_after_the_row(when: str) -> None:
        if when == "after" and play.services.store.waiting(CLUSTER) and next(writes) == 0:
            raise Crash

    play.services.interrupt = die_after_the_row
    with pytest.raises(Crash):
        play.look_at("apps", BAD)
    play.services.interrupt = lambda _: None
    for _ in range(4):
        play.run(120)
        play.tidy()
    (told,) = play.told["teams"]
    assert isinstance(told, Notice)
    assert f"cases/{told.diagnosis.id}.json" in play.services.blobs


# --- receivers ---


def test_a_receiver_that_asks_for_a_pause_gets_it_from_all_that_wait_for_their_turn() -> None:
    play = Play()
    pools = [f"pool{number:02d}" for number in range(12)]
    for pool in pools:
        play.look_at(pool, BAD)
    play.moods["webhook"] = "429"
    play.run(30, step=0.5)
    asked = play.asked["webhook"]
    assert len(asked) >= 3
    assert min(later - earlier for earlier, later in itertools.pairwise(asked)) >= timedelta(seconds=7)
    play.moods["webhook"] = "well"
    play.run(60, step=0.5)
    assert len(play.told["webhook"]) == len(pools)
    times = play.asked["webhook"][-len(pools):]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= timedelta(seconds=1)


def test_an_app_that_dies_each_time_after_a_chat_took_the_message_fills_no_chat() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(20)

    def die() -> None:
        raise Crash

    play.after_send = die
    for _ in range(20):
        for message in play.services.visible():
            try:
                play.take(message)
            except Crash:
                play.services.messages.remove(message)
        play.services.now += timedelta(minutes=2)
        play.tidy()
    for chat in ("teams", "slack"):
        assert [lines(told) for told in play.told[chat] if isinstance(told, Notice)] == [["opened apps"]] * 2
    parked = [d for d in play.deliveries() if d.status == "parked" and d.cluster_id]
    assert {d.receiver for d in parked} == {"teams", "slack"}
    assert all("arrived twice" in d.reason for d in parked)


def test_a_chat_that_routes_keep_from_the_news_is_reminded_of_its_own() -> None:
    further = (Receiver("teams:payments", Secret(URL)),)
    play = Play(replace(SETTINGS, further_receivers=further, routes=(Route("teams:payments", pools=("pay*",)),)))
    play.look_at("pay1", BAD)
    play.run(60)
    for hour in range(1, 10):
        play.services.now = T0 + timedelta(hours=hour)
        play.look_at(f"pool{hour}", BAD)
        play.run(60)
    assert said(play, "teams:payments") == [["opened pay1"], ["still pay1"], ["still pay1"]]


def test_a_delivery_nobody_can_find_is_nothing_to_do() -> None:
    assert deliver(Play().services, DeliveryJob(CLUSTER, "gone")) == "nothing_to_do"


# --- two workers ---


def test_an_incident_that_opens_while_a_message_is_made_is_not_called_old_in_it() -> None:
    """At each read of the announcement in turn, another worker opens an incident of another pool."""
    for turn in range(3):
        play = Play()
        play.look_at("batch", BAD)
        play.run(20)
        play.services.now += timedelta(seconds=15)
        reads = iter(range(1000))

        def interrupt(when: str, play: Play = play, reads: object = reads, turn: int = turn) -> None:
            if when == "read" and next(reads) == turn:  # type: ignore[call-overload]
                play.services.interrupt = lambda _: None
                play.look_at("apps", BAD)

        play.services.interrupt = interrupt
        announce(play.services, Announcement(CLUSTER))
        play.services.interrupt = lambda _: None
        play.run(900, step=10)
        heard = [line for told in said(play) for line in told]
        assert "opened apps" in heard
        assert "still apps" not in heard[:heard.index("opened apps")], turn


def test_an_announcement_reads_three_times() -> None:
    """The cluster, its pools, what waits: the moments that the test above goes through."""
    play, reads = Play(), []
    play.look_at("batch", BAD)
    play.services.now += timedelta(seconds=31)
    play.services.interrupt = lambda when: reads.append(when) if when == "read" else None
    look(play.services, CLUSTER, play.services.now)
    assert len(reads) == 3
