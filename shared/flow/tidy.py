"""The housekeeping: what time closes is closed, what a crash left behind is taken up, what had its time goes."""

import hashlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby

from msgspec.structs import replace

from shared import units
from shared.azure_ids import id_key
from shared.flow import outgoing
from shared.flow.announce import look
from shared.flow.jobs import ANNOUNCEMENTS, ASSESSMENTS, DELIVERIES, EVENTS, Announcement, Assessment
from shared.flow.wake import decide
from shared.model import Bulletin, Delivery, Severity, Wake, encode
from shared.services import Services
from shared.watch import operations, outbox
from shared.watch.state import PoolState
from shared.watch.store import OURS, Conflict, Row

log = logging.getLogger("pullwatch")

STUCK_AFTER = timedelta(minutes=5)
"""A watch without a sign of life for so long lost its message in a crash."""
QUEUES = (EVENTS, ASSESSMENTS, ANNOUNCEMENTS, DELIVERIES)
FRESH = timedelta(days=1)
"""What was parked since then is news."""


def tidy(services: Services) -> None:
    """All of it, most urgent first."""
    pools = list(services.store.all_pools())
    _close_operations(services, [(cluster, row.value) for cluster, row in pools])
    deliveries = [row.value for row in services.store.deliveries()]
    for delivery in deliveries:
        if outbox.left_behind(delivery, services.clock()):
            outgoing.enqueue(services, delivery)
    waiting = {cluster for cluster, _ in services.store.all_waiting()}
    _announce(services, waiting | {cluster for cluster, row in pools if row.value.incident})
    _report(services, _problems(services, deliveries))
    _expire_daily(services, deliveries)


# --- operations and announcements ---


def _close_operations(services: Services, pools: Iterable[tuple[str, PoolState]]) -> None:
    settings = services.settings
    scale_out, timeout = timedelta(minutes=settings.scale_out_minutes), timedelta(minutes=settings.operation_timeout_minutes)
    for cluster_id, pool in pools:
        if pool.operations:
            wake = Wake(kind="ignored", cluster_id=cluster_id, pool=pool.pool)
            decide(services, wake, lambda state: operations.on_time(state, services.clock(), scale_out, timeout))
            _resume(services, cluster_id, pool, services.clock())


def _resume(services: Services, cluster_id: str, state: PoolState, now: datetime) -> None:
    """An operation that nobody assesses any more lost its message: it gets a new one."""
    settings = services.settings
    patience = STUCK_AFTER + 2 * timedelta(seconds=max(settings.watch_interval_seconds, settings.metrics_lag_seconds))
    for operation in state.operations:
        assessed_at = state.assessed_at if operation is state.operation else None
        last_sign = max(assessed_at or operation.seen_at, operation.seen_at)
        if now - last_sign > patience:
            final = operation.ended_at is not None
            services.enqueue(ASSESSMENTS, encode(Assessment(cluster_id, state.pool, operation.id, final, "resumed")))


def _announce(services: Services, clusters: Iterable[str]) -> None:
    """Reminders, the ends of mutes, and announcements whose message was lost: all that no message asks for."""
    for cluster_id in sorted({id_key(c): c for c in clusters}.values()):
        if look(services, cluster_id, services.clock()).to_do:
            services.enqueue(ANNOUNCEMENTS, encode(Announcement(cluster_id)))


# --- is Pullwatch itself well? ---


def _problems(services: Services, deliveries: Iterable[Delivery]) -> dict[str, str]:
    """Name → sentence, of what a person has to look at."""
    found = {}
    for queue in QUEUES:
        if count := services.queue_length(f"{queue}-poison"):
            found[f"{queue}-poison"] = (f"{units.counted(count, 'message')} failed five times, now in the queue {queue}-poison: read the function's log, "
                                        "then put back what it was, or delete it")
    since = services.clock() - FRESH
    parked = sorted((d for d in deliveries if d.status == "parked" and d.cluster_id != OURS and d.updated_at > since), key=_receiver)
    for receiver, group in groupby(parked, key=_receiver):
        refused = list(group)
        found[f"parked-{receiver}"] = (f"{receiver} was not told {units.counted(len(refused), 'message')} in the last day: {refused[-1].reason} "
                                       "Once that is mended: pullwatch.py redeliver --parked")
    return found


def _receiver(delivery: Delivery) -> str:
    return delivery.receiver


def _report(services: Services, problems: dict[str, str]) -> None:
    """Once a day for each problem, to all receivers. Written first, sent then, as everything else is."""
    row, now = services.store.housekeeping(), services.clock()
    today = f"{now:%Y-%m-%d}"
    new = {name: text for name, text in problems.items() if row.value.reported_on.get(name) != today}
    if not new:
        return
    digest = hashlib.sha256(",".join(sorted(new)).encode()).hexdigest()[:8]
    bulletin = Bulletin(f"health-{today}-{digest}", "health", now, Severity.WARNING, "Pullwatch itself needs a look", tuple(new.values()))
    outgoing.save_content(services, bulletin)
    deliveries = [outgoing.delivery_of(bulletin.id, receiver, OURS, now) for receiver in services.settings.receivers]
    reported = {name: day for name, day in row.value.reported_on.items() if day == today} | dict.fromkeys(new, today)
    try:
        services.store.put_housekeeping(Row(replace(row.value, reported_on=reported), row.etag), deliveries)
    except Conflict:
        return  # another timer run reports it
    outgoing.pass_on(services, OURS, deliveries)


# --- what has had its time ---


def _expire_daily(services: Services, deliveries: Iterable[Delivery]) -> None:
    row, now = services.store.housekeeping(), services.clock()
    today = f"{now:%Y-%m-%d}"
    if row.value.expired_on == today:
        return
    _expire(services, deliveries, now)
    try:
        services.store.put_housekeeping(Row(replace(row.value, expired_on=today), row.etag))
    except Conflict:
        log.info("another run of the housekeeping was faster")


def _expire(services: Services, deliveries: Iterable[Delivery], now: datetime) -> None:
    settings, store = services.settings, services.store
    short, long = now - timedelta(days=settings.keep_delivered_days), now - timedelta(days=settings.keep_days)
    old: dict[str, Callable[[Delivery], bool]] = {
        "delivered": lambda d: d.updated_at < short, "parked": lambda d: d.updated_at < long,
    }
    store.remove_deliveries([d for d in deliveries if d.status in old and old[d.status](d)])
    store.remove_old(events_before=short, past_before=long)
    blobs = sum(services.delete_old_blobs(prefix, long) for prefix in ("cases/", "notices/"))
    log.info("expired what is older than the settings say; %d blobs", blobs)
