"""The rows: one Azure Table, one partition per cluster, every change of a cluster in one transaction.

A row is ``{PartitionKey, RowKey, cluster, body}`` with the JSON of a value; a long body goes on in ``body1``,
``body2``, … Row keys: ``cluster``, ``pool:NAME``, ``waiting:ID``, ``delivery:ID``, ``past:TIME-ID``. Pullwatch's
own rows (``turn:RECEIVER``, ``housekeeping``, its own deliveries) stand in the partition of no cluster. The
partition ``events`` keeps a line about every event that was not used.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.azure_ids import id_key, segment
from shared.errors import Transient
from shared.model import Delivery, Value, Wake, decode, encode
from shared.watch.state import ClusterState, Housekeeping, Past, PoolState, Turn, Waiting

TABLE = "pullwatch"
EVENTS = "events"
OURS = ""
"""The "cluster" of what is Pullwatch's own."""
MOST_CHANGES = 100
"""Operations that one transaction of a table may hold."""
PROPERTY_CHARACTERS = 15_000
"""A string property holds 64 KiB, at most four bytes a character; a row a mebibyte."""


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

    # --- one row ---

    def pool(self, cluster_id: str, pool: str) -> Row[PoolState]:
        return self._get(cluster_id, _pool_key(pool), PoolState) or Row(PoolState(pool=pool), None)

    def cluster(self, cluster_id: str) -> Row[ClusterState]:
        return self._get(cluster_id, "cluster", ClusterState) or Row(ClusterState(), None)

    def delivery(self, cluster_id: str, delivery_id: str) -> Row[Delivery] | None:
        return self._get(cluster_id, f"delivery:{delivery_id}", Delivery)

    def turn(self, receiver: str) -> Row[Turn]:
        return self._get(OURS, f"turn:{receiver}", Turn) or Row(Turn(receiver, datetime.min.replace(tzinfo=UTC)), None)

    def housekeeping(self) -> Row[Housekeeping]:
        return self._get(OURS, "housekeeping", Housekeeping) or Row(Housekeeping(), None)

    # --- changes, each all or nothing; all raise Conflict ---

    def put_pool(self, cluster_id: str, row: Row[PoolState], new: Iterable[Value] = ()) -> None:
        """A pool's state, and what follows from it: the notice that waits, deliveries, the past."""
        self._commit([_write(cluster_id, _pool_key(row.value.pool), row), *_created(cluster_id, new)])

    def put_cluster(self, cluster_id: str, row: Row[ClusterState], new: Iterable[Delivery] = ()) -> None:
        self._commit([_write(cluster_id, "cluster", row), *_created(cluster_id, new)])

    def put_housekeeping(self, row: Row[Housekeeping], new: Iterable[Delivery] = ()) -> None:
        self._commit([_write(OURS, "housekeeping", row), *_created(OURS, new)])

    def put_delivery(self, row: Row[Delivery]) -> Row[Delivery]:
        """Returns the row as it is now stored."""
        return self._put(row.value.cluster_id, f"delivery:{row.value.id}", row)

    def put_turn(self, row: Row[Turn]) -> Row[Turn]:
        return self._put(OURS, f"turn:{row.value.receiver}", row)

    def settle(self, cluster_id: str, waiting: Iterable[Waiting], new: Iterable[Delivery]) -> None:
        """Notices that wait no longer, and the deliveries they become. At most ``MOST_CHANGES`` of both together."""
        partition = partition_key(cluster_id)
        gone: list[tuple[Any, ...]] = [("delete", {"PartitionKey": partition, "RowKey": _key(w)}) for w in waiting]
        if gone:
            self._commit([*gone, *_created(cluster_id, new)])

    # --- many rows ---

    def all_pools(self) -> Iterator[tuple[str, Row[PoolState]]]:
        """(cluster id, state) of every pool ever seen."""
        for entity in self._between("pool:", "pool;"):
            yield entity["cluster"], _read(entity, PoolState)

    def pools(self, cluster_id: str) -> list[PoolState]:
        return [_read(entity, PoolState).value for entity in self._between("pool:", "pool;", cluster_id)]

    def waiting(self, cluster_id: str) -> list[Waiting]:
        return [_read(entity, Waiting).value for entity in self._between("waiting:", "waiting;", cluster_id)]

    def all_waiting(self) -> Iterator[tuple[str, Waiting]]:
        """(cluster id, notice) of everything that people are yet to be told."""
        for entity in self._between("waiting:", "waiting;"):
            yield entity["cluster"], _read(entity, Waiting).value

    def deliveries(self) -> Iterator[Row[Delivery]]:
        for entity in self._between("delivery:", "delivery;"):
            yield _read(entity, Delivery)

    def past(self, since: datetime) -> list[Past]:
        """What ended since then, oldest first."""
        rows = [_read(entity, Past).value for entity in self._between(f"past:{_stamp(since)}", "past;")]
        return sorted(rows, key=lambda past: (past.at, past.id))

    # --- what has had its time ---

    def remove_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._table.delete_entity(partition_key(delivery.cluster_id), _key(delivery))

    def remove_old(self, events_before: datetime, past_before: datetime) -> None:
        query = "PartitionKey eq @partition and RowKey lt @last"
        events = self._table.query_entities(query, parameters={"partition": EVENTS, "last": _stamp(events_before)})
        for entity in [*events, *self._between("past:", f"past:{_stamp(past_before)}")]:
            self._table.delete_entity(entity["PartitionKey"], entity["RowKey"])

    # --- events that were not used ---

    def record_event(self, wake: Wake, now: datetime) -> None:
        """A line about an event that was rejected or ignored, without its contents."""
        digest = hashlib.sha256(encode(wake)).hexdigest()[:8]
        entity = {"PartitionKey": EVENTS, "RowKey": f"{now:%Y%m%dT%H%M%S.%f}-{digest}", "body": encode(wake).decode()}
        self._table.upsert_entity(entity)

    def recorded_events(self) -> Iterator[Wake]:
        for entity in self._table.query_entities("PartitionKey eq @p", parameters={"p": EVENTS}):
            yield decode(entity["body"], Wake)

    # --- how ---

    def _between(self, first: str, last: str, cluster_id: str | None = None) -> Iterator[Any]:
        query, parameters = "RowKey ge @first and RowKey lt @last", {"first": first, "last": last}
        if cluster_id is not None:
            query, parameters = f"PartitionKey eq @partition and {query}", parameters | {"partition": partition_key(cluster_id)}
        return iter(self._table.query_entities(query, parameters=parameters))

    def _get[T: Value](self, cluster_id: str, key: str, kind: type[T]) -> Row[T] | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return _read(self._table.get_entity(partition_key(cluster_id), key), kind)
        except ResourceNotFoundError:
            return None

    def _put[T: Value](self, cluster_id: str, key: str, row: Row[T]) -> Row[T]:
        kind, entity, *options = _write(cluster_id, key, row)
        with _conflicts():
            if kind == "create":
                answer = self._table.create_entity(entity)
            else:
                answer = self._table.update_entity(entity, **options[0])
        return Row(row.value, answer["etag"])

    def _commit(self, changes: list[tuple[Any, ...]]) -> None:
        with _conflicts():
            self._table.submit_transaction(changes)


