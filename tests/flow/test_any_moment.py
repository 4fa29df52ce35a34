"""Each access to the storage in turn: there another worker comes in with the same message, or there the worker dies.

The model-based test does this at random over long plays; here no moment of a message is left out.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from shared.flow.announce import announce
from shared.flow.jobs import ANNOUNCEMENTS, ASSESSMENTS, Announcement, Assessment
from shared.model import Cause, Severity, encode
from tests.flow.memory import Crash, Message
from tests.flow.play import CLUSTER, Play, lines

BAD = Cause.DISK_IOPS
MOST_ACCESSES = 60


def asked_about(play: Play) -> tuple[Play, Message]:
    play.services.enqueue(ASSESSMENTS, encode(Assessment(CLUSTER, "apps", asked_at=play.services.now)))
    return play, play.services.messages[0]


def opening() -> tuple[Play, Message]:
    play = Play()
    play.slow["apps"] = (BAD, Severity.WARNING)
    return asked_about(play)


def changing() -> tuple[Play, Message]:
    play = Play()
    play.look_at("apps", BAD)
    play.run(600, step=5)
    play.slow["apps"] = (Cause.CPU_UNPACK, Severity.WARNING)
    return asked_about(play)


def resolving() -> tuple[Play, Message]:
    play = Play()
    play.look_at("apps", BAD)
    play.run(600, step=5)
    play.look_at("apps")
    play.services.now += timedelta(minutes=5)
    return asked_about(play)


def final_assessment() -> tuple[Play, Message]:
    play = Play()
    play.event("upgrade_started", "apps")
    play.run(60)
    play.event("upgrade_succeeded", "apps", minutes=1)
    play.services.now += timedelta(minutes=4)
    return play, play.services.visible()[-1]


def announcement() -> tuple[Play, Message]:
    """The second about this cluster."""
    play = Play()
    play.look_at("old", BAD)
    play.run(600, step=5)
    play.look_at("apps", BAD)
    play.look_at("batch", BAD)
    play.run(1)
    play.services.now += timedelta(seconds=31)
    play.services.messages.clear()
    play.services.enqueue(ANNOUNCEMENTS, encode(Announcement(CLUSTER)))
    return play, play.services.messages[0]


def first_announcement() -> tuple[Play, Message]:
    play = Play()
    play.look_at("apps", BAD)
    play.run(1)
    play.services.now += timedelta(seconds=31)
    return play, play.services.messages[0]


def delivery() -> tuple[Play, Message]:
    play, message = announcement()
    play.take(message)
    return play, play.services.messages[0]


type Begin = Callable[[], tuple[Play, Message]]

BOTH = ["opened old", "opened apps", "opened batch"]
TOLD: dict[Begin, list[str]] = {
    opening: ["opened apps"], changing: ["opened apps", "changed apps"], resolving: ["opened apps", "resolved apps"], final_assessment: ["summary apps"],
    first_announcement: ["opened apps"], announcement: BOTH, delivery: BOTH,
}


def said(play: Play, receiver: str) -> list[str]:
    return [line for told in play.told[receiver] for line in lines(told) if not line.startswith(("health", "still"))]


@pytest.mark.parametrize("begin", TOLD)
def test_the_same_message_in_two_hands_is_acted_on_once(begin: Begin) -> None:
    for access in range(MOST_ACCESSES):
        play, message = begin()
        came = second_worker_comes(play, message, access)
        play.take(message)
        play.services.interrupt = lambda _: None
        play.run(900, step=5)
        for receiver in ("teams", "slack", "webhook"):
            assert said(play, receiver) == TOLD[begin], (access, receiver)
        if not came:
            return
    pytest.fail("more accesses than expected: make MOST_ACCESSES larger")


def test_a_calm_look_in_two_hands_is_one_calm_look() -> None:
    for access in range(MOST_ACCESSES):
        play = Play()
        play.look_at("apps", BAD)
        play.run(600, step=5)
        play.slow.clear()
        play, message = asked_about(play)
        came = second_worker_comes(play, message, access)
        play.take(message)
        incident = play.pool("apps").incident
        assert incident is not None
        assert incident.calm_checks == 1, access
        if not came:
            return


def test_news_that_another_worker_tells_while_a_message_is_made_are_in_one_of_the_two() -> None:
    for access in range(MOST_ACCESSES):
        play, message = announcement()
        accesses = iter(range(10_000))

        def interrupt(_: str, play: Play = play, accesses: Iterator[int] = accesses, access: int = access) -> None:
            if next(accesses) == access:
                play.services.interrupt = lambda _: None
                play.look_at("web", BAD)
                announce(play.services, Announcement(CLUSTER))

        play.services.interrupt = interrupt
        play.take(message)
        play.services.interrupt = lambda _: None
        play.run(900, step=5)
        news = said(play, "teams")
        assert sorted(news) in (sorted([*BOTH, "opened web"]), sorted(BOTH)), access
        if "opened web" not in news:
            return
    pytest.fail("more accesses than expected: make MOST_ACCESSES larger")


@pytest.mark.parametrize("begin", TOLD)
def test_a_worker_that_dies_at_any_write_loses_nothing(begin: Begin) -> None:
    """Its message comes again. Only what a chat took just before the death is told twice."""
    for write in range(MOST_ACCESSES):
        play, message = begin()
        writes = iter(range(10_000))

        def die(when: str, play: Play = play, writes: Iterator[int] = writes, write: int = write) -> None:
            if when != "read" and next(writes) == write:
                play.services.interrupt = lambda _: None
                raise Crash

        play.services.interrupt = die
        try:
            play.take(message)
        except Crash:
            play.services.now += timedelta(minutes=7)  # a message comes again when its lease is over
            for _ in range(10):
                play.run(120, step=10)
                play.tidy()
            assert play.services.store.waiting(CLUSTER) == [], write
        else:
            assert write > 3
            return
        for receiver in ("teams", "slack", "webhook"):
            again = TOLD[begin][1:] if begin is delivery and said(play, receiver) != TOLD[begin] else []
            assert said(play, receiver) == TOLD[begin] + again, (write, receiver)
    pytest.fail("more writes than expected: make MOST_ACCESSES larger")


def second_worker_comes(play: Play, message: Message, access: int) -> list[int]:
    """Has the other worker act on the message at this access of the first; the list is empty if there is no such access."""
    numbers, came = iter(range(10_000)), list[int]()

    def interrupt(_: str) -> None:
        if not came and next(numbers) == access:
            came.append(access)
            play.take(message)

    play.services.interrupt = interrupt
    return came
