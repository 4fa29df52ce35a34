"""Operations: an upgrade or a scale-out of one pool, opened, extended and closed by what wakes us.

Events come at least once and in any order: a Succeeded before its Started, twins, and a Started that
never ends are ordinary. Every decision is a pure function of (state, what happened, now) and names its
reason.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from shared.azure_ids import id_key
from shared.model import Operation, Wake
from shared.watch.state import PoolState

SAME_END = timedelta(minutes=1)
"""Two clocks need not agree: an end that comes so soon after one is the same."""


class Decision(NamedTuple):
    state: PoolState
    reason: str
    """By name: what was done, or why nothing was."""
    assess: Literal["no", "now", "final"] = "no"
    """``now`` begins the watch, ``final`` sums the operation up once its last minutes are measured."""


def on_upgrade(state: PoolState, wake: Wake, target: str, now: datetime) -> Decision:
    """An upgrade event: NodePoolRolling Started, Succeeded or Failed."""
    at = min(wake.at or now, now)
    if wake.kind == "upgrade_started":
        return _started(state, wake, target, at, now)
    return _ended(state, wake, target, at, now)


def _started(state: PoolState, wake: Wake, target: str, at: datetime, now: datetime) -> Decision:
    current, last = state.operation, state.last_operation
    if last is not None and at <= (last.ended_at or at):
        return Decision(state, "already_summed_up")
    ended = next((one for one in state.operations if one.ended_at is not None and at <= one.ended_at), None)
    if ended is not None:
        known = replace(ended, started_at=min(ended.started_at, at), target=ended.target or target)
        return Decision(_with(state, known), "start_came_after_end")
    if current is not None and current.ended_at is None:
        upgrade = replace(current, kind="upgrade", started_at=min(current.started_at, at), seen_at=now,
                          target=current.target or target)
        return Decision(_with(state, upgrade), "already_open" if current.kind == "upgrade" else "scale_out_is_an_upgrade")
    return Decision(_next(state, _open(state, wake, "upgrade", at, now, target)), "upgrade_opened", "now")


def _ended(state: PoolState, wake: Wake, target: str, at: datetime, now: datetime) -> Decision:
    outcome: Literal["succeeded", "failed"] = "succeeded" if wake.kind == "upgrade_succeeded" else "failed"
    current, last = state.operation, state.last_operation
    if current is not None and (current.ended_at is None or current.outcome == "timed_out"):
        if at < current.started_at:
            return Decision(state, "end_of_an_earlier_one")
        ended = replace(current, kind="upgrade", ended_at=at, outcome=outcome, seen_at=now, target=current.target or target)
        return Decision(_with(state, ended), f"upgrade_{outcome}", "final")
    if any(_is_twin(one, at) for one in state.operations):
        return Decision(state, "already_ended")
    if last is not None and _is_twin(last, at):
        return Decision(state, "already_summed_up")
    opened = _open(state, wake, "upgrade", at, now, target)
    if last is not None and last.kind == "upgrade" and last.outcome == "timed_out" and current is None:
        opened = replace(opened, started_at=last.started_at, target=last.target or target, nodes_before=last.nodes_before)
    return Decision(_next(state, replace(opened, ended_at=at, outcome=outcome)), "end_without_start", "final")


def _is_twin(operation: Operation, at: datetime) -> bool:
    """Whether an end event of ``at`` tells the end that is known already. One that time closed has not been told of."""
    told = operation.kind == "upgrade" and operation.outcome != "timed_out"
    return told and operation.ended_at is not None and at <= operation.ended_at + SAME_END


def _with(state: PoolState, operation: Operation) -> PoolState:
    """The state with a newer version of one of its operations."""
    superseded = tuple(operation if one.id == operation.id else one for one in state.superseded)
    is_current = state.operation is not None and state.operation.id == operation.id
    return replace(state, superseded=superseded, operation=operation if is_current else state.operation)


def _next(state: PoolState, operation: Operation) -> PoolState:
    """The state with a new operation; one that ended just before it is still summed up."""
    return replace(state, superseded=state.operations, operation=operation)


def on_capacity(state: PoolState, wake: Wake, capacity: int, now: datetime) -> Decision:
    """A scale set was written: a scale-out only if it has more nodes than when last seen."""
    before, current = state.capacity, state.operation
    seen = replace(state, capacity=capacity, vmss_id=wake.vmss_id or state.vmss_id)
    if before is None:
        return Decision(seen, "first_sight")
    if capacity <= before:
        return Decision(seen, "not_grown")
    if current is not None and current.ended_at is None:
        grown = replace(current, nodes_after=capacity, seen_at=now)
        return Decision(replace(seen, operation=grown), "operation_extended")
    opened = _open(state, wake, "scale_out", min(wake.at or now, now), now, "")
    opened = replace(opened, nodes_before=before, nodes_after=capacity)
    return Decision(_next(seen, opened), "scale_out_opened", "now")


def on_time(state: PoolState, now: datetime, scale_out: timedelta, timeout: timedelta) -> Decision:
    """Nothing tells the end of a scale-out, and a Started may never end: time closes both."""
    current = state.operation
    if current is None or current.ended_at is not None:
        return Decision(state, "nothing_open")
    if current.kind == "scale_out" and now - current.seen_at >= scale_out:
        done = replace(current, ended_at=now, outcome="succeeded")
        return Decision(replace(state, operation=done), "scale_out_ended", "final")
    if now - current.seen_at >= timeout:
        lost = replace(current, ended_at=now, outcome="timed_out")
        return Decision(replace(state, operation=lost), "operation_timed_out", "final")
    return Decision(state, "still_running")


def _open(state: PoolState, wake: Wake, kind: Literal["upgrade", "scale_out"], at: datetime, now: datetime, target: str) -> Operation:
    name = hashlib.sha256(f"{id_key(wake.cluster_id)}|{state.pool.lower()}|{kind}|{at.isoformat()}".encode()).hexdigest()
    return Operation(id=name[:8], cluster_id=wake.cluster_id, pool=state.pool, kind=kind, started_at=at, seen_at=now,
                     target=target, nodes_before=state.capacity)
