"""Which clusters and pools there are: over all subscriptions, filtered, within quota, and asked for seldom."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient
from msgspec.structs import replace

from local.azure.faults import Fault
from local.azure.quotas import Quotas
from local.azurite import Azurite
from local.bench.worlds import Pool, Shape, fleet_world, pools_of
from local.world.types import World
from shared.collect.fleet import Fleet, Machine, PoolRef, read_fleet, with_its_machines
from shared.collect.fleet_cache import FRESH, KEPT, SHARED, FleetCache
from shared.collect.graph_quota import GraphQuota
from shared.collect.network import hops_of
from shared.errors import Permanent, Throttled, Transient
from shared.services import Services
from shared.settings import load
from tests.collect.conftest import NOW, Read

type Serve = Callable[..., Read]

SMALL = Shape(pools=30, subscriptions=2, regions=1, metrics=())


def world(shape: Shape = SMALL, *more: dict[str, Any]) -> World:
    built = fleet_world(shape, NOW)
    return replace(built, resources=[*built.resources, *more])


def machine(pool: Pool, name: str, **tags: str) -> dict[str, Any]:
    return {"id": f"{pool.node_group}/Microsoft.Compute/virtualMachines/{name}", "name": name, "location": pool.location,
            "tags": tags, "properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v3"}}}


def names(fleet: Fleet) -> set[str]:
    return {cluster.name for cluster in fleet.clusters.values()}


# --- what is found ---


def test_a_fleet_of_more_than_a_page_is_read_page_by_page(read: Serve) -> None:
    served = read(world(Shape(pools=2300, metrics=())))
    fleet = read_fleet(served.azure)
    assert (len(fleet.pools), len(fleet.clusters)) == (2300, 230)
    assert served.local.counts["graph"] == 3 + 4, "three pages of scale sets, one of everything else"


def test_pools_of_single_machines_and_provisioned_nodes_are_named_as_such(read: Serve) -> None:
    pool = next(pools_of(SMALL))
    served = read(world(
        SMALL,
        machine(pool, "aks-single-12345678-vms0"), machine(pool, "aks-single-12345678-vms1"),
        machine(pool, "aks-burst-machine7-12345678-vm"),
        machine(pool, "aks-default-x7k2p", **{"Karpenter.sh_nodepool": "default"}),
        machine(pool, "oddly-named", **{"aks-managed-poolName": "tagged"}),
        machine(pool, "aksjumpbox"),
    ))
    found = {p.name: (p.kind, p.capacity, len(p.machines)) for p in read_fleet(served.azure).pools if p.kind != "scale_set"}
    assert found == {
        "single": ("virtual_machines", 2, 2), "burst": ("virtual_machines", 1, 1), "tagged": ("virtual_machines", 1, 1),
        "default": ("auto_provisioned", 1, 1),
    }


def test_the_ways_out_of_a_cluster_are_part_of_the_fleet(read: Serve) -> None:
    pool = next(pools_of(SMALL))
    balancer = {"id": f"{pool.node_group}/Microsoft.Network/loadBalancers/kubernetes", "name": "kubernetes", "location": pool.location,
                "sku": {"name": "Standard"}, "properties": {"backendAddressPools": [{"name": "of every node"}]}}
    fleet = read_fleet(read(world(SMALL, balancer)).azure)
    hops = hops_of(fleet.cluster(pool.cluster_id), (), fleet.egress)
    assert [hop.id for hop in hops] == [balancer["id"]]
    assert "backendAddressPools" not in fleet.egress[0]["properties"]


def test_a_pool_knows_its_machines_sizes_and_disks(read: Serve) -> None:
    pool = next(pools_of(SMALL))
    disk = {"diskSizeGB": 128, "caching": "ReadOnly", "managedDisk": {"storageAccountType": "Premium_LRS", "id": "/long"}, "name": "of no use"}
    named = machine(pool, "aks-default-x7k2p", **{"karpenter.sh_nodepool": "default"})
    named["properties"] |= {"storageProfile": {"osDisk": disk}, "osProfile": {"computerName": "AKS-default-X7k2p"}}
    served = read(world(SMALL, named, machine(pool, "aks-default-9q4zt", **{"karpenter.sh_nodepool": "default"})))
    first, second = sorted(read_fleet(served.azure).pool(pool.cluster_id, "default").machines)[::-1]
    assert (first.node, first.vm_size) == ("aks-default-x7k2p", "Standard_D4s_v3")
    assert first.os_disk == {"diskSizeGB": 128, "caching": "ReadOnly", "diffDiskSettings": None, "managedDisk": {"storageAccountType": "Premium_LRS"}}
    assert (second.node, (second.os_disk or {}).get("diskSizeGB")) == ("aks-default-9q4zt", None)


def test_machines_that_came_and_went_since_the_fleet_was_read_are_known_at_once(read: Serve) -> None:
    pool = next(pools_of(SMALL))
    tag = {"karpenter.sh_nodepool": "default"}
    served = read(world(SMALL, machine(pool, "aks-default-aaaaa", **tag), machine(pool, "aks-default-bbbbb", **tag)))
    fleet = read_fleet(served.azure)
    served.local.serve(world(SMALL, machine(pool, "aks-default-bbbbb", **tag), machine(pool, "aks-default-ccccc", **tag)))
    now = with_its_machines(served.azure, fleet.cluster(pool.cluster_id), fleet.pool(pool.cluster_id, "default"))
    assert [one.node for one in now.machines] == ["aks-default-bbbbb", "aks-default-ccccc"]
    served.local.serve(world(SMALL))
    gone = with_its_machines(served.azure, fleet.cluster(pool.cluster_id), fleet.pool(pool.cluster_id, "default"))
    assert (gone.machines, gone.capacity) == ((), 0)


@pytest.mark.parametrize(("nodes", "prefix"), [
    (("aks-apps-12345678-vms0", "aks-apps-12345678-vms12"), "aks-apps-12345678-vms"), (("aks-default-x7k2p",), ""),
    (("aks-apps-12345678-vms0", "oddly-named"), ""), ((), ""),
])
def test_nodes_that_are_gone_are_found_by_the_stem_of_their_names_where_it_tells_the_pool(nodes: tuple[str, ...], prefix: str) -> None:
    assert PoolRef("/c", "p", "", "westeurope", "", 1, "virtual_machines", tuple(Machine(f"/{n}", n, "") for n in nodes)).node_prefix == prefix


def test_version_and_subnet_of_a_pool_are_those_of_its_own_profile(read: Serve) -> None:
    built = world(SMALL, machine(next(pools_of(SMALL)), "aks-default-x7k2p", **{"karpenter.sh_nodepool": "default"}))
    first = next(pools_of(SMALL))
    for resource in built.resources:
        if resource["id"] == first.cluster_id:
            resource["properties"]["agentPoolProfiles"] = [
                {"name": first.name, "orchestratorVersion": "1.32", "currentOrchestratorVersion": "1.32.6", "vnetSubnetID": "/subnets/a"},
                {"name": "other", "orchestratorVersion": "1.33.1", "vnetSubnetID": "/subnets/b"}]
    fleet = read_fleet(read(built).azure)
    own, provisioned = fleet.pool(first.cluster_id, first.name), fleet.pool(first.cluster_id, "default")
    assert (own.kubernetes_version, own.subnets) == ("1.32.6", ("/subnets/a",))
    assert (provisioned.kubernetes_version, provisioned.subnets) == ("", ("/subnets/a", "/subnets/b")), "it is one of the cluster's"


def test_a_machine_outside_of_every_node_resource_group_is_no_node(read: Serve) -> None:
    pool = next(pools_of(SMALL))
    elsewhere = pool._replace(node_group=pool.node_group.replace("MC_c0", "rg-else"))
    served = read(world(SMALL, machine(elsewhere, "aks-apps-12345678-vms0")))
    assert {p.kind for p in read_fleet(served.azure).pools} == {"scale_set"}


@pytest.mark.parametrize(("variable", "value", "left"), [
    ("PULLWATCH_CLUSTERS", "c1", {"c1"}),
    ("PULLWATCH_EXCLUDE_CLUSTERS", "C1", {"c0", "c2"}),
    ("PULLWATCH_CLUSTER_TAGS", "team=shop", {"c2"}),
    ("PULLWATCH_CLUSTER_TAGS", "ENV=Prod", {"c0", "c1", "c2"}),
    ("PULLWATCH_EXCLUDE_CLUSTER_TAGS", "team", {"c0", "c1"}),
    ("PULLWATCH_EXCLUDE_SUBSCRIPTIONS", "SECOND", {"c0", "c2"}),
    ("PULLWATCH_SUBSCRIPTIONS", "SECOND", {"c1"}),
])
def test_clusters_are_included_and_excluded_by_name_tag_and_subscription(read: Serve, variable: str, value: str, left: set[str]) -> None:
    built = world()
    second = next(r["id"].split("/")[2] for r in built.resources if r["name"] == "c1")
    for resource in built.resources:
        if resource["name"] == "c2":
            resource["tags"] = {"Env": "prod", "Team": "Shop"}
    served = read(built, {variable: value.replace("SECOND", second.upper() if "EXCLUDE" in variable else second)})
    fleet = read_fleet(served.azure, served.settings)
    assert names(fleet) == left
    assert {p.cluster_id.rpartition("/")[2] for p in fleet.pools} == left


def test_a_cluster_that_is_left_out_is_refused_with_what_may_leave_it_out(read: Serve) -> None:
    served = read(world(), {"PULLWATCH_CLUSTERS": "c1"})
    fleet = read_fleet(served.azure, served.settings)
    with pytest.raises(Permanent, match="PULLWATCH_CLUSTERS"):
        fleet.cluster(next(pools_of(SMALL)).cluster_id)


# --- Resource Graph's quota ---


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def quota(time: Time) -> GraphQuota:
    return GraphQuota(lambda: time.now, time.sleep)


@pytest.mark.parametrize(("left", "resets", "slept"), [
    ("3", "00:00:05", []), ("0", "00:00:05", [5.0]), ("0", "00:01:02.5", [62.5]), ("0", "soon", [5.0]), ("", "00:00:05", []),
])
def test_a_query_waits_when_none_is_left_and_only_then(left: str, resets: str, slept: list[float]) -> None:
    time = Time()
    pace = quota(time)
    pace.note({"x-ms-user-quota-remaining": left, "x-ms-user-quota-resets-after": resets})
    pace.wait(120)
    pace.wait(120)
    assert time.slept == slept


def test_a_wait_beyond_the_budget_is_refused_with_its_length() -> None:
    pace = quota(Time())
    pace.note({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:10:00"})
    with pytest.raises(Throttled) as caught:
        pace.wait(120)
    assert caught.value.retry_after_seconds == 600


def test_the_headers_that_resource_graph_sends_are_obeyed(read: Serve) -> None:
    served = read(world(), enforce_quotas=True)
    served.local._quotas = Quotas(lambda: 0.0)  # however slow this machine is, its quota does not fill up meanwhile
    time = Time()
    served.azure._graph_quota = quota(time)
    for _ in range(15):
        served.azure.graph("resources | project id | take 1")
    served.azure._graph_quota.wait(60)
    assert time.slept == [5.0]


def test_a_throttled_query_is_asked_again(read: Serve) -> None:
    served = read(world())
    served.local.faults.add("graph", Fault(status=429, retry_after_seconds=0, times=2))
    assert len(read_fleet(served.azure).clusters) == 3


# --- asked for seldom ---


class Source:
    """Counts how often Azure is asked; may fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def read(self) -> Fleet:
        self.asked += 1
        if self.error:
            raise self.error
        return Fleet({}, (), {})


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def blob(azurite: Azurite) -> Iterator[Any]:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container(f"fleet-{uuid4().hex[:12]}")
        yield container.get_blob_client("fleet.json")


