"""Notify: notices become deliveries in the ledger, and deliveries become attempts to tell a receiver."""

import logging
import random
from datetime import datetime

from shared.errors import PullwatchError
from shared.flow.jobs import DELIVERIES, DeliveryJob
from shared.model import Delivery, Notice, decode, encode
from shared.services import Services
from shared.watch import outbox
from shared.watch.store import Conflict, Row

log = logging.getLogger("pullwatch")


def deliveries_of(services: Services, notice: Notice | None, now: datetime) -> list[Delivery]:
    if notice is None:
        return []
    return [Delivery(id=f"{notice.id}-{receiver}", notice_id=notice.id, cluster_id=notice.diagnosis.cluster.id,
                     receiver=receiver, created_at=now, updated_at=now) for receiver in services.settings.receivers]


def notice_blob(notice_id: str) -> str:
    return f"notices/{notice_id}.json"


def enqueue(services: Services, delivery: Delivery, delay_seconds: float = 0.0) -> None:
    services.enqueue(DELIVERIES, encode(DeliveryJob(delivery.cluster_id, delivery.id)), delay_seconds)


def deliver(services: Services, job: DeliveryJob) -> str:
    """One attempt to tell one receiver; its named outcome. The ledger row is written before and after."""
    row = services.store.delivery(job.cluster_id, job.delivery_id)
    if row is None:
        return "nothing_to_do"
    now = services.clock()
    reason = outbox.why_not_now(row.value, now)
    if reason:
        return reason
    try:
        row = services.store.put_delivery(Row(outbox.taken(row.value, now), row.etag))
    except Conflict:
        return "in_other_hands"
    notice = decode(services.load_blob(notice_blob(row.value.notice_id)), Notice)
    return _attempt(services, row, notice)


def _attempt(services: Services, row: Row[Delivery], notice: Notice) -> str:
    try:
        services.send(row.value.receiver, notice)
    except PullwatchError as error:
        return _after_failure(services, row, error)
    services.store.put_delivery(Row(outbox.delivered(row.value, services.clock()), row.etag))
    log.info("%s told: %s", row.value.receiver, notice.diagnosis.headline)
    return "delivered"


def _after_failure(services: Services, row: Row[Delivery], error: PullwatchError) -> str:
    now = services.clock()
    delivery = outbox.failed(row.value, error, now, random.random())  # noqa: S311 (jitter)
    services.store.put_delivery(Row(delivery, row.etag))
    if delivery.due_at is None:
        log.error("%s refused the message for good: %s", delivery.receiver, delivery.reason)
        return "parked"
    wait_seconds = (delivery.due_at - now).total_seconds()
    enqueue(services, delivery, wait_seconds)
    log.warning("%s not told yet, again in %.0f s: %s", delivery.receiver, wait_seconds, delivery.reason)
    return "retry_later"
