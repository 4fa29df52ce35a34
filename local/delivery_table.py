"""What a failing receiver costs: ``python -m local.delivery_table``.

Real storage emulator, real HTTPS receiver, the product's own ledger and queue; the queue is polled without pause,
where Azure's host polls every few seconds at most. Beside it what Alertmanager 0.25 and Robusta's Teams sender did with the
same answers, as measured on a loopback receiver (group_wait 1 s, group_interval 10 s).
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy

from local.azurite import Azurite
from local.receivers import Answer, Fault, Receivers
from shared.flow import outgoing
from shared.flow.jobs import DELIVERIES, DeliveryJob
from shared.model import Bulletin, Delivery, Severity, decode
from shared.services import Services
from shared.settings import load
from shared.watch.store import OURS, Row

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.02
CASES: dict[str, tuple[Answer | Fault, ...]] = {
    "well": (),
    "3 × 503, then 200": (Answer(503),) * 3,
    "429, Retry-After: 1": (Answer(429, headers={"Retry-After": "1"}),),
    "400 for good": (Answer(400, "no_service"),),
    "connection reset": (Fault.RESET,),
    "another receiver hangs": (),
}
OTHERS = {
    "well": ("1.01 s, group_wait 1 s", "0.01 s"), "3 × 503, then 200": ("delivered, + 1.8 s", "lost"),
    "429, Retry-After: 1": ("delivered, + 10 s, a group_interval", "lost"), "400 for good": ("1 try an interval", "lost"),
    "connection reset": ("not measured", "not measured"), "another receiver hangs": ("not delayed", "delayed by more than 15 s"),
}
"""(Alertmanager, Robusta)."""


class Measured(msgspec.Struct, frozen=True):
    case: str
    outcome: str
    attempts: int
    seconds: float
    """From the notice to the last answer."""
    after_recovery_seconds: float
    """From the last answer that was none, after which the receiver was well, to the last."""


def measure() -> list[Measured]:
    """Every case, one after the other, with its own receivers."""
    before = dict(os.environ)
    try:
        with Azurite() as azurite:
            rows = []
            for case, script in CASES.items():
                time.sleep(1.1)  # a receiver is told one message a second, and all cases have the same ledger
                rows.append(_measure(case, script, azurite.connection_string))
            return rows
    finally:
        os.environ.clear()
        os.environ.update(before)


def _measure(case: str, script: tuple[Answer | Fault, ...], connection_string: str) -> Measured:
    done = threading.Event()
    with Receivers() as chats:
        os.environ.update(chats.environment | {"AzureWebJobsStorage": connection_string})
        chats.script("slack", *script)
        if case == "another receiver hangs":
            chats.script("teams", Fault.HANG)
        services = Services(load(os.environ))
        receivers = ("teams", "slack") if case == "another receiver hangs" else ("slack",)
        began = datetime.now(UTC)
        (told,) = [d for d in _tell(services, receivers) if d.receiver == "slack"]
        workers = _start_workers(services, connection_string, done)
        try:
            row = _wait(services, told)
        finally:
            done.set()
        answers = chats.of("slack")
    for worker in workers:
        worker.join()  # only now: the end of the receivers frees the one that sat with the hanging one
    last = answers[-1].at
    failed = answers[-2].at if len(answers) > 1 else last
    return Measured(case, row.status, row.attempts, (last - began).total_seconds(), (last - failed).total_seconds())


def _tell(services: Services, receivers: tuple[str, ...]) -> list[Delivery]:
    now = services.clock()
    bulletin = Bulletin(uuid4().hex, "test", now, Severity.NOTICE, "Pullwatch can reach this receiver")
    outgoing.save_content(services, bulletin)
    deliveries = [outgoing.delivery_of(bulletin.id, receiver, OURS, now) for receiver in receivers]
    for delivery in deliveries:
        services.store.put_delivery(Row(delivery, None))
    outgoing.pass_on(services, OURS, deliveries)
    return deliveries


def _start_workers(services: Services, connection_string: str, done: threading.Event) -> list[threading.Thread]:
    """Two threads that take deliveries from the queue until ``done``, as the host's function instances do."""
    threads = [threading.Thread(target=_work, args=(services, connection_string, done)) for _ in range(2)]
    for thread in threads:
        thread.start()
    return threads


def _work(services: Services, connection_string: str, done: threading.Event) -> None:
    queue: Any = QueueServiceClient.from_connection_string(connection_string).get_queue_client(DELIVERIES, message_decode_policy=TextBase64DecodePolicy())
    while not done.is_set():
        for message in queue.receive_messages(max_messages=1, visibility_timeout=30):
            outgoing.deliver(services, decode(message.content, DeliveryJob))
            queue.delete_message(message)
        time.sleep(POLL_SECONDS)


def _wait(services: Services, told: Delivery) -> Delivery:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        row = services.store.delivery(told.cluster_id, told.id)
        if row is not None and row.value.status in ("delivered", "parked"):
            return row.value
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{told.id} was not settled within {PATIENCE_SECONDS:.0f} s.")


def main() -> None:
    titles = ("receiver", "outcome", "tries", "in all", "after recovery", "Alertmanager", "Robusta")
    rows = [(m.case, m.outcome, str(m.attempts), f"{m.seconds:.2f} s", f"{m.after_recovery_seconds:.2f} s" if m.attempts > 1 else "–", *OTHERS[m.case])
            for m in measure()]
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    for row in [titles, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
