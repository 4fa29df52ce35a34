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
from msgspec.structs import replace

from shared.flow.outgoing import load_content
from shared.model import Cause, Content, Delivery, Group, Notice, Severity, decode
from shared.watch.mutes import Mute
from shared.watch.state import ClusterState, PoolState
from tests.flow.memory import T0, Crash, Message
from tests.flow.play import CLUSTER, RECEIVERS, SETTINGS, Mood, Play

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
        self.were_deleted: set[str] = set()
        self.depth = 0

    # --- what the world may do ---

    @initialize(muted_minutes=st.sampled_from([0, 0, 5, 60]))
    def begin(self, muted_minutes: int) -> None:
        """Perhaps nobody wants to hear of one of the pools for a while."""
        mutes = (Mute(pools=("batch",), until=T0 + timedelta(minutes=muted_minutes)),) if muted_minutes else ()
        self.play = Play(replace(SETTINGS, mutes=mutes))
        self.play.after_send = self.sent

    @rule(pool=POOLS, cause=CAUSES, severity=SEVERITIES, crash=st.none() | st.integers(0, 14), other=st.none() | st.integers(0, 20))
    def a_pool_is_assessed(self, pool: str, cause: Cause, severity: Severity, crash: int | None, other: int | None) -> None:
        self.until_crash(crash, lambda: self.play.look_at(pool, cause, severity), other)

    @rule(kind=EVENTS, pool=POOLS, minutes=st.integers(-30, 600), twice=st.booleans(), crash=st.none() | st.integers(0, 5), other=st.none() | st.integers(0, 8))
    def an_event_comes_late_early_or_twice(self, kind: str, pool: str, minutes: int, twice: bool, crash: int | None, other: int | None) -> None:
        """A worker that dies over it has not taken it: it comes again."""
        event = lambda: self.play.event(kind, pool, minutes)  # type: ignore[arg-type]  # noqa: E731
        self.until_crash(crash, event, other)
        for _ in range((crash is not None) + twice):
            event()

    @rule(pool=POOLS)
    def a_pool_is_deleted(self, pool: str) -> None:
        self.play.deleted.add(pool)
        self.were_deleted.add(pool)

    @rule(pool=POOLS)
    def a_pool_is_made_again(self, pool: str) -> None:
        self.play.deleted.discard(pool)

    @rule(data=st.data(), crash=st.none() | st.integers(0, 40), other=st.none() | st.integers(0, 60), again=st.booleans())
    def a_worker_takes_a_message(self, data: st.DataObject, crash: int | None, other: int | None, again: bool) -> None:
        """In any order; perhaps it dies, perhaps another worker has the same message meanwhile, perhaps it comes again."""
        visible = self.play.services.visible()
        if not visible:
            return
        message = data.draw(st.sampled_from(visible))
        self.until_crash(crash, lambda: self.play.work(message) if again else self.play.take(message), other, message)

    @rule(seconds=st.sampled_from([0, 1, 31, 301]), crash=st.none() | st.integers(0, 40), other=st.none() | st.integers(0, 60))
    def workers_take_what_there_is(self, seconds: float, crash: int | None, other: int | None) -> None:
        if self.play.services.now - T0 < OUTAGE:
            self.play.services.now += timedelta(seconds=seconds)
        self.until_crash(crash, lambda: self.play.run(0), other)

    @rule(pool=POOLS, cause=CAUSES, severity=SEVERITIES, seconds=st.sampled_from([31, 301]), crash=st.integers(0, 30), other=st.none() | st.integers(0, 60))
    def a_worker_dies_over_fresh_news(self, pool: str, cause: Cause, severity: Severity, seconds: float, crash: int, other: int | None) -> None:
        self.play.look_at(pool, cause, severity)
        self.workers_take_what_there_is(seconds, crash, other)

    @rule(pool=POOLS, causes=st.lists(CAUSES, min_size=1, max_size=4), severity=SEVERITIES)
    def all_goes_well_for_a_while(self, pool: str, causes: list[Cause], severity: Severity) -> None:
        for cause in causes:
            self.play.look_at(pool, cause, severity)
            self.workers_take_what_there_is(301, None, None)

    @rule(crash=st.none() | st.integers(0, 20), other=st.none() | st.integers(0, 40))
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
        """Runs ``act``; before or after its write number ``crash`` the process dies, at its access number ``other`` another worker runs."""
        accesses, writes = iter(range(10_000)), iter(range(10_000))

        def interrupt(when: str) -> None:
            if self.depth:
                return
            if next(accesses) == other:
                self.another_worker(taken)
            if when != "read" and next(writes) == crash:
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

    @invariant()
    def no_chat_is_told_anything_a_third_time(self) -> None:
        for receiver in ("teams", "slack"):
            assert max(Counter(content.id for content in self.play.told[receiver]).values(), default=0) <= 2

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
        return [state.announced for state in self.cluster_states() if state.announced]

    def cluster_states(self) -> list[ClusterState]:
        return [decode(entity["body"], ClusterState) for commit in self.play.services.table.commits for _, entity in commit if entity["RowKey"] == "cluster"]

    # --- what must hold in the end ---

    def teardown(self) -> None:
        self.play.services.interrupt = lambda _: None
        for receiver in RECEIVERS:
            self.play.moods[receiver] = "well"
        for _ in range(12):
            self.play.run(60, step=10)
            self.play.tidy()
        self.play.run(2 * 3600, step=60)
        for _ in range(8):  # an upgrade without an end is given up by now, and summed up
            self.play.tidy()
            self.play.run(120, step=10)
        self.everything_was_told()

    def everything_was_told(self) -> None:
        assert self.play.services.store.waiting(CLUSTER) == []
        created = [entity["RowKey"].removeprefix("waiting:") for commit in self.play.services.table.commits
                   for kind, entity in commit if kind == "create" and entity["RowKey"].startswith("waiting:")]
        assert sorted(created) == sorted(name for names in self.announcements() for name in names)
        assert self.turns_of_incidents() == {(notice.incident.id, notice.kind in ("resolved", "summary"))
                                             for notice in map(self.notice, created) if notice.incident and notice.kind != "changed"}
        self.every_operation_was_summed_up_once([self.notice(name) for name in created])
        self.nothing_was_called_old_before_it_was_told()
        deliveries = self.play.deliveries()
        assert {d.status for d in deliveries} <= {"delivered", "parked"}
        silenced = {name for state in self.cluster_states() for name in state.silenced}
        created = [name for name in created if name not in silenced]
        for receiver in RECEIVERS:
            if self.moods_had[receiver] <= PASSING and not any(d.unanswered for d in deliveries if d.receiver == receiver):
                self.heard_everything(receiver, created, deliveries)

    def every_operation_was_summed_up_once(self, notices: list[Notice]) -> None:
        """Each upgrade that ended, but those of a pool that was deleted."""
        ended = {one.id for commit in self.play.services.table.commits for _, entity in commit if entity["RowKey"].startswith("pool:")
                 for state in [decode(entity["body"], PoolState)] if state.pool not in self.were_deleted
                 for one in state.operations if one.ended_at is not None}
        summed_up = Counter(n.operation.id for n in notices if n.kind == "summary" and n.operation)
        assert max(summed_up.values(), default=1) == 1
        assert ended <= set(summed_up)
        assert [state.operations for state in self.play.services.store.pools(CLUSTER) if any(one.ended_at for one in state.operations)] == []

    def nothing_was_called_old_before_it_was_told(self) -> None:
        """``still`` in a message is only what an earlier message told of."""
        told: set[str] = set()
        for commit in self.play.services.table.commits:
            rows = {entity["RowKey"]: entity["body"] for kind, entity in commit if kind != "delete"}
            if "cluster" not in rows:
                continue
            for key, body in rows.items():
                if key.startswith("delivery:"):
                    assert self.called_old(decode(body, Delivery).notice_id) <= told
            for name in decode(rows["cluster"], ClusterState).announced:
                incident = self.notice(name).incident
                told |= {incident.id} if incident else set()

    def called_old(self, content_id: str) -> set[str]:
        content = load_content(self.play.services, content_id)
        if isinstance(content, Group):
            return {item.incident_id for item in content.still}
        return {content.incident.id} if isinstance(content, Notice) and content.reason == "reminder" and content.incident else set()

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
