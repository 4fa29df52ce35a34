"""Pools whose nodes differ, and pools that are no scale set: each node by its own limits, and advice that the pool can take."""

import json
import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from shared.diagnose.pool_change import Nodes, can_be_had
from shared.model import (
    Case,
    Cause,
    NodeModel,
    OsDisk,
    Remedy,
    Series,
    Verdict,
    VmLimits,
    encode,
    in_common,
)

from . import strategies
from .cases import (
    D4DS_V5,
    D4S_V3,
    EPHEMERAL,
    EPHEMERAL_QUIET,
    NODES,
    P10,
    QUIET,
    STORM,
    T0,
    case,
    failed,
    pull,
    series,
)
from .test_words import culprit, says, verdict

SMALL, BIG = NODES
P20 = OsDisk("managed", "Premium_LRS", "P20", 512, caching="ReadOnly", iops=2300.0, bytes_per_second=150e6, burst_iops=3500.0, burst_bytes_per_second=170e6)
D8S_V3 = replace(D4S_V3, size="Standard_D8s_v3", vcpus=8, uncached_iops=12800.0, uncached_bytes_per_second=192e6, cached_iops=16000.0,
              cached_bytes_per_second=128e6, cache_gib=200.0, temp_gib=64.0, network_bits_per_second=4e9)
CACHED_STORM = {"VM Cached Bandwidth Consumed Percentage": 100.0, "OS Disk Write Bytes/sec": 63e6}


def mixed(small: tuple[VmLimits, OsDisk], big: tuple[VmLimits, OsDisk], kind: str = "virtual_machines", **changes: Any) -> Case:
    """A pool of two machines, as it is collected."""
    models = (NodeModel((SMALL,), *small), NodeModel((BIG,), *big))
    shared = in_common(models)
    made = case(**changes)
    size = "Standard_D4s_v3 and 1 other size"
    pool = replace(made.pool, vmss_id="", vm_size=size, vm=replace(shared.vm, size=size), os_disk=shared.os_disk, kind=kind)
    return replace(made, pool=pool, models=models, other_vms=())


def of_kind(kind: str, disk: OsDisk = P10, **changes: Any) -> Case:
    """A pool of machines that are all alike."""
    made = case(disk, **changes)
    return replace(made, pool=replace(made.pool, vmss_id="", kind=kind))


def remedies(made: Case) -> tuple[Remedy, ...]:
    return culprit(made).remedies


# --- each node by its own limits ---


@settings(max_examples=30, deadline=None)
@given(strategies.slow_cases())
def test_a_list_of_nodes_that_are_alike_changes_nothing(made: Case) -> None:
    listed = replace(made, models=(NodeModel(strategies.NODES, made.pool.vm, made.pool.os_disk),))
    assert encode(verdict(listed)) == encode(verdict(made))


def test_the_limit_that_is_named_is_the_one_of_the_nodes_held_up() -> None:
    measured = (*series(QUIET, STORM, nodes=(SMALL,)), *series(QUIET, nodes=(BIG,)))
    made = mixed((D4S_V3, P10), (D8S_V3, P20), measured=measured, pulls=[pull(SMALL, 6, 240)])
    assert says(made) == "The OS disk is the bottleneck: its 500 IOPS are used up on 1 of 2 nodes"
    assert verdict(made).headline.endswith("OS disk at its 500 IOPS")


def test_where_the_limits_of_the_nodes_held_up_differ_none_is_named() -> None:
    made = mixed((D4S_V3, P10), (D8S_V3, P20), storm=STORM)
    assert says(made) == "The OS disk is the bottleneck: its IOPS are used up on 2 of 2 nodes"


def test_an_ephemeral_disk_is_judged_by_the_cache_and_a_managed_one_beside_it_by_its_own() -> None:
    measured = (*series(QUIET, nodes=(BIG,)), *series(EPHEMERAL_QUIET, CACHED_STORM, nodes=(SMALL,)))
    found = verdict(mixed((D4S_V3, EPHEMERAL), (D4S_V3, P10), measured=measured, pulls=[pull(SMALL, 6, 240)]))
    assert (found.cause, found.headline.partition(": ")[2]) == (Cause.DISK_BANDWIDTH, "OS disk at its 64 MB/s")


def test_a_disk_layer_of_two_kinds_is_not_cleared_as_a_whole() -> None:
    found = verdict(mixed((D4S_V3, EPHEMERAL), (D4S_V3, P10), pulls=[pull(SMALL, 6, 9)]))
    disks = [f for f in found.findings if f.cause.layer == "disk"]
    assert {(f.verdict, f.evidence[0].text) for f in disks} == {(Verdict.UNKNOWN, "the nodes' OS disks are of several kinds")}


def test_the_fullest_link_is_the_fullest_for_its_size() -> None:
    bytes_a_minute = {SMALL: 14e9, BIG: 20e9}  # 93 % of 2 Gbit/s, 67 % of 4 Gbit/s
    measured = (*series({**QUIET, "Network In Total": 1e9}), *(Series("Network In Total", T0, node, values=(0.0, 0.0, *[v] * 4)) for node, v in bytes_a_minute.items()))
    found = verdict(mixed((D4S_V3, P10), (D8S_V3, P10), measured=tuple(s for s in measured if s.metric != "Network In Total" or len(s.values) == 6)))
    nic = next(f for f in found.findings if f.cause is Cause.NETWORK_NIC)
    assert (nic.evidence[0].node, nic.evidence[0].text) == (
        SMALL,
        "The network link is the bottleneck: up to 93 % of the 2 Gbit/s of Standard_D4s_v3 were used on 1 of 2 nodes")


