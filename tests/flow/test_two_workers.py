"""Two workers with the same message: whenever the second comes in, everything is told once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.errors import PullwatchError
from shared.flow.jobs import ANNOUNCEMENTS, ASSESSMENTS, DELIVERIES, Announcement
from shared.model import Cause, encode
from tests.flow.memory import Message
from tests.flow.play import CLUSTER, Play, lines

BAD = Cause.DISK_IOPS
MOST_ACCESSES = 60


def final_assessment() -> tuple[Play, Message]:
    play = Play()
    play.event("upgrade_started", "apps")
    play.run(60)
    play.event("upgrade_succeeded", "apps", minutes=1)
    play.services.now += timedelta(minutes=4)
    return play, play.services.visible()[-1]


def announcement() -> tuple[Play, Message]:
    play = Play()
    play.look_at("apps", BAD)
    play.look_at("batch", BAD)
    play.run(1)
    play.services.now += timedelta(seconds=31)
    play.services.messages.clear()
    play.services.enqueue(ANNOUNCEMENTS, encode(Announcement(CLUSTER)))
    return play, play.services.messages[0]


def delivery() -> tuple[Play, Message]:
    play, message = announcement()
    play.take(message)
    return play, play.services.messages[0]


TOLD = {ASSESSMENTS: ["summary apps"], ANNOUNCEMENTS: ["opened apps", "opened batch"], DELIVERIES: ["opened apps", "opened batch"]}


@pytest.mark.parametrize("begin", [final_assessment, announcement, delivery])
def test_the_same_message_in_two_hands_is_acted_on_once(begin: Callable[[], tuple[Play, Message]]) -> None:
    for access in range(MOST_ACCESSES):
        play, message = begin()
        came = second_worker_comes(play, message, access)
        work(play, message)
        play.services.interrupt = lambda _: None
        play.run(900, step=5)
        for receiver in ("teams", "slack"):
            assert [line for told in play.told[receiver] for line in lines(told)] == TOLD[message.queue], access
        assert len(play.told["webhook"]) == len(TOLD[message.queue]), access
        if not came:
            return
    pytest.fail("more accesses than expected: make MOST_ACCESSES larger")


def second_worker_comes(play: Play, message: Message, access: int) -> list[int]:
    """Has the other worker act on the message at this access of the first; the list is empty if there is no such access."""
    numbers, came = iter(range(10_000)), list[int]()

    def interrupt(_: str) -> None:
        if not came and next(numbers) == access:
            came.append(access)
            work(play, message)

    play.services.interrupt = interrupt
    return came


def work(play: Play, message: Message) -> None:
    """A message whose worker fails comes again; here its row says that it is done."""
    try:
        play.take(message)
    except PullwatchError:
        play.services.messages.append(message)
