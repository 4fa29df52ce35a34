"""Notify: notices become rows that wait, rows become deliveries, and deliveries attempts to tell a receiver."""

import logging
import random
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from shared.errors import Permanent, PullwatchError, Throttled, Transient
from shared.flow.jobs import ANNOUNCEMENTS, DELIVERIES, Announcement, DeliveryJob
from shared.model import Bulletin, Content, Delivery, Group, Item, Notice, Value, encode
from shared.report.headline import item_of
from shared.services import Services
from shared.telemetry import count, measure
from shared.watch import outbox
from shared.watch.mutes import muted_until
from shared.watch.routes import is_chat, wants
from shared.watch.state import Past, Turn, Waiting
from shared.watch.store import Conflict, Row

log = logging.getLogger("pullwatch")

MOST_CONFLICTS = 8

# --- what is to be told ---


def rows_of(services: Services, notice: Notice | None, past: Past | None, now: datetime) -> list[Value]:
    """The rows a notice is written as, and what is kept of what it says is over: it waits for people; programs get it at once, unless a mute holds it back.

    Its content is saved first: a row may not name what is not there.
    """
    if notice is None:
        return []
    save_content(services, notice)
    cluster, item = notice.diagnosis.cluster.id, item_of(notice)
    held = muted_until(services.settings.mutes, cluster, item.pool, item.cause, now) is not None
    programs = [] if held else program_deliveries(services, cluster, item, now)
    return [Waiting(item, item.cause, now, held), *([past] if past else []), *programs]


def program_deliveries(services: Services, cluster_id: str, item: Item, now: datetime) -> list[Delivery]:
    """One for each receiver that is told facts one by one."""
    return [delivery_of(item.notice_id, receiver, cluster_id, now) for receiver in wanting(services, cluster_id, item) if not is_chat(receiver)]


def wanting(services: Services, cluster_id: str, item: Item) -> list[str]:
    """The receivers whose routes want to hear of it."""
    settings = services.settings
    return [r for r in settings.receivers if wants(r, settings.routes, cluster_id, item.pool, item.cause, item.severity)]


def delivery_of(content_id: str, receiver: str, cluster_id: str, now: datetime) -> Delivery:
    return Delivery(id=f"{content_id}-{receiver}", notice_id=content_id, cluster_id=cluster_id, receiver=receiver, created_at=now, updated_at=now)


def pass_on(services: Services, cluster_id: str, rows: Iterable[Value]) -> None:
    """A queue message for each row that is to be acted on. One that is lost here, the housekeeping sends again."""
    for row in rows:
        if isinstance(row, Delivery):
            enqueue(services, row)
        elif isinstance(row, Waiting):
            services.enqueue(ANNOUNCEMENTS, encode(Announcement(cluster_id, row.id)), services.settings.group_wait_seconds)


# --- contents: a blob each ---


def save_content(services: Services, content: Content) -> None:
    services.save_blob(content_blob(content.id), encode(content))