def cache(source: Source, clock: Clock, blob: Any, question: str = "all") -> FleetCache:
    return FleetCache(source.read, question, clock, lambda: blob)


def test_a_new_instance_finds_the_fleet_that_another_one_read(blob: Any) -> None:
    source, clock = Source(), Clock()
    first = cache(source, clock, blob).get(fresh=True)
    clock.now += SHARED - timedelta(seconds=1)
    assert cache(source, clock, blob).get() == first
    assert source.asked == 1


def test_a_process_asks_neither_azure_nor_storage_for_some_minutes(blob: Any) -> None:
    source, clock = Source(), Clock()
    kept = cache(source, clock, blob)
    kept.get()
    blob.delete_blob()
    clock.now += KEPT
    kept.get()
    assert source.asked == 1


def test_what_another_instance_renewed_is_taken_over_after_some_minutes(blob: Any) -> None:
    source, clock = Source(), Clock()
    kept = cache(source, clock, blob)
    kept.get()
    clock.now += KEPT + timedelta(seconds=1)
    cache(source, clock, blob).get(fresh=True)
    kept.get()
    clock.now += SHARED - timedelta(seconds=1)
    kept.get()
    assert source.asked == 2


def test_a_fleet_that_is_too_old_is_read_again(blob: Any) -> None:
    source, clock = Source(), Clock()
    kept = cache(source, clock, blob)
    kept.get()
    clock.now += SHARED + timedelta(seconds=1)
    kept.get()
    assert source.asked == 2


