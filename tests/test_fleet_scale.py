"""What a screening and a storm of events cost: nothing that grows with the fleet, one assessment a pool and minute."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from local.azure import LocalAzure
from local.azurite import Azurite
from local.bench.worlds import IOPS, Pool, Shape, fleet_world, hot_pools, pools_of
from shared.errors import Transient
from shared.flow import sweep as sweeping
from shared.flow.jobs import Assessment
from shared.flow.sweep import MOST_ASSESSMENTS, SPACING_SECONDS, sweep
from shared.flow.wake import receive, request_assessment
from shared.model import Wake, decode
from shared.services import Services
from shared.settings import load
from shared.watch import operations
from shared.watch.store import Row
from tests.collect.conftest import NOW

SHAPE = Shape(pools=40, nodes=2, subscriptions=2, regions=2, hot_every=10, metrics=(IOPS,))


class Asked(NamedTuple):
    job: Assessment
    delay_seconds: float


class App:
    """The product's services on a local Azure and an Azurite, with its queue written down instead of worked off."""

    def __init__(self, local: LocalAzure, azurite: Azurite) -> None:
        self.now = NOW
        self.local = local
        self.asked: list[Asked] = []
        environ = local.environ | {"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_METRICS_LAG_SECONDS": "0"}
        self.services = Services(load(environ), self.clock)
        self.services.enqueue = self._enqueue  # type: ignore[method-assign]

    def clock(self) -> datetime:
        return self.now

    def _enqueue(self, queue: str, body: bytes, delay_seconds: float = 0.0) -> None:
        assert queue == "assessments"
        self.asked.append(Asked(decode(body, Assessment), delay_seconds))

    def rows(self) -> dict[str, str]:
        """Pool → etag of its row."""
        return {f"{cluster}/{row.value.pool}": row.etag or "" for cluster, row in self.services.store.all_pools()}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    soon = NOW + timedelta(minutes=5)
    with LocalAzure(fleet_world(SHAPE, soon), clock=lambda: soon, metrics_lag_seconds=0) as local, Azurite() as azurite:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        yield App(local, azurite)


def later(app: App, minutes: float) -> None:
    app.now += timedelta(minutes=minutes)


def hot() -> set[str]:
    return {pool.name for pool in hot_pools(SHAPE)}


def resize(app: App, pool: Pool, nodes: int) -> None:
    world = fleet_world(SHAPE, NOW + timedelta(minutes=5))
    app.local.serve(replace(world, resources=[
        r | {"sku": {**r["sku"], "capacity": nodes}} if r["id"] == pool.vmss_id else r for r in world.resources]))


# --- the screening ---


def test_suspects_are_asked_about_once_and_spread_in_time(app: App) -> None:
    assert len(sweep(app.services)) == len(hot())
    assert {one.job.pool for one in app.asked} == hot()
    assert [one.delay_seconds for one in app.asked] == [n * SPACING_SECONDS for n in range(len(hot()))]
    assert sweep(app.services) == [], "asked about a moment ago"
    later(app, 5)
    assert len(sweep(app.services)) == len(hot())


