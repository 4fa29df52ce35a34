"""Scenarios of pools that are no scale set: AKS's own single machines, and nodes that auto-provisioning makes."""

from msgspec.structs import replace

from local.world.node import OsDisk
from local.world.ordinary import LARGE_FILES, SMALL
from local.world.scenario import Outbound, Rollout, ScaleOut, Scenario, Steady, Upgrade, Workload
from local.world.scenarios_disk import WITHOUT_CREDITS

SCENARIOS = (
    Scenario(
        name="machines-iops",
        description="a pool of type VirtualMachines on P10 disks without credits is upgraded while a deployment scales: 500 IOPS a node",
        cause="disk.iops", cluster="vms-weu", pool_kind="virtual_machines", vm_size="Standard_D4s_v3", nodes=8,
        versions=("1.33.1", "1.32.6"), workload=WITHOUT_CREDITS, images=replace(SMALL, services_mb=(130, 275), deployment_mb=650),
        operation=Upgrade(replicas=40),
    ),
    Scenario(
        name="provisioned-iops",
        description="auto-provisioned nodes of two sizes, both with the default 128 GiB managed disk: a release meets P10s without credits",
        cause="disk.iops", cluster="nap-neu", location="northeurope", pool="default", pool_kind="auto_provisioned", vm_size="Standard_D4s_v3",
        other_sizes=("Standard_D2s_v3",), nodes=9, versions=("1.33.4", "1.34.1"), workload=WITHOUT_CREDITS,
        images=replace(SMALL, services_mb=(120, 260)), operation=Steady(minutes=40), outbound=Outbound(type="userAssignedNATGateway"),
        rollouts=(Rollout(name="release", mb=180, pods_per_node=5, images=5, at_minutes=6),),
    ),
    Scenario(
        name="provisioned-bandwidth",
        description="auto-provisioned D4s_v3 with ephemeral disks on their cache: 64 MB/s for the large images of every new node",
        cause="disk.bandwidth", cluster="nap-eus", location="eastus", pool="burst", pool_kind="auto_provisioned", vm_size="Standard_D4s_v3",
        disk=OsDisk(size_gib=100, placement="CacheDisk"), nodes=4, versions=("1.33.4",),
        workload=Workload(write_iops=380, spread=0.06, bytes_per_write=120_000, outstanding=14), images=LARGE_FILES,
        operation=ScaleOut(new_nodes=5, pods_per_node=5),
    ),
)