def test_burst_credits_of_some_nodes_are_not_cleared_because_others_have_none() -> None:
    p30 = OsDisk("managed", "Premium_LRS", "P30", 1024, iops=5000.0, bytes_per_second=200e6)
    found = verdict(mixed((D4S_V3, P10), (D4S_V3, p30), pulls=[pull(SMALL, 6, 9)]))
    burst = next(f for f in found.findings if f.cause is Cause.DISK_BURST)
    assert burst.evidence[0].text != "the disk does not burst"


# --- advice that the pool can take ---


def patches(remedy: Remedy) -> list[Any]:
    """What the commands would change: every one of them must be a patch that the API could parse."""
    found = []
    for command in remedy.command.split(" && "):
        words = shlex.split(command)
        assert words[:2] == ["kubectl", "patch"], command
        found.append((words[2], json.loads(words[words.index("-p") + 1])))
    return found


def test_a_bigger_or_an_ephemeral_disk_of_auto_provisioned_nodes_is_a_matter_of_their_node_class() -> None:
    found = {r.title.partition(" (")[0]: r for r in remedies(of_kind("auto_provisioned", storm=STORM)) if not r.worse}
    assert patches(found["Ephemeral OS disk"]) == [("aksnodeclasses", {"spec": {"osDiskSizeGB": 100}})]
    bigger = next(title for title in found if title.endswith(" GiB OS disk"))
    assert patches(found[bigger]) == [("aksnodeclasses", {"spec": {"osDiskSizeGB": int(bigger.split()[0].replace(",", ""))}})]
    assert "Nodes that no longer match are replaced one by one." in found[bigger].note


def test_another_size_of_auto_provisioned_nodes_is_a_requirement_of_their_nodepool() -> None:
    made = of_kind("auto_provisioned", EPHEMERAL, values=EPHEMERAL_QUIET, storm=CACHED_STORM)
    another = next(r for r in remedies(made) if "Standard_D4ds_v5" in r.title)
    requirement = {"key": "karpenter.azure.com/sku-name", "operator": "In", "values": ["Standard_D4ds_v5"]}
    assert patches(another) == [("nodepools.karpenter.sh", [{"op": "add", "path": "/spec/template/spec/requirements/-", "value": requirement}])]


@pytest.mark.parametrize(("disk", "gib", "vm", "possible"), [
    ("Ephemeral", 100, D4S_V3, True), ("Ephemeral", 128, D4S_V3, False), ("Managed", 128, D4S_V3, True), ("Managed", 64, D4S_V3, False),
    ("Managed", 128, D4DS_V5, False), ("Managed", 512, VmLimits("Standard_D4s_v5", ephemeral_os_disk=False), True),
])
def test_auto_provisioning_takes_an_ephemeral_disk_wherever_it_fits(disk: str, gib: int, vm: VmLimits, *, possible: bool) -> None:
    assert can_be_had(of_kind("auto_provisioned"), Nodes(vm, disk, gib)) is possible
    assert can_be_had(of_kind("virtual_machines"), Nodes(vm, disk, gib))


def test_a_managed_disk_is_possible_for_a_mixed_pool_only_if_it_fits_no_cache() -> None:
    made = mixed((D4S_V3, P10), (D8S_V3, P10), "auto_provisioned")
    assert not can_be_had(made, Nodes(made.pool.vm, "Managed", 150))
    assert can_be_had(made, Nodes(made.pool.vm, "Managed", 256))


@pytest.mark.parametrize("changes", [
    {"storm": STORM}, {"storm": {"Percentage CPU": 99}}, {"storm": {"Network In Total": 14.5e9}},
    {"pulls": [pull(n, 8, 10, waiting=230) for n in NODES]},
    {"pulls": [pull(n, 6, 240) for n in NODES]},
    {"pulls": [failed(n, 1, 7, "throttled", count=9, pod=f"shop/{n}") for n in NODES]},
], ids=["disk", "cpu", "link", "queue", "size", "throttled"])
def test_no_advice_to_an_auto_provisioned_pool_needs_a_pool_of_aks(changes: dict[str, Any]) -> None:
    made = of_kind("auto_provisioned", **changes)
    found = remedies(replace(made, pool=replace(made.pool, pull_mode="serial")))
    assert found
    needs_one = [r.command for r in found if "nodepool update" in r.command or ("nodepool add" in r.command and "pool of AKS's own" not in r.title)]
    assert needs_one == []


def test_machines_of_aks_are_replaced_by_a_pool_of_machines() -> None:
    best = remedies(of_kind("virtual_machines", storm=STORM))[0]
    assert "az aks nodepool add" in best.command
    assert "--vm-set-type VirtualMachines --vm-sizes Standard_D4s_v3 --node-osdisk-type" in best.command


def test_machines_of_several_sizes_are_replaced_size_by_size() -> None:
    best = remedies(mixed((D4S_V3, P10), (D8S_V3, P10), storm=STORM))[0]
    assert (best.title.partition(" GiB OS disk")[1], best.p95_seconds is not None) == (" GiB OS disk", True)
    assert "--vm-sizes Standard_D8s_v3 --node-osdisk-type Managed" in best.command
    assert "manual-scale add" in best.note
