"""A cluster played over memory: pools that are slow or not, workers that take messages, receivers with moods."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from shared.errors import NotWatched, Permanent, Throttled, Transient, Unanswered
from shared.flow import assess, outgoing
from shared.flow.announce import announce
from shared.flow.jobs import Announcement, Assessment, DeliveryJob
from shared.flow.tidy import tidy
from shared.flow.wake import decide
from shared.model import (
    Bulletin,
    Case,
    Cause,
    Content,
    Delivery,
    Diagnosis,
    Group,
    Notice,
    Severity,
    Wake,
    Window,
    decode,
)
from shared.settings import Secret, Settings
from shared.watch import operations
from shared.watch.state import PoolState
from tests.flow.memory import T0, MemoryServices, Message
from tests.report import samples

CLUSTER = samples.CLUSTER_ID
URL = "https://chat.contoso.example/services/T0/very-secret-path?sig=very-secret-signature"
RECEIVERS = ("teams", "slack", "webhook")
SETTINGS = Settings(
    teams_url=Secret(URL), slack_url=Secret(URL), webhook_url=Secret(URL), webhook_secret=Secret("whsec_" + "bmV3LWtleS0" * 4),
    group_wait_seconds=30, group_interval_seconds=300,
)

type Mood = Literal["well", "503", "429", "400", "302", "garbage", "hangs", "takes it and hangs", "resets"]


class Play:
    """``told`` is what each receiver took, in order."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.services = MemoryServices(settings, self._send)
        self.moods: dict[str, Mood] = {}
        self.told: dict[str, list[Content]] = {receiver: [] for receiver in settings.receivers}
        self.may_repeat: Counter[tuple[str, str]] = Counter()
        """(receiver, content id) → how often it may have been taken beyond the once."""
        self.not_before: dict[tuple[str, str], datetime] = {}
        self.number = 0
        self.slow: dict[str, tuple[Cause, Severity]] = {}
        self.deleted: set[str] = set()
        self.asked: dict[str, list[datetime]] = {receiver: [] for receiver in settings.receivers}
        """When each receiver was asked to take something."""
        self.after_send = lambda: None

    # --- the world ---

    def diagnosis(self, pool: str) -> Diagnosis:
        self.number += 1
        cause, severity = self.slow.get(pool, (Cause.HEALTHY, Severity.OK))
        model = samples.HEALTHY if cause is Cause.HEALTHY else samples.DISK_IOPS
        now = self.services.now
        return replace(model, id=f"d{self.number}", cause=cause, severity=severity, pool=replace(samples.POOL, name=pool),
                       window=Window(now - timedelta(minutes=30), now), operation=None)

    def look_at(self, pool: str, cause: Cause = Cause.HEALTHY, severity: Severity | None = None) -> None:
        """The pool is as given from now on, and is assessed."""
        self.slow.pop(pool, None)
        if cause is not Cause.HEALTHY:
            self.slow[pool] = (cause, severity or Severity.WARNING)
        self.services.now += timedelta(milliseconds=1)  # no two assessments happen at the same moment
        self._assess(Assessment(CLUSTER, pool))

    def _assess(self, job: Assessment) -> None:
        assess.watch(self.services, job, lambda *_: self._look(job.pool))

    def _look(self, pool: str) -> tuple[Case, Diagnosis]:
        """What would be collected and diagnosed now."""
        if pool in self.deleted:
            raise NotWatched(f"Cluster prod-weu has no node pool {pool!r}.")
        diagnosis = self.diagnosis(pool)
        return Case(diagnosis.id, self.services.now, diagnosis.cluster, diagnosis.pool, diagnosis.window), diagnosis

    def event(self, kind: Literal["upgrade_started", "upgrade_succeeded", "upgrade_failed"], pool: str, minutes: float = 0.0) -> str:
        """An upgrade event of so many minutes after the beginning of the play."""
        wake = Wake(kind=kind, at=T0 + timedelta(minutes=minutes), cluster_id=CLUSTER, pool=pool)
        return decide(self.services, wake, lambda state: operations.on_upgrade(state, wake, "1.33.4", self.services.now))

    # --- workers ---

    def work(self, message: Message) -> None:
        """What a function does with a message; the message goes when it is done."""
        match message.queue:
            case "assessments":
                self._assess(decode(message.body, Assessment))
            case "announcements":
                announce(self.services, decode(message.body, Announcement))
            case _:
                outgoing.deliver(self.services, decode(message.body, DeliveryJob))

    def take(self, message: Message) -> None:
        self.work(message)
        if message in self.services.messages:
            self.services.messages.remove(message)

    def run(self, seconds: float = 0.0, step: float = 1.0) -> None:
        """Time passes; all that is due is worked on."""
        end = self.services.now + timedelta(seconds=seconds)
        while True:
            while visible := self.services.visible():
                self.take(visible[0])
            if self.services.now >= end:
                return
            nearest = min((m.visible_at for m in self.services.messages), default=end)
            self.services.now = min(end, max(nearest, self.services.now + timedelta(seconds=step)))

    def tidy(self) -> None:
        tidy(self.services)

    # --- receivers ---

    def _send(self, receiver: str, content: Content) -> None:
        mood = self.moods.get(receiver, "well")
        self.asked[receiver].append(self.services.now)
        assert self.services.now >= self.not_before.get((receiver, content.id), T0), "asked again before its Retry-After"
        if mood == "takes it and hangs":
            self.told[receiver].append(content)
            self.may_repeat[receiver, content.id] += 1
        match mood:
            case "503":
                raise Transient("The receiver answered 503.")
            case "429":
                self.not_before[receiver, content.id] = self.services.now + timedelta(seconds=7)
                raise Throttled("The receiver answered 429.", 7)
            case "400" | "302" | "garbage":
                raise Permanent("The receiver refused.")
            case "hangs" | "takes it and hangs" | "resets":
                raise Unanswered("No whole answer.")
        self.told[receiver].append(content)
        self.after_send()

    def deliveries(self) -> list[Delivery]:
        return [row.value for row in self.services.store.deliveries()]

    def pool(self, name: str) -> PoolState:
        return self.services.store.pool(CLUSTER, name).value


def lines(content: Content) -> list[str]:
    """``opened apps``, one for each pool that the content tells of."""
    match content:
        case Notice():
            return [f"{'still' if content.reason == 'reminder' else content.kind} {content.diagnosis.pool.name}"]
        case Group():
            return [f"{item.kind} {item.pool}" for item in (*content.items, *content.still)]
        case Bulletin():
            return [f"{content.kind}: {line}" for line in content.lines]
