"""Grouping, as Alertmanager has it: what changes in a cluster is told together, and not too often.

The first thing that comes up waits for ``wait`` so that others can join it; after a message the next one comes
no sooner than ``interval``, unless an incident is critical; what stays open is told again each ``repeat``.
Nothing waits for ever, and nothing that a mute holds back is forgotten. Pure: rows in, a plan out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from shared.model import Cause, Incident, Item, Severity, Value
from shared.watch.mutes import Mute, muted_until
from shared.watch.state import ClusterState, PoolState, Waiting

EARLY_ENOUGH = timedelta(milliseconds=50)
"""The clocks of two machines need not agree to the millisecond."""
_OVER = ("resolved", "summary")


class Policy(Value, frozen=True):
    """The settings of grouping."""

    wait: timedelta = timedelta(seconds=30)
    interval: timedelta = timedelta(minutes=5)
    repeat: timedelta = timedelta(hours=4)
    mutes: tuple[Mute, ...] = ()


class Plan(NamedTuple):
    reason: str
    """By name, why people are told, or why not now."""
    items: tuple[Item, ...] = ()
    """What changed, worst first: tell it."""
    still: tuple[PoolState, ...] = ()
    """Pools with an incident that goes on, worst first: told along, or again."""
    settled: tuple[str, ...] = ()
    """Notices that wait no longer, whether told, joined with a newer one, or over before a mute was."""
    silenced: tuple[str, ...] = ()
    """Those of the settled that began and ended while a mute was in force: nobody is told of them."""
    due_at: datetime | None = None
    """When to look again; None: not before something else happens."""

    @property
    def tells(self) -> bool:
        return bool(self.items or self.still)


def plan(cluster_id: str, state: ClusterState, waiting: Sequence[Waiting], pools: Sequence[PoolState], policy: Policy, now: datetime) -> Plan:
    """What to do about a cluster now. ``waiting`` are its untold notices, ``pools`` its pools' states."""
    audible = [w for w in waiting if not _muted(policy, cluster_id, w.item.pool, w.cause, now)]
    if not audible:
        return _reminder(cluster_id, state, waiting, pools, policy, now)
    items, silenced = _joined(audible)
    settled = tuple(w.id for w in audible)
    if not items:
        return Plan("muted_and_over", settled=settled, silenced=silenced)
    due_at, reason = _due(state, audible, policy)
    if now < due_at - EARLY_ENOUGH:
        return Plan(reason, due_at=due_at)
    still = _still(cluster_id, pools, {w.item.pool.lower() for w in waiting}, policy, now)
    return Plan("first_news" if state.announced_at is None else "news", items, still, settled, silenced)


def _due(state: ClusterState, audible: Sequence[Waiting], policy: Policy) -> tuple[datetime, str]:
    """When the message is due, and what it waits for until then."""
    joined = min(w.since for w in audible) + policy.wait
    rested = state.announced_at + policy.interval if state.announced_at else joined
    critical = min((w.since + policy.wait for w in audible if _is_urgent(w)), default=max(joined, rested))
    due_at = min(max(joined, rested), critical)
    return due_at, "group_interval" if due_at > joined else "group_wait"


def _is_urgent(waiting: Waiting) -> bool:
    return waiting.item.severity is Severity.CRITICAL and waiting.item.kind in ("opened", "changed")


def _joined(audible: Sequence[Waiting]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """The last word on each incident or operation, worst first, and the ids of what is not told at all."""
    by_matter: dict[str, list[Waiting]] = {}
    for one in sorted(audible, key=lambda w: (w.since, w.id)):
        by_matter.setdefault(one.item.incident_id or one.id, []).append(one)
    last_words = [(told, _last_word(told)) for told in by_matter.values()]
    items = [item for _, item in last_words if item]
    return tuple(sorted(items, key=_badness)), tuple(w.id for told, item in last_words if item is None for w in told)


def _last_word(told: Sequence[Waiting]) -> Item | None:
    """What is told of one matter; None for an incident that began and ended unheard."""
    last = told[-1].item
    opened = next((w.item for w in told if w.item.kind == "opened"), None)
    if last.kind == "resolved" and opened and any(w.held for w in told):
        return None
    return replace(last, kind="opened", woken_at=opened.woken_at) if last.kind == "changed" and opened else last


def _badness(item: Item) -> tuple[bool, int, str]:
    """Sorts what goes on before what is over, then by severity."""
    return (item.kind in _OVER, -item.severity.rank, item.pool)


def _still(cluster_id: str, pools: Sequence[PoolState], told: set[str], policy: Policy, now: datetime) -> tuple[PoolState, ...]:
    """Open incidents that were told before and are not told now, worst first."""
    known = [(p.incident, p) for p in pools if p.incident and p.pool.lower() not in told]
    audible = [(incident, p) for incident, p in known if not _muted(policy, cluster_id, p.pool, incident.cause, now)]
    return tuple(p for _, p in sorted(audible, key=lambda pair: _by_severity(pair[0])))


def _by_severity(incident: Incident) -> tuple[int, datetime, str]:
    return (-incident.severity.rank, incident.opened_at, incident.pool)


def _reminder(cluster_id: str, state: ClusterState, waiting: Sequence[Waiting], pools: Sequence[PoolState], policy: Policy, now: datetime) -> Plan:
    """Nothing new may be told: what is still open is told again, once it is time."""
    still = _still(cluster_id, pools, {w.item.pool.lower() for w in waiting}, policy, now)
    if not still or state.announced_at is None:
        return Plan("muted" if waiting else "nothing_waiting")
    due_at = state.announced_at + policy.repeat
    if now < due_at:
        return Plan("muted" if waiting else "nothing_new")
    return Plan("reminder", still=still)


def _muted(policy: Policy, cluster_id: str, pool: str, cause: Cause, now: datetime) -> bool:
    return muted_until(policy.mutes, cluster_id, pool, cause, now) is not None