def test_a_second_screening_writes_nothing_where_nothing_changed(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep(app.services)
    before = app.rows()
    assert len(before) == SHAPE.pools
    monkeypatch.setattr(app.services, "enqueue", lambda *_: None)
    app.local.counts.reset()
    later(app, 0.6)
    sweep(app.services)
    assert app.rows() == before
    assert app.local.counts["scale_sets"] == 0


def test_only_the_pool_that_grew_is_asked_for_its_size_and_watched(app: App) -> None:
    sweep(app.services)
    app.asked.clear()
    grown = next(pool for pool in pools_of(SHAPE) if pool.name not in hot())
    resize(app, grown, 9)
    app.local.counts.reset()
    later(app, 0.6)
    sweep(app.services)
    assert app.local.counts["scale_sets"] == 1
    assert [(one.job.pool, one.job.reason) for one in app.asked] == [(grown.name, "scale_out_opened")]


def test_a_pool_whose_operation_is_open_is_watched_already(app: App) -> None:
    sweep(app.services)
    first = hot_pools(SHAPE)[0]
    row = app.services.store.pool(first.cluster_id, first.name)
    wake = Wake(kind="upgrade_started", cluster_id=first.cluster_id, pool=first.name, at=NOW)
    app.services.store.put_pool(first.cluster_id, Row(operations.on_upgrade(row.value, wake, "1.33.4", NOW).state, row.etag))
    app.asked.clear()
    later(app, 5)
    sweep(app.services)
    assert {one.job.pool for one in app.asked} == hot() - {first.name}


def test_pools_of_single_machines_are_suspects_like_any_other(app: App) -> None:
    app.local.serve(fleet_world(SHAPE._replace(machines_every=10), NOW + timedelta(minutes=5)))
    assert len(sweep(app.services)) == len(hot())
    assert {one.job.pool for one in app.asked} == hot()


def test_a_pool_of_single_machines_that_grew_is_watched_without_asking_for_its_size(app: App) -> None:
    machines = SHAPE._replace(machines_every=3)
    app.local.serve(fleet_world(machines, NOW + timedelta(minutes=5)))
    sweep(app.services)
    app.asked.clear()
    grown = next(pool for pool in pools_of(machines) if pool.machines and pool.name not in hot())
    world = fleet_world(machines, NOW + timedelta(minutes=5))
    one = next(r for r in world.resources if r["id"] == grown.machine_id(0))
    more = [one | {"id": grown.machine_id(n), "name": grown.machine_id(n).rpartition("/")[2]} for n in (70, 71)]
    app.local.serve(replace(world, resources=[*world.resources, *more]))
    app.local.counts.reset()
    later(app, 0.6)
    sweep(app.services)
    assert app.local.counts["scale_sets"] == 0
    assert [(one.job.pool, one.job.reason) for one in app.asked] == [(grown.name, "scale_out_opened")]


def test_more_suspects_than_quotas_bear_take_turns(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MOST_ASSESSMENTS", 3)
    sweep(app.services)
    first = {one.job.pool for one in app.asked}
    assert len(first) == 3
    for one in app.asked:
        row = app.services.store.pool(one.job.cluster_id, one.job.pool)
        app.services.store.put_pool(one.job.cluster_id, Row(replace(row.value, assessed_at=app.now), row.etag))
    app.asked.clear()
    later(app, 5)
    sweep(app.services)
    assert app.asked[0].job.pool in hot() - first


def test_first_sights_are_written_a_part_at_a_time(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MOST_FIRST_SIGHTS", 15)
    for _ in range(3):
        sweep(app.services)
        later(app, 5)
    assert len(app.rows()) == SHAPE.pools


def test_the_assessments_of_one_screening_end_before_the_next_begins() -> None:
    assert MOST_ASSESSMENTS * SPACING_SECONDS <= 5 * 60


# --- storms ---


def at_once(act: Callable[[int], object], times: int) -> None:
    """``act`` from four threads, as instances of the app would; what the platform would try again is tried again."""

    def until_done(number: int) -> None:
        try:
            act(number)
        except Transient:
            until_done(number)

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(until_done, range(times)))


def test_two_hundred_wishes_for_one_pool_are_one_assessment(app: App) -> None:
    pool = next(pools_of(SHAPE))
    body = json.dumps({"cluster": pool.cluster_id, "pool": pool.name}).encode()
    at_once(lambda _: request_assessment(app.services, body), 200)
    assert len(app.asked) == 1
    later(app, 1)
    request_assessment(app.services, body)
    assert len(app.asked) == 2


@pytest.mark.slow
def test_a_burst_of_a_thousand_events_is_one_assessment_a_pool(app: App) -> None:
    sweep(app.services)
    app.asked.clear()
    pools = list(pools_of(SHAPE))[:4]
    at_once(lambda number: receive(app.services, _started(pools[number % 4], number)), 1000)
    assert sorted(one.job.pool for one in app.asked) == sorted(pool.name for pool in pools)


def _started(pool: Pool, number: int) -> str:
    return json.dumps({
        "id": f"event-{number}", "topic": pool.cluster_id, "eventType": "Microsoft.ContainerService.NodePoolRollingStarted",
        "eventTime": NOW.isoformat(), "subject": pool.cluster_id.rpartition("/")[2], "data": {"nodePoolName": pool.name}, "dataVersion": "1.0",
    })


@pytest.mark.slow
def test_a_storm_of_scale_set_writes_is_one_assessment(app: App) -> None:
    sweep(app.services)
    app.asked.clear()
    grown = next(pool for pool in pools_of(SHAPE) if pool.name not in hot())
    resize(app, grown, 9)
    event = json.dumps({"id": "e", "eventType": "Microsoft.Resources.ResourceWriteSuccess", "subject": grown.vmss_id, "eventTime": NOW.isoformat(),
                        "topic": "t", "data": {"operationName": "Microsoft.Compute/virtualMachineScaleSets/write", "resourceUri": grown.vmss_id}})
    at_once(lambda _: receive(app.services, event), 300)
    assert [(one.job.pool, one.job.reason) for one in app.asked] == [(grown.name, "scale_out_opened")]


def test_a_storm_about_clusters_that_are_not_watched_asks_azure_for_the_fleet_once(app: App) -> None:
    stranger = next(pools_of(SHAPE))._replace(cluster_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/other")
    app.services.fleet()
    app.local.counts.reset()
    at_once(lambda number: receive(app.services, _started(stranger, number)), 50)
    assert app.local.counts["graph"] == 0
    assert app.asked == []
