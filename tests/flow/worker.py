"""A worker process for the test that kills it: ``python -m tests.flow.worker``. Takes messages until it dies.

Every assessment finds its pool slow. What others left is taken up after seconds, not minutes; nothing else differs.
"""

import os
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy
from msgspec.structs import replace

from shared.errors import Transient
from shared.flow import assess
from shared.flow.announce import announce
from shared.flow.jobs import ANNOUNCEMENTS, ASSESSMENTS, DELIVERIES, Announcement, Assessment, DeliveryJob
from shared.flow.outgoing import deliver
from shared.flow.tidy import tidy
from shared.model import Case, decode
from shared.services import Services
from shared.settings import load
from shared.watch import outbox
from tests.report import samples

LEASE_SECONDS = 2
TIDY_SECONDS = 1.0


def assess_slow(services: Services, job: Assessment) -> None:
    """The end of an assessment, from a diagnosis on."""
    now = services.clock()
    diagnosis = replace(samples.DISK_IOPS, id=f"d-{job.pool}-{now:%H%M%S%f}", pool=replace(samples.POOL, name=job.pool), operation=None)
    case = Case(diagnosis.id, now, diagnosis.cluster, diagnosis.pool, diagnosis.window)
    assess._conclude(services, job, case, diagnosis)


def work(services: Services, queue: str, body: str) -> None:
    match queue:
        case "assessments":
            assess_slow(services, decode(body, Assessment))
        case "announcements":
            announce(services, decode(body, Announcement))
        case _:
            deliver(services, decode(body, DeliveryJob))


def take_one(services: Services, client: Any) -> bool:
    """One message, if there is any; it comes again after its lease if this process dies or the work fails."""
    try:
        message = next(iter(client.receive_messages(max_messages=1, visibility_timeout=LEASE_SECONDS)), None)
    except ResourceNotFoundError:
        return False
    if message is None:
        return False
    try:
        work(services, client.queue_name, message.content)
        client.delete_message(message)
    except (Transient, ResourceNotFoundError):
        pass  # the lease ends; or it ended, and another worker was done first
    return True


def main() -> None:
    outbox.STUCK_AFTER = timedelta(seconds=3)
    services = Services(load(os.environ))
    queues = QueueServiceClient.from_connection_string(services.settings.storage_connection_string.reveal())
    clients = [queues.get_queue_client(name, message_decode_policy=TextBase64DecodePolicy()) for name in (ASSESSMENTS, ANNOUNCEMENTS, DELIVERIES)]
    tidied = time.monotonic()
    while True:
        if sum(take_one(services, client) for client in clients) == 0:
            time.sleep(0.05)
        if time.monotonic() - tidied > TIDY_SECONDS:
            with suppress(Transient, ResourceExistsError):  # the next run is near
                tidy(services)
            tidied = time.monotonic()


if __name__ == "__main__":
    main()
