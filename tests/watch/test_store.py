"""The rows in the real storage emulator: written all or nothing, never over somebody else's change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient

from local.azurite import Azurite
from shared.model import Delivery, Wake
from shared.watch.state import PoolState
from shared.watch.store import Conflict, Row, Store, partition_key

CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
T0 = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture
def store(azurite: Azurite) -> Iterator[Store]:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        yield Store(service.create_table(f"t{uuid4().hex}"))


def delivery(name: str = "n1-teams") -> Delivery:
    return Delivery(name, "n1", CLUSTER, "teams", T0, T0)


def test_a_pool_never_seen_has_an_empty_state(store: Store) -> None:
    assert store.pool(CLUSTER, "apps") == Row(PoolState(pool="apps"), None)


def test_a_pools_state_comes_back_whatever_the_case_of_its_name(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=3), None))
    assert store.pool(CLUSTER.upper(), "APPS").value.capacity == 3


def test_of_two_that_read_the_same_row_only_the_first_may_write(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None))
    mine, theirs = store.pool(CLUSTER, "apps"), store.pool(CLUSTER, "apps")
    store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=1), theirs.etag))
    with pytest.raises(Conflict):
        store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=2), mine.etag))
    with pytest.raises(Conflict):
        store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=2), None))


def test_a_state_and_its_deliveries_are_written_together_or_not_at_all(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None))
    with pytest.raises(Conflict):
        store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=1), None), [delivery()])
    assert store.delivery(CLUSTER, "n1-teams") is None
    store.put_pool(CLUSTER, Row(PoolState(pool="apps", capacity=1), store.pool(CLUSTER, "apps").etag), [delivery()])
    found = store.delivery(CLUSTER, "n1-teams")
    assert found is not None
    assert found.value == delivery()


def test_a_delivery_can_be_updated_again_and_again_by_who_holds_it(store: Store) -> None:
    row = store.put_delivery(Row(delivery(), None))
    row = store.put_delivery(row)
    store.put_delivery(row)
    with pytest.raises(Conflict):
        store.put_delivery(Row(delivery(), None))


def test_pools_deliveries_and_recorded_events_are_listed(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None), [delivery()])
    store.record_event(Wake(kind="rejected", reason="it is no JSON"), T0)
    assert [(cluster, row.value.pool) for cluster, row in store.all_pools()] == [(CLUSTER, "apps")]
    assert [row.value.id for row in store.deliveries()] == ["n1-teams"]
    assert [wake.reason for wake in store.recorded_events()] == ["it is no JSON"]


@pytest.mark.parametrize("name", ["prod", "a/b", "x?y#z\\", "ünïcödé", "n" * 300])
def test_partition_keys_hold_only_what_a_table_allows(name: str) -> None:
    key = partition_key(f"/subscriptions/s/managedClusters/{name}")
    assert key.isascii()
    assert not set(key) & set("/\\#?")
    assert len(key) < 100
