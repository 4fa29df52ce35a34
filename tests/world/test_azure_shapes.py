"""What the world shows is spelled as Azure spells it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.world import SCENARIOS, build
from local.world.build import build_scenario
from local.world.kubelet_log import go_duration
from local.world.names import node_name
from local.world.scenarios import SCENARIO_LIST
from local.world.skus import resource_skus
from local.world.types import MetricSeries, World

NOW = datetime(2026, 3, 4, 10, 42, 17, tzinfo=UTC)
DATA = Path(__file__).parents[1] / "data"
METRICS = json.loads((DATA / "world_metrics.json").read_text())
METRICS["Microsoft.Compute/virtualMachines"] = {
    name: one | {"dimensions": [d for d in one["dimensions"] if d != "VMName"]} for name, one in METRICS["Microsoft.Compute/virtualMachineScaleSets"].items()}
TABLES = json.loads((DATA / "world_tables.json").read_text())
PULLED = re.compile(r'^Successfully pulled image "([^"]+)" in (\S+) \((\S+) including waiting\)\. Image size: (\d+) bytes\.$')
TYPES = {"string": str, "int": int, "real": float, "datetime": datetime}


NAMED = ("healthy-upgrade", "disk-iops", "disk-bandwidth", "acr-throttled", "busy-disk")


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {name: build(name, 1, NOW) for name in NAMED}


@pytest.mark.parametrize("name", SCENARIOS)
def test_everything_a_world_shows_is_spelled_as_documented(name: str) -> None:
    world = build(name, 1, NOW)
    complaints = [*undocumented_metrics(world), *undocumented_columns(world), *late_or_lost(world)]
    assert complaints == []
    assert len(msgspec.json.encode(world)) > 50_000


def undocumented_metrics(world: World) -> Iterator[str]:
    for one in world.metrics:
        parts = one.resource_id.split("/")
        documented = METRICS[f"{parts[6]}/{parts[7]}"].get(one.metric)
        if not documented or one.unit != documented["unit"] or one.aggregation not in documented["aggregations"] or (
                not set(one.dimensions) <= set(documented["dimensions"])):
            yield f"{parts[7]}: {one.metric}, {one.unit}, {one.aggregation}, {one.dimensions}"


def undocumented_columns(world: World) -> Iterator[str]:
    for table, found in world.tables.items():
        for column, value in ((c, v) for row in found for c, v in row.items()):
            if value is not None and not isinstance(value, TYPES[TABLES[table][column]]):
                yield f"{table}.{column}: {value!r}"


def late_or_lost(world: World) -> Iterator[str]:
    """What lies after now, and what belongs to no listed resource."""
    ids = {row["id"] for row in world.resources}
    yield from {one.resource_id for one in world.metrics} - ids
    yield from {truth.cluster_id for truth in world.truths} - ids
    yield from (f"{table} after now" for table, rows in world.tables.items() if any(row["TimeGenerated"] > NOW for row in rows))
    yield from (f"event at {event.at}" for event in world.events if event.at > NOW)


def series(world: World, metric: str) -> list[MetricSeries]:
    return [one for one in world.metrics if one.metric == metric]


def rows(world: World, kind: str) -> list[dict[str, Any]]:
    return [row for row in world.resources if row["type"] == kind.lower()]


# --- metrics -----------------------------------------------------------------------------------


def test_an_ephemeral_disk_has_no_provisioned_limit_to_consume(worlds: dict[str, World]) -> None:
    absent = re.compile(r"^OS Disk .*(Consumed|Target|Burst)")
    for name in ("healthy-upgrade", "disk-bandwidth", "acr-throttled"):
        assert not [one.metric for one in worlds[name].metrics if absent.match(one.metric)]
    assert series(worlds["disk-iops"], "OS Disk IOPS Consumed Percentage")


def test_credits_are_measured_every_fifth_minute_only(worlds: dict[str, World]) -> None:
    for one in series(worlds["disk-iops"], "OS Disk Used Burst IO Credits Percentage"):
        measured = {index % 5 for index, value in enumerate(one.values) if value is not None}
        assert len(measured) <= 1


def test_the_old_nodes_of_the_seed_case_have_no_credits_left_all_day(worlds: dict[str, World]) -> None:
    world = worlds["disk-iops"]
    minutes = int((world.window_start - world.history_start).total_seconds() // 60)
    for one in series(world, "OS Disk Used Burst IO Credits Percentage"):
        if one.start == world.history_start:
            assert min(value for value in one.values[:minutes] if value is not None) > 98


def test_ordinary_queue_depth_is_ten_to_seventeen_and_well_above_twenty_while_pulls_saturate_the_disk(worlds: dict[str, World]) -> None:
    world = worlds["disk-iops"]
    minutes = int((world.window_start - world.history_start).total_seconds() // 60)
    for one in (s for s in series(world, "OS Disk Queue Depth") if s.start == world.history_start):
        usual = sorted(value for value in one.values[:minutes] if value is not None)
        assert usual[len(usual) // 20] >= 10
        assert usual[-len(usual) // 20] <= 17.5
        storm = [value for value in one.values[minutes:minutes + 6] if value is not None]
        assert 25 <= max(storm) <= 45


def test_nodes_have_values_only_while_they_exist(worlds: dict[str, World]) -> None:
    cpu = series(worlds["disk-iops"], "Percentage CPU")
    by_node = {one.dimensions["VMName"]: one for one in cpu}
    assert len(by_node) == 12
    surge = next(one for name, one in by_node.items() if name.endswith("_10"))
    assert surge.start > worlds["disk-iops"].window_start
    assert surge.values[-1] is None
    reimaged = next(one for name, one in by_node.items() if name.endswith("_0"))
    assert [None, None] in [reimaged.values[i:i + 2] for i in range(len(reimaged.values))]


def test_gaps_are_rare_and_values_are_plain_numbers(worlds: dict[str, World]) -> None:
    one = series(worlds["busy-disk"], "Percentage CPU")[0]
    missing = sum(value is None for value in one.values)
    assert missing < 0.03 * len(one.values)
    assert all(value is None or 0 <= value < 101 for value in one.values)


# --- logs --------------------------------------------------------------------------------------


def test_pulled_messages_carry_image_durations_and_size(worlds: dict[str, World]) -> None:
    world = worlds["disk-iops"]
    events = [row for row in world.tables["KubeEvents"] if row["Reason"] == "Pulled" and row["Message"].startswith("Success")]
    assert len({(row["Name"], row["Message"]) for row in events if row["LastSeen"] >= world.window_start}) >= 195
    assert all(PULLED.match(row["Message"]) for row in events)
    assert {row["KubeEventType"] for row in events} == {"Normal"}
    assert all(re.fullmatch(r"aks-apps-\d{8}-vmss[0-9a-z]{6}", row["Computer"]) for row in events)


def test_throttled_pulls_show_as_429_in_warnings_with_cumulative_counts(worlds: dict[str, World]) -> None:
    events = worlds["acr-throttled"].tables["KubeEvents"]
    refused = [row for row in events if row["Reason"] == "Failed" and re.search("429|toomanyrequests", row["Message"])]
    assert refused
    assert {row["KubeEventType"] for row in refused} == {"Warning"}
    back_off = [row for row in events if row["Message"].startswith("Back-off pulling image")]
    assert max(row["Count"] for row in back_off) > 3
    assert all(row["FirstSeen"] <= row["LastSeen"] <= row["TimeGenerated"] for row in events)


def test_without_collect_all_kube_events_only_warnings_are_there() -> None:
    scenario = next(one for one in SCENARIO_LIST if one.name == "acr-throttled")
    world = build_scenario(msgspec.structs.replace(scenario, normal_kube_events=False), 0, NOW)
    assert {row["KubeEventType"] for row in world.tables["KubeEvents"]} == {"Warning"}


def test_refused_requests_are_logged_in_some_worlds_and_missing_in_others() -> None:
    logged = {seed: {row["ResultDescription"] for row in build("acr-throttled", seed, NOW).tables["ContainerRegistryRepositoryEvents"]}
              for seed in (0, 1)}
    assert logged == {0: {"200"}, 1: {"200", "429"}}


def test_pods_start_when_their_image_is_there(worlds: dict[str, World]) -> None:
    inventory = worlds["disk-iops"].tables["KubePodInventory"]
    started = [row for row in inventory if row["ContainerStartTime"]]
    waits = [(row["ContainerStartTime"] - row["PodStartTime"]).total_seconds() for row in started]
    assert max(waits) > 200
    assert {row["ContainerStatus"] for row in inventory} == {"running", "waiting"}


def test_upgraded_nodes_report_the_new_kubelet(worlds: dict[str, World]) -> None:
    inventory = worlds["disk-iops"].tables["KubeNodeInventory"]
    versions = {row["Computer"]: row["KubeletVersion"] for row in inventory}
    assert set(versions.values()) == {"v1.33.4"}
    assert len({row["KubeletVersion"] for row in inventory}) == 2


def test_go_prints_durations_so() -> None:
    assert [go_duration(s) for s in (0.786, 2.786, 616.315, 3605, 60)] == ["786ms", "2.786s", "10m16.315s", "1h0m5s", "1m0s"]
    assert go_duration(49.657983991, digits=9) == "49.657983991s"


def test_node_names_end_in_six_base_36_digits() -> None:
    assert node_name("aks-apps-12345678-vmss", 10) == "aks-apps-12345678-vmss00000a"
    assert node_name("aks-apps-12345678-vmss", 0) == "aks-apps-12345678-vmss000000"


# --- resources and events -----------------------------------------------------------------------


def test_the_scale_set_says_what_its_os_disk_is(worlds: dict[str, World]) -> None:
    managed, = rows(worlds["disk-iops"], "Microsoft.Compute/virtualMachineScaleSets")
    disk = managed["properties"]["virtualMachineProfile"]["storageProfile"]["osDisk"]
    assert (disk["diskSizeGB"], disk["managedDisk"]["storageAccountType"], disk["caching"]) == (128, "Premium_LRS", "ReadOnly")
    assert managed["sku"]["capacity"] == 10
    assert managed["tags"]["aks-managed-poolName"] == "apps"
    ephemeral, = rows(worlds["disk-bandwidth"], "Microsoft.Compute/virtualMachineScaleSets")
    local = ephemeral["properties"]["virtualMachineProfile"]["storageProfile"]["osDisk"]["diffDiskSettings"]
    assert local == {"option": "Local", "placement": "CacheDisk"}


def test_a_scale_out_ends_with_more_instances(worlds: dict[str, World]) -> None:
    scale_set, = rows(worlds["acr-throttled"], "Microsoft.Compute/virtualMachineScaleSets")
    assert scale_set["sku"]["capacity"] == 94


def test_single_machines_are_a_resource_each_and_named_as_their_node() -> None:
    world = build("machines-iops", 1, NOW)
    machines = rows(world, "Microsoft.Compute/virtualMachines")
    assert len(machines) == 8
    assert all(re.fullmatch(r"aks-apps-\d{8}-vms\d", machine["properties"]["osProfile"]["computerName"]) for machine in machines)
    assert {one.resource_id for one in series(world, "OS Disk Queue Depth")} == {machine["id"] for machine in machines}
    cluster, = rows(world, "Microsoft.ContainerService/managedClusters")
    assert cluster["properties"]["agentPoolProfiles"][0]["virtualMachinesProfile"] == {"scale": {"manual": [{"size": "Standard_D4s_v3", "count": 8}]}}
    assert rows(world, "Microsoft.Compute/virtualMachineScaleSets") == []


def test_auto_provisioned_nodes_of_several_sizes_are_in_no_agent_pool() -> None:
    world = build("provisioned-iops", 1, NOW)
    machines = rows(world, "Microsoft.Compute/virtualMachines")
    assert {machine["tags"]["karpenter.sh_nodepool"] for machine in machines} == {"default"}
    assert {machine["properties"]["hardwareProfile"]["vmSize"] for machine in machines} == {"Standard_D2s_v3", "Standard_D4s_v3"}
    assert {row["Computer"] for row in world.tables["KubeNodeInventory"]} == {machine["name"] for machine in machines}
    cluster, = rows(world, "Microsoft.ContainerService/managedClusters")
    assert [profile["name"] for profile in cluster["properties"]["agentPoolProfiles"]] == ["system"]
    assert world.events == []


def test_sizes_and_tiers_are_listed_with_string_values() -> None:
    skus = {(row["name"], row["size"]): {c["name"]: c["value"] for c in row["capabilities"]} for row in resource_skus("westeurope")}
    assert skus["Standard_D4s_v3", "D4s_v3"]["CombinedTempDiskAndCachedReadBytesPerSecond"] == "65536000"
    assert skus["Standard_D8ds_v5", "D8ds_v5"]["SupportedEphemeralOSDiskPlacements"] == "ResourceDisk"
    assert skus["Premium_LRS", "P10"]["MaxIOps"] == "500"
    assert skus["Premium_LRS", "P10"]["MaxBurstIops"] == "3500"
    assert "MaxBurstIops" not in skus["Premium_LRS", "P30"]
    assert ("StandardSSD_LRS", "E10") in skus
    assert all(isinstance(value, str) for values in skus.values() for value in values.values())


def test_an_upgrade_is_told_from_start_to_success_in_either_schema() -> None:
    cloud, classic = (build("disk-iops", seed, NOW).events for seed in (0, 1))
    assert cloud[0].body["type"] == "Microsoft.ContainerService.NodePoolRollingStarted"
    assert cloud[-1].body["type"] == "Microsoft.ContainerService.NodePoolRollingSucceeded"
    assert classic[0].body["eventType"] == cloud[0].body["type"]
    assert set(cloud[0].body) == {"source", "subject", "type", "time", "id", "data", "specversion"}
    assert cloud[0].body["data"] == {"nodePoolName": "apps"}
    assert re.fullmatch(r"[0-9a-f]{40}", cloud[0].body["id"])


def test_a_scale_out_is_told_as_a_write_of_the_scale_set(worlds: dict[str, World]) -> None:
    event, = worlds["acr-throttled"].events
    assert event.body["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert event.body["data"]["operationName"] == "Microsoft.Compute/virtualMachineScaleSets/write"
    assert event.body["subject"] == event.body["data"]["resourceUri"]
