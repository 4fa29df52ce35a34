"""The outside world, built lazily and once: Azure, storage, receivers, the clock.

Tests build ``Services`` with their own clock, Azure or sender; everything else is the real thing.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Any

from shared.collect.azure import Azure, credential
from shared.collect.clouds import cloud
from shared.collect.fleet import Fleet, read_fleet
from shared.errors import Misconfigured
from shared.model import Content
from shared.report.message import Links
from shared.settings import Settings, load
from shared.watch.store import TABLE, Store

FLEET_LIFETIME = timedelta(minutes=5)
"""How long the fleet is kept: a new pool is looked up again at once when it is missed."""
CONTAINER = "pullwatch"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Services:
    """One per process; shared by the functions that run in it."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now, azure: Azure | None = None,
                 send: Callable[[str, Content], None] | None = None) -> None:
        self.settings = settings
        self.clock = clock
        self._azure = azure
        self._send = send
        self._fleet: tuple[datetime, Fleet] | None = None
        self._fleet_lock = threading.Lock()

    # --- Azure ---

    @cached_property
    def _credential(self) -> Any:
        return credential(self.settings)

    @cached_property
    def azure(self) -> Azure:
        return self._azure or Azure(self.settings, self._credential)

    def fleet(self, *, fresh: bool = False) -> Fleet:
        """The watched fleet, kept for ``FLEET_LIFETIME``; ``fresh`` asks Azure whatever is kept."""
        with self._fleet_lock:
            now = self.clock()
            if fresh or self._fleet is None or now - self._fleet[0] > FLEET_LIFETIME:
                self._fleet = (now, read_fleet(self.azure, self.settings.clusters))
            return self._fleet[1]

    # --- receivers ---

    def send(self, receiver: str, content: Content) -> None:
        """Delivers one content to one receiver. Raises the errors of ``shared.errors``."""
        if self._send is not None:
            self._send(receiver, content)
            return
        from shared.notify.delivery import send

        needed = self._credential if receiver.startswith("eventgrid") else None
        send(receiver, content, self.settings, links(self.settings), self.clock(), credential=needed)

    # --- storage: the function app's own account ---

    @cached_property
    def store(self) -> Store:
        from azure.data.tables import TableServiceClient

        service = self._storage_client(TableServiceClient, "table")
        return Store(service.create_table_if_not_exists(TABLE))

    def enqueue(self, queue: str, body: bytes, delay_seconds: float = 0.0) -> None:
        """One message, not seen before the delay has passed. The host expects base64."""
        self._queue(queue).send_message(body.decode(), visibility_timeout=max(0, ceil(delay_seconds)))

    def queue_length(self, queue: str) -> int:
        """Approximate number of messages; a queue that does not exist yet has none."""
        return int(self._queue(queue).get_queue_properties().approximate_message_count or 0)

    def _queue(self, name: str) -> Any:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.queue import QueueServiceClient, TextBase64EncodePolicy

        if name not in self._queues:
            service = self._storage_client(QueueServiceClient, "queue")
            client = service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy())
            with suppress(ResourceExistsError):
                client.create_queue()
            self._queues[name] = client
        return self._queues[name]

    @cached_property
    def _queues(self) -> dict[str, Any]:
        return {}

    def save_blob(self, name: str, data: bytes) -> None:
        self._container.upload_blob(name, data, overwrite=True)

    def load_blob(self, name: str) -> bytes:
        found: bytes = self._container.download_blob(name).readall()
        return found

    def delete_old_blobs(self, prefix: str, before: datetime) -> int:
        """Deletes the blobs of a folder that were written before then; how many."""
        old = [blob.name for blob in self._container.list_blobs(name_starts_with=prefix) if blob.last_modified < before]
        for name in old:
            self._container.delete_blob(name)
        return len(old)

    @cached_property
    def _container(self) -> Any:
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobServiceClient

        client = self._storage_client(BlobServiceClient, "blob").get_container_client(CONTAINER)
        with suppress(ResourceExistsError):
            client.create_container()
        return client

    def _storage_client(self, kind: Any, service: str) -> Any:
        connection = self.settings.storage_connection_string
        if connection:
            return kind.from_connection_string(connection.reveal())
        account = self.settings.storage_account_name
        if not account:
            raise Misconfigured("No storage is set: give AzureWebJobsStorage a connection string, or AzureWebJobsStorage__accountName the account's name.")
        suffix = {"AzureCloud": "core.windows.net", "AzureUSGovernment": "core.usgovcloudapi.net",
                  "AzureChinaCloud": "core.chinacloudapi.cn"}[self.settings.azure_cloud]
        url = f"https://{account}.{service}.{suffix}"
        key = "endpoint" if service == "table" else "account_url"
        return kind(**{key: url}, credential=self._credential)


def links(settings: Settings) -> Links:
    """Where the links of every message lead."""
    return Links(portal=cloud(settings).portal, runbook=settings.runbook_url)


_services: Services | None = None


def services(environ: Mapping[str, str] = os.environ) -> Services:
    """The process's own, built anew when a setting changed. Raises ``Misconfigured`` for a wrong one."""
    global _services  # noqa: PLW0603 (one per process: clients are costly to build)
    settings = load(environ)
    if _services is None or _services.settings != settings:
        _services = Services(settings)
    return _services
