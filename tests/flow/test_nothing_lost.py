"""Whatever comes in whatever order, and wherever a worker dies: every change is told, once, to everybody who listens.

A model-based test. The rules are what the world may do; the invariants are what on-call people trust.
"""

from collections import Counter
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.flow.outgoing import load_content
from shared.model import Cause, Content, Delivery, Group, Notice, Severity, decode
from shared.watch.state import PoolState
from tests.flow.memory import T0, Crash, Message
from tests.flow.play import CLUSTER, RECEIVERS, Mood, Play

POOLS = st.sampled_from(["apps", "batch", "web"])
CAUSES = st.sampled_from([Cause.HEALTHY, Cause.HEALTHY, Cause.DISK_IOPS, Cause.CPU_UNPACK, Cause.UNKNOWN])
SEVERITIES = st.sampled_from([Severity.WARNING, Severity.CRITICAL])
MOODS = st.sampled_from(["well", *get_args(Mood.__value__)])
EVENTS = st.sampled_from(["upgrade_started", "upgrade_succeeded", "upgrade_failed"])
PASSING = {"well", "503", "429"}
OUTAGE = timedelta(hours=20)
"""No receiver is down for longer in a run: less than the 24 h for which a delivery is tried."""


def matter(notice: Notice) -> str:
    """What a notice is about: the incident, or the operation."""
    return notice.incident.id if notice.incident else f"op {notice.operation.id if notice.operation else notice.diagnosis.id}"


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.play = Play()
        self.moods_had: dict[str, set[str]] = {receiver: set() for receiver in RECEIVERS}
        self.depth = 0

    # --- what the world may do ---

    @initialize()
    def begin(self) -> None:
        self.play.after_send = self.sent

    @rule(pool=POOLS, cause=CAUSES, severity=SEVERITIES, crash=st.none() | st.integers(0, 14))
    def a_pool_is_assessed(self, pool: str, cause: Cause, severity: Severity, crash: int | None) -> None:
        self.until_crash(crash, lambda: self.play.look_at(pool, cause, severity))

    @rule(kind=EVENTS, pool=POOLS, minutes=st.integers(-30, 600), twice=st.booleans())
    def an_event_comes_late_early_or_twice(self, kind: str, pool: str, minutes: int, twice: bool) -> None:
        for _ in range(1 + twice):
            self.play.event(kind, pool, minutes)  # type: ignore[arg-type]

    @rule(data=st.data(), crash=st.none() | st.integers(0, 40), other=st.none() | st.integers(0, 20), again=st.booleans())
    def a_worker_takes_a_message(self, data: st.DataObject, crash: int | None, other: int | None, again: bool) -> None:
        """In any order; perhaps it dies, perhaps another worker has the same message meanwhile, perhaps it comes again."""
        visible = self.play.services.visible()
        if not visible:
            return
        message = data.draw(st.sampled_from(visible))
        self.until_crash(crash, lambda: self.play.work(message) if again else self.play.take(message), other, message)

    @rule(seconds=st.sampled_from([0, 1, 31, 301]), crash=st.none() | st.integers(0, 80))
    def workers_take_what_there_is(self, seconds: float, crash: int | None) -> None:
        if self.play.services.now - T0 < OUTAGE:
            self.play.services.now += timedelta(seconds=seconds)
        self.until_crash(crash, lambda: self.play.run(0))

    @rule(crash=st.none() | st.integers(0, 20), other=st.none() | st.integers(0, 10))
    def the_housekeeping_runs(self, crash: int | None, other: int | None) -> None:
        self.until_crash(crash, self.play.tidy, other)

    @rule(seconds=st.sampled_from([0.3, 1, 5, 30, 31, 120, 301, 400, 3600]))
    def time_passes(self, seconds: float) -> None:
        if self.play.services.now - T0 < OUTAGE:
            self.play.services.now += timedelta(seconds=seconds)

    @rule(receiver=st.sampled_from(RECEIVERS), mood=MOODS)
    def a_receiver_changes_its_mood(self, receiver: str, mood: Mood) -> None:
        self.play.moods[receiver] = mood
        self.moods_had[receiver].add(mood)

    # --- crashes and other workers, around any write ---

    def until_crash(self, crash: int | None, act: object, other: int | None = None, taken: Message | None = None) -> None:
        """Runs ``act``; before or after its write number ``crash`` the process dies, at number ``other`` another worker runs."""
        writes = iter(range(10_000))

        def interrupt(_: str) -> None:
            if self.depth:
                return
            number = next(writes)
            if number == other:
                self.another_worker(taken)
            if number == crash:
                raise Crash

        self.play.services.interrupt = interrupt
        try:
            act()  # type: ignore[operator]
        except Crash:
            pass
        finally:
            self.play.services.interrupt = lambda _: None

    def another_worker(self, taken: Message | None) -> None:
        self.depth += 1
        try:
            for message in [taken] if taken else self.play.services.visible()[:3]:
                self.play.take(message)
            self.play.tidy()
        finally:
            self.depth -= 1

    def sent(self) -> None:
        """The moment between a receiver's answer and the ledger: a crash here may repeat the message, and only here."""
        try:
            self.play.services.interrupt("between")
        except Crash:
            for receiver, told in self.play.told.items():
                if told:
                    self.play.may_repeat[receiver, told[-1].id] += 1
            raise

    # --- what must always hold ---

    @invariant()
    def no_change_is_announced_twice(self) -> None:
        told = Counter(name for names in self.announcements() for name in names)
        assert max(told.values(), default=1) == 1

    @invariant()
    def nothing_is_told_twice_but_where_a_crash_or_silence_left_it_in_doubt(self) -> None:
        for receiver, contents in self.play.told.items():
            for name, times in Counter(content.id for content in contents).items():
                assert times <= 1 + self.doubts(receiver, name), (receiver, name)

    def doubts(self, receiver: str, content_id: str) -> int:
        unanswered = [d.unanswered for d in self.play.deliveries() if (d.receiver, d.notice_id) == (receiver, content_id)]
        return self.play.may_repeat[receiver, content_id] + sum(unanswered)

    @invariant()
    def no_secret_is_in_any_row_message_or_blob(self) -> None:
        services = self.play.services
        rows = [str(row["body"]) for row in services.table.rows.values()]
        stored = "".join([*rows, *(m.body.decode() for m in services.messages), *(blob.decode() for blob in services.blobs.values())])
        assert "very-secret" not in stored
        assert "whsec_" not in stored

    def announcements(self) -> list[tuple[str, ...]]:
        """The ids of every announcement that was committed."""
        seen: list[tuple[str, ...]] = []
        for commit in self.play.services.table.commits:
            for _, entity in commit:
                if entity["RowKey"] == "cluster":
                    state = decode(entity["body"], type(self.play.services.store.cluster(CLUSTER).value))
                    if state.announced:
                        seen.append(state.announced)
        return seen

    # --- what must hold in the end ---

    def teardown(self) -> None:
        self.play.services.interrupt = lambda _: None
        for receiver in RECEIVERS:
            self.play.moods[receiver] = "well"
        for _ in range(12):
            self.play.run(60, step=10)
            self.play.tidy()
        self.play.run(2 * 3600, step=60)
        self.play.tidy()
        self.play.run(120)
        self.everything_was_told()

    def everything_was_told(self) -> None:
        assert self.play.services.store.waiting(CLUSTER) == []
        created = [entity["RowKey"].removeprefix("waiting:") for commit in self.play.services.table.commits
                   for kind, entity in commit if kind == "create" and entity["RowKey"].startswith("waiting:")]
        assert sorted(created) == sorted(name for names in self.announcements() for name in names)
        assert self.turns_of_incidents() == {(notice.incident.id, notice.kind in ("resolved", "summary"))
                                             for notice in map(self.notice, created) if notice.incident and notice.kind != "changed"}
        deliveries = self.play.deliveries()
        assert {d.status for d in deliveries} <= {"delivered", "parked"}
        for receiver in RECEIVERS:
            if self.moods_had[receiver] <= PASSING and not any(d.unanswered for d in deliveries if d.receiver == receiver):
                self.heard_everything(receiver, created, deliveries)

    def turns_of_incidents(self) -> set[tuple[str, bool]]:
        """(incident, whether it ended), from the rows of the pools as they were committed."""
        turns, last = set(), {}
        for commit in self.play.services.table.commits:
            for _, entity in commit:
                if entity["RowKey"].startswith("pool:"):
                    incident, before = decode(entity["body"], PoolState).incident, last.get(entity["RowKey"])
                    now = incident.id if incident else None
                    turns |= ({(now, False)} if now and now != before else set()) | ({(before, True)} if before and before != now else set())
                    last[entity["RowKey"]] = now
        return turns

    def heard_everything(self, receiver: str, created: list[str], deliveries: list[Delivery]) -> None:
        """A receiver that was never more than down for a while."""
        assert [d for d in deliveries if d.receiver == receiver and d.status == "parked"] == []
        if receiver == "webhook":
            assert {content.id for content in self.play.told[receiver]} >= set(created)
            return
        heard = {one for content in self.play.told[receiver] for one in self.matters(content)}
        assert heard >= {matter(self.notice(name)) for name in created}

    def matters(self, content: Content) -> set[str]:
        if isinstance(content, Notice):
            return {matter(content)}
        if not isinstance(content, Group):
            return set()  # about Pullwatch itself
        return {matter(self.notice(item.notice_id)) for item in (*content.items, *content.still)}

    def notice(self, name: str) -> Notice:
        found = load_content(self.play.services, name)
        assert isinstance(found, Notice)
        return found


TestNothingIsLost = World.TestCase
TestNothingIsLost.settings = settings(
    max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True,
)


@pytest.mark.slow
class TestNothingIsLostInManyThousandSteps(World.TestCase):
    settings = settings(max_examples=250, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
