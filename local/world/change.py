"""What a remedy does to a world: the same pulls under one changed condition.

``after`` measures what a forecast predicts. The plan (which pod comes when, to which node, with which
image) is drawn from the scenario's name and the seed alone, so it is the same before and after.
"""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from local.world.build import judge, scenario_named
from local.world.hardware import VmSize
from local.world.node import OsDisk
from local.world.run import run
from local.world.scenario import LeftCredits, Scenario, Upgrade, Workload
from local.world.skus import vm_size
from local.world.types import Truth

PARALLEL_VERSION = "1.33.4"
"""A Kubernetes version whose kubelets pull in parallel."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One remedy. None: as it is."""

    vm_size: str | None = None
    os_disk_kind: Literal["managed", "ephemeral"] | None = None
    os_disk_sku: str | None = None
    """Of a managed disk: ``Premium_LRS`` unless it has another one already."""
    os_disk_gib: int | None = None
    """An ephemeral disk without it is as large as the old one, or as the place holds."""
    registry_sku: Literal["Basic", "Standard", "Premium"] | None = None
    replica_region: str | None = None
    """A geo-replica more; makes the registry Premium, as Azure demands."""
    parallel_pulls: bool | None = None
    """True: a Kubernetes version from 1.31 on, without opting out, on nodes that are not auto-provisioned."""
    always_pull: bool | None = None
    """``imagePullPolicy`` of every pod: Always, or IfNotPresent."""
    outbound_ports: int | None = None
    """SNAT ports of each node behind the load balancer."""
    public_ips: int | None = None
    """Of the load balancer, NAT gateway or firewall."""
    firewall_tier: Literal["Basic", "Standard", "Premium"] | None = None


def after(name: str, seed: int, end: datetime, change: Change) -> Truth:
    """What would have held up the pulls of that world after the change, and their p95.

    Raises ``ValueError`` for a scenario, a size or a disk that does not exist, or that does not fit.
    """
    return judge(run(changed(scenario_named(name), change), seed, end))


def changed(scenario: Scenario, change: Change) -> Scenario:
    """The scenario with the change made, under the same name."""
    scenario = _hardware(scenario, change)
    scenario = _registry(scenario, change)
    scenario = _pulls(scenario, change)
    outbound = {"ports_per_node": change.outbound_ports, "public_ips": change.public_ips, "firewall_tier": change.firewall_tier}
    return replace(scenario, outbound=replace(scenario.outbound, **{field: value for field, value in outbound.items() if value is not None}))


# --- disk and VM size ----------------------------------------------------------------------------


def _hardware(scenario: Scenario, change: Change) -> Scenario:
    """New disks start with full credits, a new VM size with its own; both have the world's hours to live up to it."""
    old, new = vm_size(scenario.vm_size), vm_size(change.vm_size or scenario.vm_size)
    disk = _disk(scenario, new, change)
    if disk == scenario.disk and new == old and not (change.vm_size and scenario.other_sizes):
        return scenario
    left = scenario.old_credits or LeftCredits()
    credits_left = replace(left, io=(1.0, 1.0), bytes=(1.0, 1.0)) if disk != scenario.disk else scenario.old_credits
    if new != old:
        credits_left = replace(credits_left or left, vm=(1.0, 1.0))
    workload, neighbour = _on(scenario.workload, old, new), scenario.neighbour
    if neighbour is not None:
        neighbour = replace(neighbour, workload=_on(neighbour.workload, old, new))
    return replace(scenario, vm_size=new.name, other_sizes=() if change.vm_size else scenario.other_sizes, disk=disk, old_credits=credits_left, workload=workload, neighbour=neighbour)


def _on(workload: Workload, old: VmSize, new: VmSize) -> Workload:
    """The same work on another number of cores."""
    return replace(workload, cpu_share=workload.cpu_share * old.vcpus / new.vcpus)


def _disk(scenario: Scenario, vm: VmSize, change: Change) -> OsDisk:
    disk = scenario.disk
    kind = change.os_disk_kind or ("ephemeral" if disk.ephemeral else "managed")
    if scenario.pool_kind == "auto_provisioned":  # ephemeral wherever there is room
        kind = "ephemeral" if local_room(vm)[1] >= (change.os_disk_gib or disk.size_gib) else "managed"
    if kind == "managed":
        return OsDisk(sku=change.os_disk_sku or disk.sku, size_gib=change.os_disk_gib or disk.size_gib)
    placement, room_gib = local_room(vm)
    size_gib = change.os_disk_gib or min(disk.size_gib, room_gib)
    if not placement or size_gib > room_gib:
        raise ValueError(f"{vm.name} has {room_gib} GiB for an ephemeral OS disk, not {size_gib}.")
    return OsDisk(sku=disk.sku, size_gib=size_gib, placement=placement)


def local_room(vm: VmSize) -> tuple[str, int]:
    """Where Azure puts an ephemeral OS disk unless told otherwise, and the GiB there: cache before temp disk."""
    if vm.nvme_gib:
        return "NvmeDisk", vm.nvme_gib
    return ("CacheDisk", vm.cache_gib) if vm.cache_gib else ("ResourceDisk" if vm.temp_gib else "", vm.temp_gib)


# --- registry and pulls --------------------------------------------------------------------------


def _registry(scenario: Scenario, change: Change) -> Scenario:
    sku = change.registry_sku or ("Premium" if change.replica_region else None)
    if sku:  # as many as there were: the seed draws one of them
        scenario = replace(scenario, registry_skus=(sku,) * len(scenario.registry_skus))
    if change.replica_region:
        locations = scenario.registry_locations or (scenario.location,)
        scenario = replace(scenario, registry_locations=(*locations, change.replica_region))
    return scenario


def _pulls(scenario: Scenario, change: Change) -> Scenario:
    if change.always_pull is not None:
        rollouts = tuple(replace(rollout, always_pull=change.always_pull) for rollout in scenario.rollouts)
        scenario = replace(scenario, always_pull=change.always_pull, rollouts=rollouts)
    if change.parallel_pulls is False:
        return replace(scenario, serial_pulls=True)
    return _in_parallel(scenario) if change.parallel_pulls else scenario


def _in_parallel(scenario: Scenario) -> Scenario:
    operation = scenario.operation
    if isinstance(operation, Upgrade):
        operation = replace(operation, target=PARALLEL_VERSION)
    kind = "scale_set" if scenario.pool_kind == "auto_provisioned" else scenario.pool_kind
    return replace(scenario, serial_pulls=False, pool_kind=kind, versions=(PARALLEL_VERSION,) * len(scenario.versions), operation=operation)
