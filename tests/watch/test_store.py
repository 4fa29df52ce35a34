"""The rows in the real storage emulator: written all or nothing, never over somebody else's change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient

from local.azurite import Azurite
from shared.model import Cause, Delivery, Item, Severity, Wake
from shared.watch.state import ClusterState, Past, PoolState, Turn, Waiting
from shared.watch.store import MOST_CHANGES, OURS, Conflict, Row, Store, partition_key

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


def waiting(name: str) -> Waiting:
    return Waiting(Item("opened", "apps", Severity.WARNING, Cause.DISK_IOPS, T0, "!", "…", name, f"i-{name}"), Cause.DISK_IOPS, T0)


def past(at: datetime) -> Past:
    return Past("p1", CLUSTER, "apps", at, "incident", Cause.DISK_IOPS, 1)


def test_a_notice_waits_from_the_very_change_that_made_it_until_it_is_settled(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None), [waiting("n1"), waiting("n2"), past(T0)])
    assert [one.id for one in store.waiting(CLUSTER)] == ["n1", "n2"]
    assert [(cluster, one.id) for cluster, one in store.all_waiting()] == [(CLUSTER, "n1"), (CLUSTER, "n2")]
    store.settle(CLUSTER, [waiting("n1")], [delivery("n1-webhook")])
    assert [one.id for one in store.waiting(CLUSTER)] == ["n2"]
    assert store.delivery(CLUSTER, "n1-webhook") is not None


def test_of_two_that_settle_the_same_notice_only_the_first_creates_deliveries(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None), [waiting("n1")])
    store.settle(CLUSTER, [waiting("n1")], [])
    with pytest.raises(Conflict):
        store.settle(CLUSTER, [waiting("n1")], [delivery("n1-webhook")])
    assert store.delivery(CLUSTER, "n1-webhook") is None


def test_as_many_notices_are_settled_at_once_as_a_transaction_holds(store: Store) -> None:
    rows = [waiting(f"n{number}") for number in range(MOST_CHANGES - 1)]
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None), rows)
    store.settle(CLUSTER, rows[:50], [delivery(f"n{number}-webhook") for number in range(50)])
    assert len(store.waiting(CLUSTER)) == 49


def test_a_cluster_and_the_deliveries_it_announces_are_written_together_or_not_at_all(store: Store) -> None:
    mine = store.cluster(CLUSTER)
    store.put_cluster(CLUSTER, Row(ClusterState(T0, ("n1",)), mine.etag), [delivery("g1-teams")])
    with pytest.raises(Conflict):
        store.put_cluster(CLUSTER, Row(ClusterState(T0, ("n1",)), mine.etag), [delivery("g2-teams")])
    assert store.delivery(CLUSTER, "g2-teams") is None
    assert store.cluster(CLUSTER).value == ClusterState(T0, ("n1",))


def test_a_row_may_be_longer_than_a_property(store: Store) -> None:
    long = ClusterState(T0, tuple(f"🐳{number:022d}" for number in range(2000)))
    store.put_cluster(CLUSTER, Row(long, None))
    assert store.cluster(CLUSTER).value == long
    store.put_cluster(CLUSTER, Row(ClusterState(T0, ("n1",)), store.cluster(CLUSTER).etag))
    assert store.cluster(CLUSTER).value == ClusterState(T0, ("n1",))


def test_pools_and_notices_of_other_clusters_are_not_this_ones(store: Store) -> None:
    store.put_pool(CLUSTER, Row(PoolState(pool="apps"), None), [waiting("n1")])
    store.put_pool(f"{CLUSTER}-2", Row(PoolState(pool="web"), None), [waiting("n2")])
    assert [pool.pool for pool in store.pools(CLUSTER)] == ["apps"]
    assert [one.id for one in store.waiting(f"{CLUSTER}-2")] == ["n2"]


def test_a_receivers_turn_is_given_to_one_of_two(store: Store) -> None:
    mine, theirs = store.turn("teams:payments"), store.turn("teams:payments")
    store.put_turn(Row(Turn("teams:payments", T0), mine.etag))
    with pytest.raises(Conflict):
        store.put_turn(Row(Turn("teams:payments", T0), theirs.etag))


def test_old_events_history_and_deliveries_go_and_young_ones_stay(store: Store) -> None:
    for days in (0, 10, 20):
        store.put_pool(CLUSTER, Row(PoolState(pool=f"p{days}"), None), [past(T0 - timedelta(days=days))])
        store.record_event(Wake(kind="ignored", reason=f"{days} days"), T0 - timedelta(days=days))
    store.put_delivery(Row(Delivery("health", "health", OURS, "teams", T0, T0), None))
    store.remove_old(events_before=T0 - timedelta(days=5), past_before=T0 - timedelta(days=15))
    store.remove_deliveries([row.value for row in store.deliveries()])
    store.remove_deliveries([delivery()])
    assert [wake.reason for wake in store.recorded_events()] == ["0 days"]
    assert [(T0 - one.at).days for one in store.past(T0 - timedelta(days=99))] == [10, 0]
    assert list(store.deliveries()) == []
