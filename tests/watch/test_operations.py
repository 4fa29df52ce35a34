"""Upgrades and scale-outs as events tell of them: late, twice, in the wrong order, or not at all."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from shared.model import Wake
from shared.watch.operations import Decision, on_capacity, on_time, on_upgrade
from shared.watch.state import PoolState

T0 = datetime(2026, 11, 24, 10, tzinfo=UTC)
CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
EMPTY = PoolState(pool="apps")


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def wake(kind: str, at: datetime = T0) -> Wake:
    return Wake(kind=kind, at=at, cluster_id=CLUSTER, pool="apps")  # type: ignore[arg-type]


def upgrade(state: PoolState, kind: str, at: datetime = T0, now: datetime | None = None) -> Decision:
    return on_upgrade(state, wake(f"upgrade_{kind}", at), "1.33.4", now or at)


def grown(state: PoolState, capacity: int, at: datetime = T0) -> Decision:
    return on_capacity(state, wake("scale_set_written", at), capacity, at)


def test_a_started_event_opens_an_upgrade_and_begins_the_watch() -> None:
    decision = upgrade(EMPTY, "started")
    operation = decision.state.operation
    assert operation is not None
    assert (decision.assess, operation.kind, operation.outcome, operation.target) == ("now", "upgrade", "running", "1.33.4")


def test_a_started_event_that_comes_twice_changes_nothing_but_the_sign_of_life() -> None:
    first = upgrade(EMPTY, "started")
    again = upgrade(first.state, "started", now=T0 + minutes(1))
    assert (again.assess, again.reason) == ("no", "already_open")
    assert again.state.operation is not None
    assert first.state.operation is not None
    assert again.state.operation.id == first.state.operation.id


@pytest.mark.parametrize(("event", "outcome"), [("succeeded", "succeeded"), ("failed", "failed")])
def test_an_end_event_closes_the_upgrade_and_asks_for_the_final_assessment(event: str, outcome: str) -> None:
    decision = upgrade(upgrade(EMPTY, "started").state, event, T0 + minutes(20))
    assert decision.assess == "final"
    assert decision.state.operation is not None
    assert (decision.state.operation.outcome, decision.state.operation.ended_at) == (outcome, T0 + minutes(20))


def test_a_succeeded_before_its_started_is_one_upgrade_with_both_times() -> None:
    ended = upgrade(EMPTY, "succeeded", T0 + minutes(20))
    both = upgrade(ended.state, "started", T0, now=T0 + minutes(21))
    assert both.assess == "no"
    assert both.state.operation is not None
    assert (both.state.operation.started_at, both.state.operation.ended_at) == (T0, T0 + minutes(20))


def test_any_order_and_any_number_of_twins_gives_one_final_assessment() -> None:
    events = [("started", T0), ("started", T0), ("succeeded", T0 + minutes(20)), ("succeeded", T0 + minutes(20))]
    for order in set(permutations(events)):
        state, finals = EMPTY, 0
        for kind, at in order:
            decision = upgrade(state, kind, at, now=T0 + minutes(25))
            state, finals = decision.state, finals + (decision.assess == "final")
        assert finals == 1, order
        assert state.operation is not None
        assert (state.operation.started_at, state.operation.ended_at) == (T0, T0 + minutes(20)), order


def test_events_of_an_upgrade_that_is_summed_up_open_nothing() -> None:
    ended = upgrade(upgrade(EMPTY, "started").state, "succeeded", T0 + minutes(20)).state
    done = PoolState(pool="apps", last_operation=ended.operation)
    assert upgrade(done, "started", T0, now=T0 + minutes(30)).reason == "already_summed_up"
    assert upgrade(done, "succeeded", T0 + minutes(20), now=T0 + minutes(30)).reason == "already_summed_up"
    assert upgrade(done, "started", T0 + minutes(40)).reason == "upgrade_opened"


def test_a_scale_set_that_grew_opens_a_scale_out() -> None:
    decision = grown(PoolState(pool="apps", capacity=2), 50)
    assert decision.state.operation is not None
    assert (decision.assess, decision.state.operation.kind) == ("now", "scale_out")
    assert (decision.state.operation.nodes_before, decision.state.operation.nodes_after) == (2, 50)


@pytest.mark.parametrize("capacity", [10, 9, 0])
def test_a_scale_set_write_that_added_no_node_is_no_scale_out(capacity: int) -> None:
    decision = grown(PoolState(pool="apps", capacity=10), capacity)
    assert (decision.assess, decision.reason, decision.state.capacity) == ("no", "not_grown", capacity)


def test_the_first_sight_of_a_pool_is_no_scale_out() -> None:
    assert grown(EMPTY, 10) == Decision(PoolState(pool="apps", capacity=10), "first_sight")


def test_surge_nodes_of_an_upgrade_extend_it_and_open_nothing() -> None:
    state = upgrade(PoolState(pool="apps", capacity=10), "started").state
    decision = grown(state, 11, T0 + minutes(1))
    assert (decision.assess, decision.reason) == ("no", "operation_extended")
    assert decision.state.operation is not None
    assert decision.state.operation.kind == "upgrade"


def test_a_scale_out_turns_into_the_upgrade_whose_surge_node_it_was() -> None:
    state = grown(PoolState(pool="apps", capacity=10), 11).state
    decision = upgrade(state, "started", T0 + minutes(1))
    assert decision.reason == "scale_out_is_an_upgrade"
    assert decision.state.operation is not None
    assert (decision.state.operation.kind, decision.state.operation.started_at) == ("upgrade", T0)


def test_time_ends_a_scale_out_and_gives_up_on_an_upgrade_that_never_ends() -> None:
    scale_out = grown(PoolState(pool="apps", capacity=2), 5).state
    never = upgrade(EMPTY, "started").state
    for state, after, reason in ((scale_out, 21, "scale_out_ended"), (never, 121, "operation_timed_out")):
        assert on_time(state, T0 + minutes(5), minutes(20), minutes(120)).reason == "still_running"
        late = on_time(state, T0 + minutes(after), minutes(20), minutes(120))
        assert (late.reason, late.assess) == (reason, "final")
        assert on_time(late.state, T0 + minutes(300), minutes(20), minutes(120)).reason == "nothing_open"


def test_an_event_from_the_future_counts_as_now() -> None:
    decision = upgrade(EMPTY, "started", T0 + minutes(60), now=T0)
    assert decision.state.operation is not None
    assert decision.state.operation.started_at == T0


# --- one operation right after another ---


def operations(state: PoolState) -> list[tuple[str, str, datetime]]:
    return [(one.kind, one.outcome, one.started_at) for one in state.operations]


def test_a_failed_upgrade_that_is_tried_again_at_once_is_two_upgrades_to_sum_up() -> None:
    failed = upgrade(upgrade(EMPTY, "started").state, "failed", T0 + minutes(10)).state
    again = upgrade(failed, "started", T0 + minutes(11))
    assert (again.reason, again.assess) == ("upgrade_opened", "now")
    assert operations(again.state) == [("upgrade", "failed", T0), ("upgrade", "running", T0 + minutes(11))]
    done = upgrade(again.state, "succeeded", T0 + minutes(30))
    assert (done.reason, done.assess) == ("upgrade_succeeded", "final")
    assert operations(done.state) == [("upgrade", "failed", T0), ("upgrade", "succeeded", T0 + minutes(11))]


def test_twins_of_the_first_of_two_upgrades_change_nothing_of_the_second() -> None:
    failed = upgrade(upgrade(EMPTY, "started").state, "failed", T0 + minutes(10)).state
    again = upgrade(failed, "started", T0 + minutes(11)).state
    for kind, at in (("started", T0), ("failed", T0 + minutes(10))):
        twin = upgrade(again, kind, at, now=T0 + minutes(12))
        assert (operations(twin.state), twin.assess) == (operations(again), "no"), twin.reason
    done = PoolState(pool="apps", operation=again.operation, last_operation=failed.operation)
    for kind, at in (("started", T0), ("failed", T0 + minutes(10))):
        assert upgrade(done, kind, at, now=T0 + minutes(12)).state == done


def test_two_ends_without_a_start_are_two_upgrades() -> None:
    failed = upgrade(EMPTY, "failed", T0 + minutes(10)).state
    both = upgrade(failed, "succeeded", T0 + minutes(30))
    assert (both.reason, both.assess) == ("end_without_start", "final")
    known = upgrade(upgrade(both.state, "started", T0 + minutes(12), now=T0 + minutes(31)).state, "started", T0, now=T0 + minutes(31)).state
    assert operations(known) == [("upgrade", "failed", T0), ("upgrade", "succeeded", T0 + minutes(12))]


def test_an_end_that_two_clocks_date_differently_is_one_end() -> None:
    ended = upgrade(upgrade(EMPTY, "started").state, "succeeded", T0 + minutes(20)).state
    assert upgrade(ended, "succeeded", T0 + minutes(20.3)).reason == "already_ended"
    done = PoolState(pool="apps", last_operation=ended.operation)
    assert upgrade(done, "succeeded", T0 + minutes(20.3)).reason == "already_summed_up"


def test_a_scale_out_right_after_an_upgrade_is_seen() -> None:
    ended = upgrade(upgrade(PoolState(pool="apps", capacity=10), "started").state, "succeeded", T0 + minutes(20)).state
    decision = grown(ended, 20, T0 + minutes(21))
    assert (decision.reason, decision.assess) == ("scale_out_opened", "now")
    assert operations(decision.state) == [("upgrade", "succeeded", T0), ("scale_out", "running", T0 + minutes(21))]


def test_an_upgrade_that_ends_after_it_was_given_up_is_told_with_its_whole_length() -> None:
    lost = on_time(upgrade(EMPTY, "started").state, T0 + minutes(121), minutes(20), minutes(120)).state
    before_the_summary = upgrade(lost, "succeeded", T0 + minutes(122))
    assert operations(before_the_summary.state) == [("upgrade", "succeeded", T0)]
    told = upgrade(PoolState(pool="apps", last_operation=lost.operation), "succeeded", T0 + minutes(300))
    assert told.assess == "final"
    assert operations(told.state) == [("upgrade", "succeeded", T0)]
    assert told.state.operation is not None
    assert lost.operation is not None
    assert (told.state.operation.id != lost.operation.id, told.state.operation.target) == (True, "1.33.4")


def test_the_end_of_an_upgrade_that_began_as_a_scale_out_is_not_taken_for_its_end_by_time() -> None:
    closed = on_time(grown(PoolState(pool="apps", capacity=2), 5).state, T0 + minutes(21), minutes(20), minutes(120)).state
    decision = upgrade(closed, "failed", T0 + minutes(22))
    assert (decision.reason, decision.assess) == ("end_without_start", "final")
    assert [one.kind for one in decision.state.operations] == ["scale_out", "upgrade"]
