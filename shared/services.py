"""The outside world, built lazily and once: Azure, storage, receivers, the clock.

Tests build ``Services`` with their own clock, Azure or sender; everything else is the real thing.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from math import ceil
from typing import Any

from shared.collect.azure import Azure, credential
from shared.collect.clouds import cloud
from shared.collect.fleet import Fleet, read_fleet
from shared.collect.fleet_cache import FleetCache
from shared.errors import Misconfigured
from shared.model import Content, Group, Notice
from shared.report.links import report_page, signed_url
from shared.report.message import Links
from shared.settings import Settings, load
from shared.watch.store import TABLE, Store

CONTAINER = "pullwatch"
STORAGE_PATIENCE: dict[str, Any] = {
    "retry_total": 2, "initial_backoff": 0.5, "increment_base": 1, "random_jitter_range": 1, "connection_timeout": 5, "read_timeout": 30,
}
"""Storage that is down must not hold a function for the minutes that the SDKs wait by default: its message comes again."""


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
        self._fleet = FleetCache(lambda: read_fleet(self.azure, self.settings), _fleet_question(settings), clock, self._fleet_blob)

    # --- Azure ---

    @cached_property
    def _credential(self) -> Any:
        return credential(self.settings)

    @cached_property
    def azure(self) -> Azure:
        return self._azure or Azure(self.settings, self._credential)

    def fleet(self, *, fresh: bool = False) -> Fleet:
        """The watched fleet, kept for minutes and shared between instances; ``fresh`` for one read just now."""
        return self._fleet.get(fresh=fresh)

    def _fleet_blob(self) -> Any:
        """Where the fleet is shared; None where no storage is set, as at a terminal."""
        has_storage = self.settings.storage_connection_string or self.settings.storage_account_name
        return self._container.get_blob_client("fleet.json") if has_storage else None

    # --- receivers ---

    def send(self, receiver: str, content: Content) -> None:
        """Delivers one content to one receiver. Raises the errors of ``shared.errors``."""
        if self._send is not None:
            self._send(receiver, content)
            return
        from shared.notify.delivery import send

        needed = self._credential if receiver.startswith("eventgrid") else None
        send(receiver, content, self.settings, links(self.settings, content, self.clock()), self.clock(), credential=needed)

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
            try:
                return kind.from_connection_string(connection.reveal(), **STORAGE_PATIENCE)
            except ValueError:
                raise Misconfigured("AzureWebJobsStorage is no connection string: copy it whole from the storage account's access keys.") from None
        account = self.settings.storage_account_name
        if not account:
            raise Misconfigured("No storage is set: give AzureWebJobsStorage a connection string, or AzureWebJobsStorage__accountName the account's name.")
        suffix = {"AzureCloud": "core.windows.net", "AzureUSGovernment": "core.usgovcloudapi.net",
                  "AzureChinaCloud": "core.chinacloudapi.cn"}[self.settings.azure_cloud]
        url = f"https://{account}.{service}.{suffix}"
        key = "endpoint" if service == "table" else "account_url"
        return kind(**{key: url}, credential=self._credential, **STORAGE_PATIENCE)


def _fleet_question(settings: Settings) -> str:
    """Everything that decides which fleet is read."""
    named = ("azure_cloud", "resource_manager_endpoint", "subscriptions", "exclude_subscriptions", "clusters", "exclude_clusters",
             "cluster_tags", "exclude_cluster_tags")
    return repr([getattr(settings, name) for name in named])


def links(settings: Settings, content: Content | None = None, now: datetime | None = None) -> Links:
    """Where the links of a message lead; the report's only where the content has one and links can be signed."""
    diagnosis_id = _diagnosis_id(content)
    report = signed_page(settings, report_page(diagnosis_id), now or utc_now()) if diagnosis_id else ""
    return Links(portal=cloud(settings).portal, runbook=settings.runbook_url, report=report)


def _diagnosis_id(content: Content | None) -> str:
    match content:
        case Notice():
            return content.diagnosis.id
        case Group() if content.lead:
            return content.lead.diagnosis.id
        case _:
            return ""


def signed_page(settings: Settings, page: str, now: datetime) -> str:
    """A link that opens one page for ``PULLWATCH_LINK_HOURS``; empty where no address or no key is set."""
    if not (settings.public_url and settings.link_secret):
        return ""
    return signed_url(settings.public_url, settings.link_secret.reveal(), page, now)


_services: Services | None = None


def services(environ: Mapping[str, str] = os.environ) -> Services:
    """The process's own, built anew when a setting changed. Raises ``Misconfigured`` for a wrong one."""
    global _services  # noqa: PLW0603 (one per process: clients are costly to build)
    settings = load(environ)
    if _services is None or _services.settings != settings:
        _services = Services(settings)
    return _services