def load_content(services: Services, content_id: str) -> Content | None:
    """None: it has been expired."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        blob = services.load_blob(content_blob(content_id))
    except ResourceNotFoundError:
        return None
    return msgspec.json.decode(blob, type=Notice | Group | Bulletin)


def content_blob(content_id: str) -> str:
    return f"notices/{content_id}.json"


# --- telling it ---


def enqueue(services: Services, delivery: Delivery, delay_seconds: float = 0.0) -> None:
    services.enqueue(DELIVERIES, encode(DeliveryJob(delivery.cluster_id, delivery.id)), delay_seconds)


def deliver(services: Services, job: DeliveryJob) -> str:
    """One attempt to tell one receiver; its named outcome. The ledger row is written before and after."""
    row = services.store.delivery(job.cluster_id, job.delivery_id)
    if row is None:
        return "nothing_to_do"
    now = services.clock()
    reason = outbox.why_not_now(row.value, now)
    if reason == "not_due":
        _enqueue_when_due(services, row.value, now)
    if reason:
        return reason
    try:
        if why := outbox.cut_off_too_often(row.value, now):
            return _park(services, row, why)
        turn_at = _take_turn(services, row.value, now)
        if turn_at > now:
            return _wait_for_turn(services, row, turn_at, now)
        row = services.store.put_delivery(Row(outbox.taken(row.value, now), row.etag))
    except Conflict:
        return "in_other_hands"
    return _attempt(services, row)


def _take_turn(services: Services, delivery: Delivery, now: datetime) -> datetime:
    """Keeps the receiver free for one message; when."""
    return _change_turn(services, delivery.receiver, lambda turn: outbox.next_turn(turn, delivery, now))


def _change_turn[T](services: Services, receiver: str, change: Callable[[Turn], tuple[T, Turn]]) -> T:
    """Raises ``Transient`` if others are faster all the time."""
    for _ in range(MOST_CONFLICTS):
        row = services.store.turn(receiver)
        answer, changed = change(row.value)
        try:
            if changed != row.value:
                services.store.put_turn(Row(changed, row.etag))
        except Conflict:
            continue
        return answer
    raise Transient(f"Many deliveries to {receiver} are waiting for their turn; the message will come again.")


def _wait_for_turn(services: Services, row: Row[Delivery], turn_at: datetime, now: datetime) -> str:
    waiting = outbox.waits_its_turn(row.value, turn_at)
    services.store.put_delivery(Row(waiting, row.etag))
    _enqueue_when_due(services, waiting, now)
    return "waits_its_turn"


def _enqueue_when_due(services: Services, delivery: Delivery, now: datetime) -> None:
    enqueue(services, delivery, (delivery.due_at - now).total_seconds() if delivery.due_at else 0.0)


def _attempt(services: Services, row: Row[Delivery]) -> str:
    delivery = row.value
    try:
        content = load_content(services, delivery.notice_id)
        if content is None:
            raise Permanent("What it tells was deleted, because it is older than PULLWATCH_KEEP_DAYS.")
        services.send(delivery.receiver, content)
    except PullwatchError as error:
        return _after_failure(services, row, error)
    now = services.clock()
    services.store.put_delivery(Row(outbox.delivered(delivery, now), row.etag))
    _record_told(delivery, content, now)
    return "delivered"


def _record_told(delivery: Delivery, content: Content, now: datetime) -> None:
    """How long it took: from the notice, and from the event that woke us, for each thing told."""
    count("deliveries", receiver=delivery.receiver, outcome="delivered", reason="accepted")
    measure("delivery.dwell", (now - delivery.created_at).total_seconds(), "s", receiver=delivery.receiver)
    waited = [((now - one.woken_at).total_seconds(), one.kind) for one in _news_in(content) if one.woken_at]
    for seconds, kind in waited:
        measure("event.dwell", seconds, "s", receiver=delivery.receiver, kind=kind)
    after = f", {max(waited)[0]:.0f} s after its event" if waited else ""
    log.info("%s told: %s%s", delivery.receiver, delivery.notice_id, after)


def _news_in(content: Content) -> tuple[Notice | Item, ...]:
    match content:
        case Notice():
            return (content,)
        case Group():
            return content.items
        case _:
            return ()


def _after_failure(services: Services, row: Row[Delivery], error: PullwatchError) -> str:
    now = services.clock()
    delivery = outbox.failed(row.value, error, now, random.random())  # noqa: S311 (jitter)
    if delivery.due_at is None:
        return _park(services, row, delivery.reason, type(error).__name__)
    services.store.put_delivery(Row(delivery, row.etag))
    _enqueue_when_due(services, delivery, now)
    if isinstance(error, Throttled):
        _close_for(services, delivery.receiver, delivery.due_at)
    wait_seconds = (delivery.due_at - now).total_seconds()
    count("deliveries", receiver=delivery.receiver, outcome="retry_later", reason=type(error).__name__)
    log.warning("%s not told yet, again in %.0f s: %s", delivery.receiver, wait_seconds, delivery.reason)
    return "retry_later"


def _close_for(services: Services, receiver: str, until: datetime) -> None:
    """A receiver that asked for a pause gets one from all deliveries, not only from the one it answered."""
    _change_turn(services, receiver, lambda turn: (None, outbox.closed(turn, until)))


def _park(services: Services, row: Row[Delivery], reason: str, kind: str = "Permanent") -> str:
    delivery = outbox.parked(row.value, reason, services.clock())
    services.store.put_delivery(Row(delivery, row.etag))
    log.error("%s is not told, and it is not tried again: %s", delivery.receiver, reason)
    count("deliveries", receiver=delivery.receiver, outcome="parked", reason=kind)
    return "parked"
