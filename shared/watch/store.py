"""The rows: one Azure Table, one partition per cluster, every change of a cluster in one transaction.

A row is ``{PartitionKey, RowKey, body}`` with the JSON of a value. Row keys: ``pool:NAME`` (PoolState),
``delivery:ID`` (Delivery). The partition ``events`` keeps a line about every event that was not used.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from shared.azure_ids import id_key, segment
from shared.errors import Transient
from shared.model import Delivery, Value, Wake, decode, encode
from shared.watch.state import PoolState

TABLE = "pullwatch"
EVENTS = "events"


class Row[T](NamedTuple):
    value: T
    etag: str | None
    """None: not stored yet."""


class Conflict(Transient):
    """Somebody else changed the row first: read again, decide again."""


class Store:
    """State in Azure Tables. ``client`` is an ``azure.data.tables.TableClient``."""

    def __init__(self, client: Any) -> None:
        self._table = client

    def pool(self, cluster_id: str, pool: str) -> Row[PoolState]:
        return self._get(cluster_id, _pool_key(pool), PoolState) or Row(PoolState(pool=pool), None)

    def delivery(self, cluster_id: str, delivery_id: str) -> Row[Delivery] | None:
        return self._get(cluster_id, f"delivery:{delivery_id}", Delivery)

    def put_pool(self, cluster_id: str, row: Row[PoolState], new_deliveries: Iterable[Delivery] = ()) -> None:
        """A pool's state and the deliveries it causes, all or nothing. Raises ``Conflict``."""
        changes = [_write(cluster_id, _pool_key(row.value.pool), row)]
        changes += [_write(cluster_id, f"delivery:{d.id}", Row(d, None)) for d in new_deliveries]
        with _conflicts():
            self._table.submit_transaction(changes)

    def put_delivery(self, row: Row[Delivery]) -> Row[Delivery]:
        """Raises ``Conflict``. Returns the row as it is now stored."""
        kind, entity, *options = _write(row.value.cluster_id, f"delivery:{row.value.id}", row)
        with _conflicts():
            if kind == "create":
                answer = self._table.create_entity(entity)
            else:
                answer = self._table.update_entity(entity, **options[0])
        return Row(row.value, answer["etag"])

    def all_pools(self) -> Iterator[tuple[str, Row[PoolState]]]:
        """(cluster id, state) of every pool with something in progress or an open incident."""
        for entity in self._between("pool:", "pool;"):
            row = _read(entity, PoolState)
            yield entity["cluster"], row

    def deliveries(self) -> Iterator[Row[Delivery]]:
        for entity in self._between("delivery:", "delivery;"):
            yield _read(entity, Delivery)

    def record_event(self, wake: Wake, now: datetime) -> None:
        """A line about an event that was rejected or ignored, without its contents."""
        digest = hashlib.sha256(encode(wake)).hexdigest()[:8]
        entity = {"PartitionKey": EVENTS, "RowKey": f"{now:%Y%m%dT%H%M%S.%f}-{digest}", "body": encode(wake).decode()}
        self._table.upsert_entity(entity)

    def recorded_events(self) -> Iterator[Wake]:
        for entity in self._table.query_entities("PartitionKey eq @p", parameters={"p": EVENTS}):
            yield decode(entity["body"], Wake)

    def _between(self, first: str, last: str) -> Iterator[Any]:
        return iter(self._table.query_entities("RowKey ge @first and RowKey lt @last", parameters={"first": first, "last": last}))

    def _get[T: Value](self, cluster_id: str, key: str, kind: type[T]) -> Row[T] | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return _read(self._table.get_entity(partition_key(cluster_id), key), kind)
        except ResourceNotFoundError:
            return None


def partition_key(cluster_id: str) -> str:
    """Readable, and legal in a table key whatever the id holds: ``prod-weu-1a2b3c4d5e6f``."""
    name = re.sub(r"[^a-z0-9-]", "-", segment(cluster_id, "managedClusters").lower())[:60]
    return f"{name}-{hashlib.sha256(id_key(cluster_id).encode()).hexdigest()[:12]}"


def _pool_key(pool: str) -> str:
    return f"pool:{re.sub(r'[^a-z0-9-]', '-', pool.lower())[:60]}"


def _read[T: Value](entity: Any, kind: type[T]) -> Row[T]:
    return Row(decode(entity["body"], kind), entity.metadata["etag"])


def _write(cluster_id: str, key: str, row: Row[Any]) -> tuple[Any, ...]:
    """One operation of a transaction: create a new row, or replace the version that was read."""
    from azure.core import MatchConditions
    from azure.data.tables import UpdateMode

    entity = {"PartitionKey": partition_key(cluster_id), "RowKey": key, "cluster": cluster_id, "body": encode(row.value).decode()}
    if row.etag is None:
        return ("create", entity)
    return ("update", entity, {"mode": UpdateMode.REPLACE, "etag": row.etag, "match_condition": MatchConditions.IfNotModified})


@contextmanager
def _conflicts() -> Iterator[None]:
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
    from azure.data.tables import TableTransactionError

    try:
        yield
    except (ResourceExistsError, ResourceModifiedError) as error:
        raise Conflict("The row was changed meanwhile.") from error
    except TableTransactionError as error:
        if str(getattr(error, "error_code", "")) in ("EntityAlreadyExists", "UpdateConditionNotSatisfied"):
            raise Conflict("A row of the transaction was changed meanwhile.") from error
        raise
