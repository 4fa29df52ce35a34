"""Pools that are no scale set, the whole way: from Azure's interfaces, by the official SDKs, to what to change."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from local.accuracy.trial import question
from local.azure import Fault
from local.world import build
from local.world.types import World
from shared.azure_ids import id_key
from shared.collect.case import collect_case
from shared.collect.fleet import Machine, PoolRef, read_fleet
from shared.collect.metric_batch import RawSeries
from shared.collect.metrics import BATCH, node_series, usual_values
from shared.collect.nodes import Described, node_pool, pull_mode
from shared.diagnose import diagnose
from shared.errors import Permanent
from shared.model import Case, Cluster, Diagnosis, Thresholds, Window
from tests.collect.conftest import NOW, Read

type Serve = Callable[..., Read]

CLUSTER = Cluster("/c", "prod", "westeurope", "s", "rg", "MC", kubernetes_version="1.33.4")
PREMIUM = {"storageAccountType": "Premium_LRS"}
P10, P20 = {"diskSizeGB": 128, "managedDisk": PREMIUM}, {"diskSizeGB": 512, "managedDisk": PREMIUM}
EPHEMERAL = {"diskSizeGB": 100, "diffDiskSettings": {"option": "Local", "placement": "CacheDisk"}}


@cache
def world_of(scenario: str) -> World:
    return build(scenario, 3, NOW)


def collected(served: Read, world: World) -> Case:
    return collect_case(served.azure, read_fleet(served.azure), question(world, world.truths[0]))


def verdict(case: Case) -> Diagnosis:
    return diagnose(case, Thresholds())


# --- the whole way ---


@pytest.mark.parametrize("scenario", ["machines-iops", "provisioned-iops", "provisioned-bandwidth"])
def test_the_disk_is_found_to_blame_behind_machines_of_their_own(read: Serve, scenario: str) -> None:
    world = world_of(scenario)
    case = collected(read(world), world)
    found = verdict(case)
    assert found.cause == world.truths[0].cause, found.headline
    assert [c for c in case.coverage if c.status != "ok"] == []


def test_a_pool_of_machines_costs_one_query_instead_of_the_scale_set(read: Serve) -> None:
    world = world_of("provisioned-iops")
    served = read(world)
    fleet = read_fleet(served.azure)
    served.local.counts.reset()
    collect_case(served.azure, fleet, question(world, world.truths[0]))
    counts = {kind: served.local.counts[kind] for kind in ("graph", "metrics_batch", "logs", "scale_sets")}
    assert counts == {"graph": 1, "metrics_batch": 4, "logs": 3, "scale_sets": 0}


def test_every_pull_and_every_minute_is_told_of_the_node_it_belongs_to(read: Serve) -> None:
    world = world_of("provisioned-iops")
    case = collected(read(world), world)
    names = {r["name"] for r in world.resources if r["type"] == "microsoft.compute/virtualmachines"}
    assert {s.node for s in case.series} == {p.node for p in case.pulls} == names
    assert {node for model in case.models for node in model.nodes} == names
    assert [hop.id.rpartition("/")[2] for hop in case.egress] == ["nat-nap-neu"], "found by the subnet of the cluster's own pool"


def test_machines_that_differ_share_only_what_they_have_in_common(read: Serve) -> None:
    world = world_of("provisioned-iops")
    pool = collected(read(world), world).pool
    assert (pool.kind, pool.vm_size, pool.vm.vcpus, pool.os_disk.iops) == ("auto_provisioned", "Standard_D4s_v3 and 1 other size", None, 500.0)
    assert (pool.pull_mode, pool.kubernetes_version) == ("serial", "1.34.1" if "1.34.1" in str(world.tables["KubeNodeInventory"]) else "1.33.4")


def test_pulls_of_machines_that_an_upgrade_removed_are_told_too(read: Serve) -> None:
    world = world_of("machines-iops")
    case = collected(read(world), world)
    gone = {p.node for p in case.pulls} - {s.node for s in case.series}
    assert len(gone) == 2, "the surge nodes: Azure has no metrics any more of what is gone"


def test_a_machine_that_is_gone_hides_none_of_the_others(read: Serve) -> None:
    world = world_of("provisioned-iops")
    served = read(world)
    fleet = read_fleet(served.azure)
    ref = fleet.pool(world.truths[0].cluster_id, "default")
    gone = Machine(ref.machines[0].id + "-gone", "aks-default-gone0", "Standard_D4s_v3")
    found = node_series(served.azure, ref._replace(machines=(*ref.machines, gone)), Window(world.window_start, world.window_end))
    assert {s.node for s in found.series} == {machine.node for machine in ref.machines}


def test_while_the_machines_cannot_be_listed_those_of_the_fleet_are_judged(read: Serve) -> None:
    world = world_of("machines-iops")
    served = read(world)
    fleet = read_fleet(served.azure)
    served.local.faults.add("graph", Fault(status=500))
    case = collect_case(served.azure, fleet, question(world, world.truths[0]))
    assert verdict(case).cause == world.truths[0].cause
    (limits,) = [c for c in case.coverage if c.source == "limits"]
    assert (limits.status, limits.detail) == ("partial", "Azure Resource Graph failed with 500; ask again later.")


def test_where_the_scale_set_cannot_be_read_its_row_tells_the_disk(read: Serve) -> None:
    world = build("disk-bandwidth", 3, NOW)
    served = read(world)
    fleet = read_fleet(served.azure)
    served.local.faults.add("scale_sets", Fault(status=500))
    case = collect_case(served.azure, fleet, question(world, world.truths[0]))
    disk = case.pool.os_disk
    assert (disk.kind, disk.placement, disk.size_gib, disk.bytes_per_second) == ("ephemeral", "CacheDisk", 100, 64e6)
    assert verdict(case).cause == world.truths[0].cause


# --- more machines than one call takes ---


def many(nodes: int) -> tuple[World, PoolRef]:
    """The world of nine machines with each repeated under new names."""
    world = world_of("provisioned-iops")
    rows = [r for r in world.resources if r["type"] == "microsoft.compute/virtualmachines"]
    series = [s for s in world.metrics if "/virtualMachines/" in s.resource_id and s.metric in ("OS Disk Queue Depth", "Percentage CPU")]
    copies = [(row, f"{row['id']}{n}") for n in range(-(-nodes // len(rows))) for row in rows][:nodes]
    of = {id_key(row["id"]): [s for s in series if id_key(s.resource_id) == id_key(row["id"])] for row in rows}
    metrics = [replace(s, resource_id=name) for row, name in copies for s in of[id_key(row["id"])]]
    resources = [row | {"id": name, "name": name.rpartition("/")[2]} for row, name in copies]
    machines = tuple(Machine(name, name.rpartition("/")[2], "Standard_D4s_v3") for _, name in copies)
    return replace(world, resources=resources, metrics=metrics), PoolRef("/c", "default", "", "northeurope", "", nodes, "auto_provisioned", machines)


def test_120_machines_are_read_in_three_calls_and_all_of_them(read: Serve) -> None:
    world, ref = many(120)
    served = read(world)
    window = Window(world.window_start, world.window_end)
    found = node_series(served.azure, ref, window)
    assert {s.node for s in found.series} == {machine.node for machine in ref.machines}
    assert served.local.counts["metrics_batch"] == 3
    served.local.counts.reset()
    assert usual_values(served.azure, ref, window)["OS Disk Queue Depth"].p50 > 0
    assert served.local.counts["metrics_batch"] == 1, f"{BATCH} machines speak for all"


def test_a_call_that_fails_costs_its_machines_and_says_so(read: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    world, ref = many(120)
    served = read(world)
    window, first, ask = Window(world.window_start, world.window_end), ref.machines[0].id, served.azure.metrics

    def metrics(location: str, ids: tuple[str, ...], *rest: Any, **options: Any) -> list[RawSeries]:
        if first in ids:
            raise Permanent("Azure Monitor metrics: access denied.")
        return ask(location, ids, *rest, **options)

    monkeypatch.setattr(served.azure, "metrics", metrics)
    found = node_series(served.azure, ref, window)
    assert {s.node for s in found.series} == {machine.node for machine in ref.machines[BATCH:]}
    assert found.not_read == ("Azure Monitor metrics: access denied.",)
    with pytest.raises(Permanent, match="access denied"):
        node_series(served.azure, ref._replace(machines=ref.machines[:BATCH]), window)


# --- what they are ---


def described(*machines: tuple[str, dict[str, Any]], kind: str = "virtual_machines", version: str = "1.32.6") -> Described:
    nodes = tuple(Machine(f"/vm{n}", f"vm{n}", size, disk) for n, (size, disk) in enumerate(machines))
    return Described(PoolRef("/c", "p", "", "westeurope", "", len(nodes), kind, nodes, kubernetes_version=version), {})  # type: ignore[arg-type]


def test_machines_that_are_alike_are_one_model_and_need_no_list() -> None:
    pool, models = node_pool(described(("Standard_D4s_v3", P10), ("Standard_D4s_v3", P10)), CLUSTER, [])
    assert (pool.vm_size, pool.node_count, pool.vm.uncached_iops, pool.os_disk.tier, models) == ("Standard_D4s_v3", 2, 6400, "P10", ())
    assert (pool.kubernetes_version, pool.pull_mode) == ("1.32.6", "parallel")


def test_of_machines_that_differ_each_kind_is_told_with_its_limits() -> None:
    pool, models = node_pool(described(("Standard_D4s_v3", P10), ("Standard_D8s_v3", P20), ("Standard_D4s_v3", P10)), CLUSTER, [])
    assert [(m.nodes, m.vm.size, m.os_disk.iops) for m in models] == [(("vm0", "vm2"), "Standard_D4s_v3", 500.0), (("vm1",), "Standard_D8s_v3", 2300.0)]
    assert (pool.vm_size, pool.vm.size, pool.vm.vcpus, pool.vm.network_bits_per_second) == (*["Standard_D4s_v3 and 1 other size"] * 2, None, 2e9)
    assert (pool.os_disk.kind, pool.os_disk.sku, pool.os_disk.iops, pool.os_disk.burst_iops) == ("managed", "Premium_LRS", None, 3500.0)


def test_disks_of_two_kinds_have_nothing_in_common_that_could_be_taken_for_a_limit() -> None:
    pool, _ = node_pool(described(("Standard_D4s_v3", P10), ("Standard_D4s_v3", EPHEMERAL)), CLUSTER, [])
    assert (pool.os_disk.sku, pool.os_disk.iops, pool.os_disk.bytes_per_second) == ("", None, None)
    assert pool.vm.vcpus == 4


def test_a_pool_without_machines_has_no_limits_and_no_zeros() -> None:
    pool, models = node_pool(described(), CLUSTER, [])
    assert (pool.node_count, pool.vm_size, pool.os_disk.iops, pool.vm.vcpus, models) == (0, "", None, None, ())


@pytest.mark.parametrize(("kind", "version", "mode"), [
    ("virtual_machines", "1.31.0", "parallel"), ("virtual_machines", "1.30.9", "serial"), ("virtual_machines", "", "unknown"),
    ("auto_provisioned", "1.34.1", "serial"), ("auto_provisioned", "", "serial"),
])
def test_auto_provisioned_nodes_pull_one_by_one_whatever_their_version(kind: Any, version: str, mode: str) -> None:
    assert pull_mode(version, kind) == mode
