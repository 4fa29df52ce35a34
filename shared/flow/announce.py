"""Announce: what waits in a cluster becomes one message for each chat, when its time has come.

An announcement is one transaction: the cluster's row names the notices it tells, the deliveries tell them. Only
then do the rows that waited go, in transactions of their own with what programs are yet to hear; a crash between
leaves rows that the cluster's row still names, and the next look finishes them before it does anything else.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from msgspec.structs import replace

from shared.azure_ids import segment
from shared.errors import Transient
from shared.flow.jobs import ANNOUNCEMENTS, Announcement
from shared.flow.outgoing import (
    MOST_CONFLICTS,
    delivery_of,
    load_content,
    pass_on,
    program_deliveries,
    save_content,
    wanting,
)
from shared.model import Content, Delivery, Group, Item, Notice, encode
from shared.report.headline import still_item
from shared.services import Services
from shared.settings import Settings
from shared.watch.grouping import Plan, Policy, plan
from shared.watch.routes import is_chat
from shared.watch.state import ClusterState, PoolState, Waiting
from shared.watch.store import MOST_CHANGES, Conflict, Row

log = logging.getLogger("pullwatch")


class View(NamedTuple):
    """A cluster's rows, read in an order that makes a stale one show: the cluster's first, and the pools before what waits
    about them, so that no incident is called old that nobody has been told of."""

    row: Row[ClusterState]
    waiting: list[Waiting]
    left: list[Waiting]
    """Rows of the last announcement that a crash left behind."""
    plan: Plan

    @property
    def to_do(self) -> bool:
        return bool(self.left or self.plan.tells or self.plan.settled)


def policy_of(settings: Settings) -> Policy:
    return Policy(timedelta(seconds=settings.group_wait_seconds), timedelta(seconds=settings.group_interval_seconds),
                  timedelta(hours=settings.repeat_interval_hours), settings.mutes)


def look(services: Services, cluster_id: str, now: datetime) -> View:
    """What there is to tell about a cluster now."""
    row = services.store.cluster(cluster_id)
    pools = services.store.pools(cluster_id)
    rows = services.store.waiting(cluster_id)
    waiting = [w for w in rows if w.id not in row.value.announced]
    left = [w for w in rows if w.id in row.value.announced]
    made = plan(cluster_id, row.value, waiting, pools, policy_of(services.settings), now)
    return View(row, waiting, left, made)


def announce(services: Services, job: Announcement) -> str:
    """Tells what is due; the named reason. Raises ``Transient`` if others change the cluster all the time."""
    for _ in range(MOST_CONFLICTS):
        try:
            return _once(services, job)
        except Conflict:
            continue
    raise Transient(f"The rows of {job.cluster_id} are changed by others all the time; the message will come again.")


def _once(services: Services, job: Announcement) -> str:
    now = services.clock()
    view = look(services, job.cluster_id, now)
    _settle(services, job.cluster_id, view.left, view.row.value.silenced, now)
    if job.notice_id and job.notice_id not in {w.id for w in view.waiting}:
        return "told_already"
    if view.plan.due_at is not None and job.notice_id:
        services.enqueue(ANNOUNCEMENTS, encode(job), (view.plan.due_at - now).total_seconds())
    if view.plan.tells or view.plan.settled:
        _tell(services, job.cluster_id, view, now)
    log.info("announcement about %s: %s", segment(job.cluster_id, "managedClusters"), view.plan.reason)
    return view.plan.reason


def _tell(services: Services, cluster_id: str, view: View, now: datetime) -> None:
    """The announcement's transaction, then what follows from it."""
    made = view.plan
    told_at = view.row.value.told_at
    deliveries = _chat_deliveries(services, cluster_id, made, told_at, now)
    announced_at = now if made.tells else view.row.value.announced_at
    state = ClusterState(announced_at, made.settled, made.silenced, told_at | {d.receiver: now for d in deliveries})
    services.store.put_cluster(cluster_id, Row(state, view.row.etag), deliveries)
    pass_on(services, cluster_id, deliveries)
    settled = [w for w in view.waiting if w.id in made.settled]
    _settle(services, cluster_id, settled, made.silenced, now)


def _settle(services: Services, cluster_id: str, waiting: Sequence[Waiting], silenced: Sequence[str], now: datetime) -> None:
    """Takes away the rows that wait no longer; programs hear now of what a mute held back from them."""
    for batch in batched(waiting, MOST_CHANGES // (1 + len(services.settings.receivers)), strict=False):
        heard = [w.item for w in batch if w.held and w.id not in silenced]
        deliveries = [d for item in heard for d in program_deliveries(services, cluster_id, item, now)]
        services.store.settle(cluster_id, batch, deliveries)
        pass_on(services, cluster_id, deliveries)


# --- what each chat is told ---


def _chat_deliveries(services: Services, cluster_id: str, made: Plan, told_at: Mapping[str, datetime], now: datetime) -> list[Delivery]:
    """One for each chat that wants to hear of any of it; their contents are saved."""
    deliveries = []
    for receiver in filter(is_chat, services.settings.receivers):
        content = _content_for(services, receiver, cluster_id, made, told_at.get(receiver), now)
        if content is not None:
            deliveries.append(delivery_of(content.id, receiver, cluster_id, now))
    return deliveries


def _content_for(services: Services, receiver: str, cluster_id: str, made: Plan, told_at: datetime | None, now: datetime) -> Content | None:
    """The part that this chat's routes want: one pool as its own notice, several as a group. None: none of it.

    Where none of the news is for this chat, what goes on is told along only if it is time to remind of it.
    """
    items = [item for item in made.items if receiver in wanting(services, cluster_id, item)]
    open_pools = [(p, still_item(p.incident, p.notice_id, now)) for p in made.still if p.incident]
    still = [(p, item) for p, item in open_pools if receiver in wanting(services, cluster_id, item)]
    is_time = not made.items or (told_at is not None and now - told_at >= policy_of(services.settings).repeat)
    if not items and not (still and is_time):
        return None
    name = _name(receiver, made, still, now)
    lead = _lead_item(services, items[0]) if items else _lead_still(services, still[0][0], now)
    if lead is not None and len(items) + len(still) == 1:
        content: Content = replace(lead, id=name)
    else:
        content = Group(name, now, made.reason, cluster_id, segment(cluster_id, "managedClusters"), tuple(items), tuple(i for _, i in still), lead)
    save_content(services, content)
    return content


def _name(receiver: str, made: Plan, still: Sequence[tuple[PoolState, Item]], now: datetime) -> str:
    """The same for the same announcement, told again after a crash; another for another receiver."""
    told = ",".join(sorted(made.settled)) or f"{now.isoformat()}|{','.join(p.notice_id for p, _ in still)}"
    return hashlib.sha256(f"{receiver}|{made.reason}|{told}".encode()).hexdigest()[:24]


def _lead_item(services: Services, item: Item) -> Notice | None:
    """The notice in full; one that opened and changed before anybody was told opens now."""
    notice = load_content(services, item.notice_id)
    return replace(notice, kind=item.kind, woken_at=item.woken_at) if isinstance(notice, Notice) else None


def _lead_still(services: Services, pool: PoolState, now: datetime) -> Notice | None:
    """What was told last of an incident, as a reminder."""
    notice = load_content(services, pool.notice_id) if pool.notice_id else None
    if not isinstance(notice, Notice):
        return None
    return replace(notice, kind="changed", reason="reminder", at=now, incident=pool.incident, woken_at=None)
