"""The plan of an announcement: a pure decision, for any rows at any time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Cause, Incident, Item, Severity
from shared.watch.grouping import Plan, Policy, plan
from shared.watch.mutes import Mute
from shared.watch.state import ClusterState, PoolState, Waiting

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
POLICY = Policy()
MUTED = Policy(mutes=(Mute(until=NOW + timedelta(hours=1)),))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def waiting(pool: str = "apps", kind: str = "opened", since: datetime = NOW, severity: Severity = Severity.WARNING, held: bool = False,
            incident: str = "") -> Waiting:
    item = Item(kind, pool, severity, Cause.DISK_IOPS, since, "!", "…", f"n-{pool}-{kind}", incident or f"i-{pool}")  # type: ignore[arg-type]
    return Waiting(item, Cause.DISK_IOPS, since, held)


def open_pool(pool: str, severity: Severity = Severity.WARNING) -> PoolState:
    return PoolState(pool, incident=Incident(f"i-{pool}", CLUSTER, pool, Cause.DISK_IOPS, severity, ago(3600), ago(3600)))


def decide(rows: list[Waiting], announced: float | None = None, pools: tuple[PoolState, ...] = (), policy: Policy = POLICY) -> Plan:
    state = ClusterState(None if announced is None else ago(announced))
    return plan(CLUSTER, state, rows, pools, policy, NOW)


@pytest.mark.parametrize(("rows", "announced", "reason"), [
    ([], None, "nothing_waiting"),
    ([waiting(since=ago(29))], None, "group_wait"),
    ([waiting(since=ago(30))], None, "first_news"),
    ([waiting(since=ago(29))], 9999, "group_wait"),
    ([waiting(since=ago(31))], 299, "group_interval"),
    ([waiting(since=ago(31))], 301, "news"),
    ([waiting(since=ago(31), severity=Severity.CRITICAL)], 35, "news"),
    ([waiting(since=ago(29), severity=Severity.CRITICAL)], 35, "group_wait"),
    ([waiting(since=ago(31), severity=Severity.CRITICAL, kind="resolved")], 35, "group_interval"),
])
def test_each_decision_has_a_name(rows: list[Waiting], announced: float | None, reason: str) -> None:
    assert decide(rows, announced).reason == reason


def test_what_must_wait_says_until_when() -> None:
    assert decide([waiting(since=ago(10))]).due_at == NOW + timedelta(seconds=20)
    assert decide([waiting(since=ago(100))], announced=200).due_at == NOW + timedelta(seconds=100)


@pytest.mark.parametrize(("announced", "reason"), [(None, "nothing_waiting"), (60, "nothing_new"), (4 * 3600 - 1, "nothing_new"), (4 * 3600, "reminder")])
def test_an_open_incident_is_told_again_each_repeat_interval_and_only_if_it_was_told(announced: float | None, reason: str) -> None:
    assert decide([], announced, (open_pool("apps"),)).reason == reason


def test_the_worst_comes_first_and_what_is_over_last() -> None:
    rows = [waiting("a", "resolved", ago(60), Severity.CRITICAL), waiting("b", since=ago(60)), waiting("c", since=ago(60), severity=Severity.CRITICAL)]
    pools = (open_pool("x"), open_pool("y", Severity.CRITICAL), open_pool("b"))
    made = decide(rows, 9999, pools)
    assert [item.pool for item in made.items] == ["c", "b", "a"]
    assert [pool.pool for pool in made.still] == ["y", "x"]


def test_a_mute_holds_back_the_news_and_the_reminders() -> None:
    assert decide([waiting(since=ago(9999))], policy=MUTED).reason == "muted"
    assert decide([], 99_999, (open_pool("apps"),), MUTED).reason == "nothing_waiting"


def test_what_began_and_ended_unheard_is_settled_without_a_word() -> None:
    rows = [waiting(since=ago(90), held=True), waiting(kind="resolved", since=ago(60), held=True)]
    made = decide(rows)
    assert (made.reason, made.items, len(made.settled), made.settled) == ("muted_and_over", (), 2, made.silenced)


KINDS = st.sampled_from(["opened", "changed", "resolved", "summary"])
ROWS = st.lists(st.builds(
    lambda pool, kind, age, severity, held: waiting(f"p{pool}", kind, ago(age), severity, held),
    st.integers(0, 4), KINDS, st.integers(0, 20_000), st.sampled_from(list(Severity)), st.booleans(),
), unique_by=lambda row: row.id)
STATES = st.one_of(st.none(), st.floats(0, 20_000))


@given(ROWS, STATES)
def test_a_plan_settles_all_that_is_audible_or_nothing_and_says_when_to_look_again(rows: list[Waiting], announced: float | None) -> None:
    made = decide(rows, announced)
    assert set(made.settled) in (set(), {row.id for row in rows})
    assert bool(made.settled) == bool(rows and made.due_at is None)
    if made.due_at is not None:
        assert NOW < made.due_at <= NOW + POLICY.wait + POLICY.interval
    told = {item.incident_id for item in made.items} | {row.item.incident_id for row in rows if row.id in made.silenced}
    assert told == ({row.item.incident_id for row in rows} if made.settled else set())


@given(ROWS, STATES, st.integers(0, 40_000))
def test_nothing_waits_for_ever(rows: list[Waiting], announced: float | None, later: int) -> None:
    state = ClusterState(None if announced is None else ago(announced))
    at = NOW + max(timedelta(seconds=later), POLICY.wait + POLICY.interval)
    assert plan(CLUSTER, state, rows, (), POLICY, at).due_at is None


@given(ROWS, STATES)
def test_a_critical_incident_waits_no_longer_than_the_wait(rows: list[Waiting], announced: float | None) -> None:
    made = decide(rows, announced)
    urgent = [row.since for row in rows if row.item.severity is Severity.CRITICAL and row.item.kind in ("opened", "changed")]
    if urgent and made.due_at is not None:
        assert made.due_at <= min(urgent) + POLICY.wait
