"""Storage queues as Azure's host uses them: message encoding, and queues that are made when first written to."""

import base64
import binascii
import contextlib
from collections.abc import Mapping

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.host.config import Queues
from local.host.functions import Binding

MAX_MESSAGES_PER_REQUEST = 32
POISON_SUFFIX = "-poison"


class Storage:
    """The queues of one app, by binding or by name in its own storage account."""

    def __init__(self, settings: Mapping[str, str], queues: Queues) -> None:
        self._settings = settings
        self._base64 = queues.message_encoding == "base64"
        self._clients: dict[tuple[str, str], QueueClient] = {}

    def queue_of(self, binding: Binding) -> QueueClient:
        return self.client(binding.properties["queueName"], binding)

    def poison_queue_of(self, binding: Binding) -> QueueClient:
        return self.client(binding.properties["queueName"] + POISON_SUFFIX, binding)

    def client(self, queue: str, binding: Binding | None = None) -> QueueClient:
        """Raises ``HostError`` when the connection's setting is missing."""
        connection = (binding or Binding("", "queue", {})).storage(self._settings)
        key = (connection, queue)
        if key not in self._clients:
            self._clients[key] = QueueClient.from_connection_string(connection, queue, retry_total=0)
        return self._clients[key]

    def send(self, queue: QueueClient, text: str) -> None:
        """Puts one message, encoded as host.json says."""
        put(queue, base64.b64encode(text.encode()).decode() if self._base64 else text)

    def decode(self, message: QueueMessage) -> str:
        """The text of a message. Raises ``ValueError`` when it is not encoded as host.json says."""
        if not self._base64:
            return str(message.content)
        try:
            return base64.b64decode(message.content, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("The message is not base64-encoded text, as host.json's messageEncoding demands.") from None

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def put(queue: QueueClient, content: str) -> None:
    """Puts one message as it is, and makes the queue if need be."""
    try:
        queue.send_message(content)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # somebody else was quicker
            queue.create_queue()
        queue.send_message(content)
