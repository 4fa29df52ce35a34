"""Everything the flow writes to, in memory, with a hook at every read and around every write: where a crash or another worker comes in.

The store, the decisions and the flow are the real ones; only the SDK clients below them are played.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableTransactionError

from shared.model import Content
from shared.services import Services
from shared.settings import Settings
from shared.watch.store import Store

T0 = datetime(2026, 11, 24, 10, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone: nothing in it can catch this."""


class Entity(dict[str, Any]):
    """A row with its ETag, as the SDK gives it."""

    def __init__(self, values: dict[str, Any], etag: str) -> None:
        super().__init__(values)
        self.metadata = {"etag": etag}


class MemoryTable:
    """As much of ``azure.data.tables.TableClient`` as the store uses: ETags, transactions, range queries."""

    def __init__(self, on_access: Callable[[str], None]) -> None:
        self.rows: dict[tuple[str, str], Entity] = {}
        self.commits: list[list[tuple[str, dict[str, Any]]]] = []
        self._on_access = on_access
        self._etags = itertools.count(1)

    def get_entity(self, partition: str, key: str) -> Entity:
        self._on_access("read")
        try:
            return self.rows[partition, key]
        except KeyError:
            raise ResourceNotFoundError from None

    def create_entity(self, entity: dict[str, Any]) -> dict[str, str]:
        return self._apply([("create", entity)], single=True)

    def update_entity(self, entity: dict[str, Any], **options: Any) -> dict[str, str]:
        return self._apply([("update", entity, options)], single=True)

    def upsert_entity(self, entity: dict[str, Any]) -> None:
        self._apply([("upsert", entity)], single=True)

    def delete_entity(self, partition: str, key: str) -> None:
        if (partition, key) in self.rows:
            self._apply([("delete", {"PartitionKey": partition, "RowKey": key})], single=True)

    def submit_transaction(self, changes: list[tuple[Any, ...]]) -> None:
        keys = [(entity["PartitionKey"], entity["RowKey"]) for _, entity, *_ in changes]
        assert len(changes) <= 100
        assert len(set(keys)) == len(keys)
        assert len({partition for partition, _ in keys}) == 1
        self._apply(changes, single=False)

    def query_entities(self, query: str, parameters: dict[str, str]) -> Iterator[Entity]:
        self._on_access("read")
        tests = re.findall(r"(\w+) (eq|ge|lt) @(\w+)", query)
        for entity in [row for _, row in sorted(self.rows.items())]:
            if all(_holds(entity[column], operator, parameters[name]) for column, operator, name in tests):
                yield entity

    def _apply(self, changes: list[tuple[Any, ...]], *, single: bool) -> dict[str, str]:
        self._on_access("before")
        for kind, entity, *options in changes:
            self._check(kind, entity, options[0] if options else {}, single)
        etag = ""
        for kind, entity, *_ in changes:
            key, etag = (entity["PartitionKey"], entity["RowKey"]), str(next(self._etags))
            assert all(len(value.encode("utf-16-le")) <= 65_536 for value in entity.values() if isinstance(value, str))
            if kind == "delete":
                del self.rows[key]
            else:
                self.rows[key] = Entity(entity, etag)
        self.commits.append([(kind, entity) for kind, entity, *_ in changes])
        self._on_access("after")
        return {"etag": etag}

    def _check(self, kind: str, entity: dict[str, Any], options: dict[str, Any], single: bool) -> None:
        present = self.rows.get((entity["PartitionKey"], entity["RowKey"]))
        if kind == "create" and present is not None:
            raise ResourceExistsError if single else _refused("EntityAlreadyExists")
        if kind in ("update", "delete") and present is None:
            raise ResourceNotFoundError if single else _refused("ResourceNotFound")
        if kind == "update" and present is not None and present.metadata["etag"] != options["etag"]:
            raise ResourceModifiedError if single else _refused("UpdateConditionNotSatisfied")


def _holds(value: str, operator: str, other: str) -> bool:
    return {"eq": value == other, "ge": value >= other, "lt": value < other}[operator]


def _refused(code: str) -> TableTransactionError:
    error = TableTransactionError(message=code, response=None)
    error.error_code = code
    return error


class Message(NamedTuple):
    visible_at: datetime
    number: int
    queue: str
    body: bytes


class MemoryServices(Services):
    """The real ``Services`` over memory. ``interrupt`` is called with ``read``, and around every write with ``before`` and ``after``."""

    def __init__(self, settings: Settings, send: Callable[[str, Content], None]) -> None:
        self.now = T0
        super().__init__(settings, clock=lambda: self.now, send=send)
        self.interrupt: Callable[[str], None] = lambda _: None
        self.table = MemoryTable(self._on_access)
        self.messages: list[Message] = []
        self.blobs: dict[str, bytes] = {}
        self.written_at: dict[str, datetime] = {}
        self.poison: dict[str, int] = defaultdict(int)
        self._numbers = itertools.count()

    def _on_access(self, when: str) -> None:
        self.interrupt(when)

    @cached_property
    def store(self) -> Store:
        return Store(self.table)

    def enqueue(self, queue: str, body: bytes, delay_seconds: float = 0.0) -> None:
        assert len(body) < 48_000
        self.interrupt("before")
        self.messages.append(Message(self.now + timedelta(seconds=max(0.0, delay_seconds)), next(self._numbers), queue, body))
        self.interrupt("after")

    def queue_length(self, queue: str) -> int:
        return self.poison[queue]

    def save_blob(self, name: str, data: bytes) -> None:
        self.interrupt("before")
        self.blobs[name] = data
        self.written_at[name] = self.now
        self.interrupt("after")

    def load_blob(self, name: str) -> bytes:
        try:
            return self.blobs[name]
        except KeyError:
            raise ResourceNotFoundError from None

    def delete_old_blobs(self, prefix: str, before: datetime) -> int:
        old = [name for name in self.blobs if name.startswith(prefix) and self.written_at[name] < before]
        for name in old:
            del self.blobs[name]
        return len(old)

    def visible(self) -> list[Message]:
        return sorted(message for message in self.messages if message.visible_at <= self.now)