def partition_key(cluster_id: str) -> str:
    """Readable, and legal in a table key whatever the id holds: ``prod-weu-1a2b3c4d5e6f``."""
    name = re.sub(r"[^a-z0-9-]", "-", segment(cluster_id, "managedClusters").lower())[:60]
    return f"{name}-{hashlib.sha256(id_key(cluster_id).encode()).hexdigest()[:12]}"


def _pool_key(pool: str) -> str:
    return f"pool:{re.sub(r'[^a-z0-9-]', '-', pool.lower())[:60]}"


def _key(value: Value) -> str:
    """The row key of a value that is created once."""
    match value:
        case Delivery():
            return f"delivery:{value.id}"
        case Waiting():
            return f"waiting:{value.id}"
        case Past():
            return f"past:{_stamp(value.at)}-{value.id}"
    raise TypeError(f"{type(value).__name__} has no row of its own")


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}"


def _read[T: Value](entity: Any, kind: type[T]) -> Row[T]:
    return Row(decode(_body(entity), kind), entity.metadata["etag"])


def _body(entity: Mapping[str, Any]) -> str:
    text, part = str(entity["body"]), 1
    while f"body{part}" in entity:
        text, part = text + entity[f"body{part}"], part + 1
    return text


def _created(cluster_id: str, values: Iterable[Value]) -> list[tuple[Any, ...]]:
    return [_write(cluster_id, _key(value), Row(value, None)) for value in values]


def _write(cluster_id: str, key: str, row: Row[Any]) -> tuple[Any, ...]:
    """One operation of a transaction: create a new row, or replace the version that was read."""
    from azure.core import MatchConditions
    from azure.data.tables import UpdateMode

    text = encode(row.value).decode()
    parts = [text[at:at + PROPERTY_CHARACTERS] for at in range(0, len(text), PROPERTY_CHARACTERS)]
    body = {f"body{number or ''}": part for number, part in enumerate(parts)}
    entity = {"PartitionKey": partition_key(cluster_id), "RowKey": key, "cluster": cluster_id, **body}
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
        if str(getattr(error, "error_code", "")) in ("EntityAlreadyExists", "UpdateConditionNotSatisfied", "ResourceNotFound", "EntityNotFound"):
            raise Conflict("A row of the transaction was changed meanwhile.") from error
        raise
