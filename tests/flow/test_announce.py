"""What people are told of a cluster, and when: joined, not too often, never forgotten."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.flow.announce import announce, look
from shared.flow.jobs import Announcement
from shared.model import Cause, Group, Notice, Severity
from shared.settings import Receiver, Secret
from shared.watch.mutes import Mute
from shared.watch.routes import Route
from tests.flow.memory import T0, Crash
from tests.flow.play import CLUSTER, SETTINGS, URL, Play, lines

BAD = Cause.DISK_IOPS


def test_a_single_notice_is_told_as_itself_after_the_group_wait() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(29)
    assert play.told["teams"] == []
    play.run(1)
    (told,) = play.told["teams"]
    assert isinstance(told, Notice)
    assert (told.kind, told.diagnosis.pool.name) == ("opened", "apps")


def test_programs_are_told_each_fact_at_once() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.look_at("batch", BAD)
    play.run(1)
    assert [lines(fact) for fact in play.told["webhook"]] == [["opened apps"], ["opened batch"]]


def test_a_forty_pool_upgrade_is_one_message() -> None:
    play = Play()
    pools = [f"pool{number:02d}" for number in range(40)]
    for pool in pools:
        play.event("upgrade_started", pool)
    play.run(600, step=10)
    for pool in pools:
        play.event("upgrade_succeeded", pool, minutes=10)
    play.run(600, step=10)
    for chat in ("teams", "slack"):
        (group,) = play.told[chat]
        assert isinstance(group, Group)
        assert sorted(lines(group)) == [f"summary {pool}" for pool in pools]
    assert len(play.told["webhook"]) == 40


def test_a_cluster_with_more_pools_than_a_transaction_holds_is_told_whole() -> None:
    play = Play()
    pools = [f"pool{number:03d}" for number in range(200)]
    for pool in pools:
        play.look_at(pool, BAD)
    play.run(60)
    (group,) = play.told["teams"]
    assert len(lines(group)) == 200
    assert play.services.store.waiting(CLUSTER) == []


def test_what_is_new_what_goes_on_and_what_is_over_are_told_apart() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.look_at("batch", BAD)
    play.run(60)
    play.look_at("batch")
    play.look_at("batch")
    play.look_at("web", BAD, Severity.CRITICAL)
    play.run(60)
    assert lines(play.told["slack"][-1]) == ["opened web", "resolved batch", "still apps"]


def test_the_next_message_waits_for_the_group_interval() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(31)
    play.look_at("batch", BAD)
    play.run(290)
    assert len(play.told["teams"]) == 1
    play.run(12)
    assert lines(play.told["teams"][-1]) == ["opened batch", "still apps"]


def test_a_critical_incident_waits_no_longer_than_the_group_wait() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(31)
    play.look_at("batch", BAD, Severity.CRITICAL)
    play.run(31)
    assert lines(play.told["teams"][-1]) == ["opened batch", "still apps"]


def test_what_opened_and_ended_before_the_message_is_told_as_over_and_not_as_open() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.look_at("apps")
    play.look_at("apps")
    play.run(60)
    assert [lines(told) for told in play.told["teams"]] == [["resolved apps"]]


def test_what_opened_and_changed_before_the_message_is_told_as_opened_with_the_last_cause() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.look_at("apps", Cause.CPU_UNPACK)
    play.run(60)
    (told,) = play.told["teams"]
    assert isinstance(told, Notice)
    assert (told.kind, told.diagnosis.cause) == ("opened", Cause.CPU_UNPACK)


def test_an_incident_that_stays_open_is_told_again_each_repeat_interval() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(60)
    for _ in range(9):
        play.services.now += timedelta(hours=1)
        play.tidy()
        play.run(5)
    assert [lines(told) for told in play.told["teams"]] == [["opened apps"], ["still apps"], ["still apps"]]
    reminder = play.told["teams"][-1]
    assert isinstance(reminder, Notice)
    assert reminder.reason == "reminder"
    assert len(play.told["webhook"]) == 1


# --- mutes ---


def muted(until_minutes: float) -> Play:
    return Play(replace(SETTINGS, mutes=(Mute(clusters=("prod-*",), until=T0 + timedelta(minutes=until_minutes)),)))


def pass_minutes(play: Play, minutes: int) -> None:
    for _ in range(minutes // 2):
        play.run(120)
        play.tidy()
    play.run(120)


@pytest.mark.parametrize("receiver", ["teams", "slack", "webhook"])
def test_a_mute_tells_nobody_and_what_is_still_open_at_its_end_is_told_once(receiver: str) -> None:
    play = muted(60)
    play.look_at("apps", BAD)
    pass_minutes(play, 56)
    assert play.told[receiver] == []
    pass_minutes(play, 20)
    assert [lines(told) for told in play.told[receiver]] == [["opened apps"]]


@pytest.mark.parametrize("receiver", ["teams", "slack", "webhook"])
def test_what_began_and_ended_while_muted_is_told_to_nobody_but_stays_in_the_history(receiver: str) -> None:
    play = muted(60)
    play.look_at("apps", BAD)
    play.look_at("apps")
    play.look_at("apps")
    pass_minutes(play, 80)
    assert play.told[receiver] == []
    assert [past.incidents for past in play.services.store.past(T0)] == [1]
    assert play.services.store.waiting(CLUSTER) == []


def test_the_end_of_an_incident_that_was_told_before_the_mute_is_told_after_it() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(60)
    play.services.settings = replace(SETTINGS, mutes=(Mute(until=T0 + timedelta(minutes=60)),))
    play.look_at("apps")
    play.look_at("apps")
    pass_minutes(play, 50)
    assert len(play.told["slack"]) == 1
    pass_minutes(play, 20)
    assert [lines(told) for told in play.told["slack"]] == [["opened apps"], ["resolved apps"]]


def test_a_mute_of_one_pool_lets_the_others_be_told() -> None:
    play = Play(replace(SETTINGS, mutes=(Mute(pools=("batch*",), until=T0 + timedelta(hours=9)),)))
    play.look_at("batch1", BAD)
    play.look_at("apps", BAD)
    play.run(60)
    assert [lines(told) for told in play.told["teams"]] == [["opened apps"]]


# --- routes ---


def test_routes_give_each_receiver_its_own_part_and_others_everything() -> None:
    further = (Receiver("teams:payments", Secret(URL)), Receiver("slack:night", Secret(URL)))
    routes = (Route("teams:payments", pools=("pay*",)), Route("slack:night", min_severity=Severity.CRITICAL))
    play = Play(replace(SETTINGS, further_receivers=further, routes=routes))
    play.look_at("pay1", BAD)
    play.look_at("apps", Cause.CPU_UNPACK, Severity.CRITICAL)
    play.run(60)
    said = {receiver: [lines(told) for told in play.told[receiver]] for receiver in play.told}
    assert said["teams:payments"] == [["opened pay1"]]
    assert said["slack:night"] == [["opened apps"]]
    assert said["teams"] == [["opened apps", "opened pay1"]]
    play.look_at("apps")
    play.look_at("apps")
    play.run(600)
    assert lines(play.told["slack:night"][-1]) == ["resolved apps"]
    assert len(play.told["teams:payments"]) == 1


# --- crashes ---


def test_an_announcement_that_a_crash_cut_off_anywhere_is_finished_once() -> None:
    for cut in range(60):
        play = Play()
        for pool in ("apps", "batch", "web"):
            play.look_at(pool, BAD)
        play.services.now += timedelta(seconds=31)
        crash_at(play, cut)
        try:
            announce(play.services, Announcement(CLUSTER))
        except Crash:
            play.services.interrupt = lambda _: None
        else:
            assert cut > 10
            return
        pass_minutes(play, 20)
        assert [sorted(lines(told)) for told in play.told["teams"]] == [["opened apps", "opened batch", "opened web"]], cut
        assert len(play.told["webhook"]) == 3, cut


def crash_at(play: Play, cut: int) -> None:
    left = iter(range(cut))

    def interrupt(when: str) -> None:
        if when != "read" and next(left, None) is None:
            raise Crash

    play.services.interrupt = interrupt


def test_nothing_is_left_to_do_once_all_is_told() -> None:
    play = Play()
    play.look_at("apps", BAD)
    play.run(60)
    view = look(play.services, CLUSTER, play.services.now)
    assert (view.to_do, view.plan.reason) == (False, "nothing_new")
    assert play.services.messages == []
