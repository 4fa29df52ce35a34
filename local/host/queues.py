"""Queue triggers: poll, run, delete on success, wait and retry on failure, park the poison.

As the host's queue listener does it ("Azure Queue storage trigger": concurrency, poison messages):
a batch of ``batchSize`` is fetched whenever no more than ``newBatchThreshold`` are in work. A
failed message becomes visible again after ``visibilityTimeout``; one that failed
``maxDequeueCount`` times moves to ``<queue>-poison``.
"""

import contextlib
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import ResourceNotFoundError, ServiceRequestError, ServiceResponseError
from azure.storage.queue import QueueMessage

from local.host.config import HostJson
from local.host.dispatch import Dispatcher
from local.host.functions import Function
from local.host.protos import protos
from local.host.storage import MAX_MESSAGES_PER_REQUEST, Storage, put

POLL_SECONDS = 0.1
"""Azure waits 2 s and more between polls of an empty queue; nobody wants to watch that here."""


class QueueListener:
    """One queue-triggered function's queue, polled by a thread of its own."""

    def __init__(self, function: Function, dispatcher: Dispatcher, storage: Storage, host_json: HostJson) -> None:
        self.function = function
        self._dispatcher = dispatcher
        self._storage = storage
        self._settings = host_json.extensions.queues
        # Held from others for as long as a function may run: Azure's host renews a shorter lease instead.
        self._lease_seconds = int(host_json.timeout_seconds) + 60
        self._queue = storage.queue_of(function.trigger)
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(self._settings.batch_size + self._settings.refetch_at, f"queue-{function.name}")
        self._thread = threading.Thread(target=self._poll, name=f"poll-{function.name}", daemon=True)

    @property
    def queue_name(self) -> str:
        return str(self._queue.queue_name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Takes no more messages and waits for those in work."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True)

    def visible(self) -> bool:
        """Whether a message waits that could be taken now."""
        try:
            return bool(self._queue.peek_messages(max_messages=1))
        except ResourceNotFoundError:
            return False

    def waiting(self) -> int:
        """Messages in the queue, those with a delay included."""
        try:
            return int(self._queue.get_queue_properties().approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0

    def _poll(self) -> None:
        in_work: list[Future[None]] = []
        while not self._stop.is_set():
            fetched = [] if len(in_work) > self._settings.refetch_at else self._fetch()
            if not fetched:
                with self._dispatcher.settled:
                    self._dispatcher.settled.wait(POLL_SECONDS)
            in_work = [work for work in in_work + fetched if not work.done() or work.result()]

    def _fetch(self) -> list[Future[None]]:
        """Takes a batch into work."""
        size = min(self._settings.batch_size, MAX_MESSAGES_PER_REQUEST)
        with self._dispatcher.intake:
            try:
                pages = self._queue.receive_messages(messages_per_page=size, visibility_timeout=self._lease_seconds).by_page()
                batch = list(next(pages))
            except (ResourceNotFoundError, ServiceRequestError, ServiceResponseError, StopIteration):
                return []  # no such queue yet, or the storage is away: as good as empty
            self._dispatcher.begin(len(batch))
        return [self._pool.submit(self._process, message) for message in batch]

    def _process(self, message: QueueMessage) -> None:
        try:
            with contextlib.suppress(ResourceNotFoundError):  # the queue was cleared meanwhile
                self._run(message)
        finally:
            self._dispatcher.end()

    def _run(self, message: QueueMessage) -> None:
        try:
            text = self._storage.decode(message)
        except ValueError:
            self._park(message)  # trying again would change nothing
            return
        if self._dispatcher.run(self.function, protos().TypedData(string=text), trigger_metadata(message, text)).succeeded:
            self._queue.delete_message(message)
        elif (message.dequeue_count or 1) >= self._settings.max_dequeue_count:
            self._park(message)
        else:
            self._queue.update_message(message, visibility_timeout=self._settings.retry_seconds)

    def _park(self, message: QueueMessage) -> None:
        put(self._storage.poison_queue_of(self.function.trigger), str(message.content))
        self._queue.delete_message(message)


def trigger_metadata(message: QueueMessage, text: str) -> dict[str, Any]:
    """What the host tells a function about its message, beside the text."""
    data = protos().TypedData
    return {
        "QueueTrigger": data(string=text), "Id": data(string=message.id), "PopReceipt": data(string=message.pop_receipt),
        "DequeueCount": data(json=json.dumps(message.dequeue_count)),
        "InsertionTime": _time(message.inserted_on), "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _time(moment: Any) -> Any:
    return protos().TypedData(json=json.dumps(moment.isoformat()))