def test_a_storm_of_questions_about_something_unknown_asks_azure_once(blob: Any) -> None:
    source, clock = Source(), Clock()
    instances = [cache(source, clock, blob) for _ in range(3)]
    for _ in range(100):
        for instance in instances:
            instance.get(fresh=True)
    assert source.asked == 1
    clock.now += FRESH + timedelta(seconds=1)
    instances[0].get(fresh=True)
    assert source.asked == 2


def test_another_filter_makes_another_fleet(blob: Any) -> None:
    source, clock = Source(), Clock()
    cache(source, clock, blob).get()
    cache(source, clock, blob, "only prod").get()
    assert source.asked == 2


def test_a_shared_fleet_of_another_version_is_no_fleet(blob: Any) -> None:
    source, clock = Source(), Clock()
    blob.upload_blob(b'{"read_at": "2026-11-24T10:00:00Z", "fleets": []}')
    cache(source, clock, blob).get()
    assert source.asked == 1


def test_while_azure_throttles_an_old_fleet_is_better_than_none(blob: Any) -> None:
    source, clock = Source(), Clock()
    kept = cache(source, clock, blob)
    old = kept.get()
    source.error = Transient("Azure Resource Graph did not answer.")
    clock.now += timedelta(hours=1)
    assert kept.get() == old
    with pytest.raises(Transient):
        kept.get(fresh=True)


def test_at_a_terminal_without_storage_the_fleet_is_read_from_azure(read: Serve) -> None:
    served = read(world())
    services = Services(served.settings, lambda: NOW, served.azure)
    assert len(services.fleet().clusters) == 3


def test_the_services_of_two_instances_share_one_reading(read: Serve, azurite: Azurite) -> None:
    served = read(world())
    settings = load(served.local.environ | {"AzureWebJobsStorage": azurite.connection_string})
    first = Services(settings, lambda: NOW, served.azure).fleet(fresh=True)
    before = served.local.counts["graph"]
    assert Services(settings, lambda: NOW, served.azure).fleet() == first
    assert served.local.counts["graph"] == before
