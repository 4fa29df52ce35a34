"""Scenarios of the disk layer: IOPS, bandwidth, burst credits, and the VM's own caps."""

from msgspec.structs import replace

from local.world.node import OsDisk
from local.world.ordinary import CALM, E10, LARGE_FILES, LIVELY, P15, P20, P30, SMALL, SMALL_FILES
from local.world.scenario import (
    ImageMix,
    LeftCredits,
    Neighbour,
    Rollout,
    ScaleOut,
    Scenario,
    Steady,
    Upgrade,
    Workload,
)

WITHOUT_CREDITS = Workload(write_iops=460, ceiling_iops=474, batch_iops=2600)
"""On a P10: a batch job each half hour spends whatever credits came back."""
FULL_UP = (0.0, 0.002)

IOPS = (
    Scenario(
        name="disk-iops",
        description="10 × D4s_v3 with 128 GiB managed OS disks: an upgrade and a deployment scaled 2 → 50 "
                    "want more than the 500 IOPS that are left without burst credits",
        cause="disk.iops", cluster="prod-weu", vm_size="Standard_D4s_v3",
        versions=("1.33.1", "1.32.6", "1.31.9"), workload=WITHOUT_CREDITS,
        images=ImageMix(services_mb=(130, 275), system_mb=(290, 390), deployment_mb=650),
        operation=Upgrade(),
    ),
    Scenario(
        name="e10-iops",
        description="a pool on Standard SSD (E10, 500 IOPS, no credits here) grows from 6 to 12: the new nodes crawl from their first second",
        cause="disk.iops", cluster="dev-neu", location="northeurope", vm_size="Standard_D4s_v5", disk=E10, nodes=6,
        versions=("1.33.4", "1.34.1"), workload=LIVELY, images=SMALL, operation=ScaleOut(new_nodes=6, pods_per_node=9),
    ),
    Scenario(
        name="one-hot-node",
        description="30 nodes, nothing wrong with 29: on one a compaction job holds the disk's 1,100 IOPS while a release rolls out everywhere",
        cause="disk.iops", cluster="search-weu", vm_size="Standard_D8s_v5", disk=P15, nodes=30, history_hours=4,
        versions=("1.33.4", "1.32.6"), workload=LIVELY, images=SMALL, operation=Steady(minutes=30),
        neighbour=Neighbour(workload=Workload(write_iops=3600, outstanding=30), first_nodes=1, at_minutes=-90),
        rollouts=(Rollout(name="release", mb=240, pods_per_node=6, images=6, at_minutes=4),),
    ),
    Scenario(
        name="storm-in-an-hour",
        description="an ordinary hour with three bad minutes: a release of eight images meets P10 disks without credits",
        cause="disk.iops", cluster="pay-weu", vm_size="Standard_D4s_v3", nodes=8, versions=("1.33.4", "1.32.6"),
        workload=WITHOUT_CREDITS, images=replace(SMALL, services_mb=(120, 260)), operation=Steady(minutes=60),
        rollouts=(Rollout(name="release", mb=270, pods_per_node=8, images=8, at_minutes=34),),
    ),
    Scenario(
        name="p20-iops-small-files",
        description="P20 disks are upgraded under Python images of tiny files: 2,300 IOPS are gone at 20 MB/s",
        cause="disk.iops", cluster="ml-sdc", location="swedencentral", vm_size="Standard_D8s_v3", disk=P20, nodes=6,
        versions=("1.33.1", "1.32.6"), images=replace(SMALL_FILES, services_mb=(200, 450)), operation=Upgrade(replicas=30, evicted_per_node=6),
        workload=Workload(write_iops=2120, ceiling_iops=2180, batch_iops=3500, bytes_per_write=6_000),
    ),
    Scenario(
        name="throttled-and-busy-disk-disk-dominant",
        description="the registry refuses some pulls of a scale-out, but what takes the minutes is the 500 IOPS of the Standard SSDs",
        cause="disk.iops", cluster="mixed-weu", vm_size="Standard_D4s_v5", disk=E10, nodes=8,
        versions=("1.33.4", "1.32.6"), workload=LIVELY, images=replace(SMALL, services_mb=(300, 500), layers=(9, 16)),
        operation=ScaleOut(new_nodes=32, pods_per_node=12, minutes=20), registry_skus=("Standard",), registry_ramp=0.45, history_hours=4,
    ),
)

BANDWIDTH = (
    Scenario(
        name="disk-bandwidth",
        description="the same pool with ephemeral OS disks on the VM cache: 8,000 IOPS, but 64 MB/s for large images",
        cause="disk.bandwidth", cluster="stage-weu", vm_size="Standard_D4s_v3",
        disk=OsDisk(size_gib=100, placement="CacheDisk"),
        versions=("1.33.1", "1.32.6"),
        workload=Workload(write_iops=380, spread=0.06, bytes_per_write=24_000, outstanding=14),
        images=ImageMix(services_mb=(600, 1400), system_mb=(300, 800), deployment_mb=2800, bytes_per_write=60_000),
        operation=Upgrade(),
    ),
    Scenario(
        name="temp-disk-bandwidth",
        description="ephemeral OS disks on the small temp disks of D2ds_v5: 125 MB/s for a dozen large images at once",
        cause="disk.bandwidth", cluster="media-eus", location="eastus", vm_size="Standard_D2ds_v5",
        disk=OsDisk(size_gib=75, placement="ResourceDisk"), nodes=4, versions=("1.34.1", "1.33.4"),
        workload=CALM, images=LARGE_FILES, operation=ScaleOut(new_nodes=6, pods_per_node=7),
    ),
    Scenario(
        name="nvme-bandwidth",
        description="ephemeral OS disks on NVMe, which writes 180 MB/s: six model images a node, and no disk percentage to be seen",
        cause="disk.bandwidth", cluster="vision-sdc", location="swedencentral", vm_size="Standard_D4ds_v6",
        disk=OsDisk(size_gib=220, placement="NvmeDisk"), nodes=3, versions=("1.34.1",),
        workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=6, pods_per_node=3),
        rollouts=(Rollout(name="model", mb=3600, pods_per_node=6, images=6, on="new", bytes_per_write=200_000),),
    ),
    Scenario(
        name="e10-bandwidth",
        description="a steady pool on Standard SSD: a nightly release of archives fills 60 MB/s while IOPS are idle",
        cause="disk.bandwidth", cluster="docs-neu", location="northeurope", vm_size="Standard_D4s_v5", disk=E10, nodes=5,
        versions=("1.33.4", "1.32.6"), workload=CALM, images=LARGE_FILES, operation=Steady(minutes=25), ordinary_pulls=40,
        rollouts=(Rollout(name="archive", mb=1500, pods_per_node=5, images=5, at_minutes=5, bytes_per_write=250_000),),
    ),
    Scenario(
        name="p30-bandwidth",
        description="even P30 disks: an upgrade to images of model weights wants more than their 200 MB/s, IOPS stay below half",
        cause="disk.bandwidth", cluster="llm-weu", vm_size="Standard_D8s_v5", disk=P30, nodes=6, versions=("1.33.1",),
        workload=CALM, images=replace(LARGE_FILES, services_mb=(1800, 3200)), operation=Upgrade(evicted_per_node=7, replicas=24),
    ),
)

BURST = (
    Scenario(
        name="credits-run-out",
        description="a release starts fast on P15 disks that burst to 3,500 IOPS, and crawls once their credits run out midway",
        cause="disk.burst", cluster="bank-weu", vm_size="Standard_D8s_v3", disk=P15, nodes=6, history_hours=3,
        versions=("1.33.4", "1.32.6"), workload=Workload(write_iops=1100, spread=0.003), images=SMALL,
        old_credits=LeftCredits(io=(0.075, 0.085)), operation=Steady(minutes=35), ordinary_pulls=24,
        rollouts=(Rollout(name="release", mb=600, pods_per_node=10, images=10, at_minutes=3, bytes_per_write=8_000),),
    ),
    Scenario(
        name="bandwidth-credits-run-out",
        description="64 GiB disks (P6) burst to 170 MB/s for two minutes of large images, then are left with 50 MB/s",
        cause="disk.burst", cluster="small-weu", vm_size="Standard_D4s_v5", disk=OsDisk(size_gib=64), nodes=4, history_hours=3,
        versions=("1.33.4",), workload=Workload(write_iops=200, bytes_per_write=250_000, spread=0.003, outstanding=10), images=SMALL,
        old_credits=LeftCredits(bytes=(0.075, 0.085)), operation=Steady(minutes=35), ordinary_pulls=20,
        rollouts=(Rollout(name="bundle", mb=2900, pods_per_node=10, images=10, at_minutes=2, bytes_per_write=250_000),),
    ),
    Scenario(
        name="credits-run-out-with-the-third-release",
        description="five releases in half an hour on P10 disks: the first two burst, the others find the credits gone",
        cause="disk.burst", cluster="shop-neu", location="northeurope", vm_size="Standard_D4s_v5", nodes=5, history_hours=3,
        versions=("1.33.4", "1.34.1"), workload=Workload(write_iops=500, spread=0.003), images=SMALL,
        old_credits=LeftCredits(io=(0.075, 0.085)), operation=Steady(minutes=40), ordinary_pulls=30,
        rollouts=tuple(Rollout(name=f"app-{letter}", mb=160, pods_per_node=8, images=8, bytes_per_write=8_000, at_minutes=1 + 7 * turn)
                       for turn, letter in enumerate("abcde")),
    ),
)

VM_CAP = (
    Scenario(
        name="vm-cap-below-disk",
        description="1 TiB disks (200 MB/s) on DS2_v2, whose own cap is 96 MB/s: the bigger disk was bought for nothing",
        cause="disk.vm_cap", cluster="old-weu", vm_size="Standard_DS2_v2", disk=P30, nodes=8, versions=("1.33.1", "1.32.6"),
        workload=CALM, images=LARGE_FILES, operation=Upgrade(evicted_per_node=6, replicas=24),
    ),
    Scenario(
        name="vm-cap-without-vm-credits",
        description="D2s_v3 whose log shipper has spent the VM's own burst credits: 48 MB/s are left in front of a P20",
        cause="disk.vm_cap", cluster="logs-weu", vm_size="Standard_D2s_v3", disk=P20, nodes=6, history_hours=3,
        versions=("1.33.4", "1.32.6"), images=replace(SMALL, bytes_per_write=120_000), operation=Steady(minutes=30),
        workload=Workload(write_iops=200, bytes_per_write=250_000, spread=0.01, outstanding=12),
        old_credits=LeftCredits(vm=FULL_UP),
        rollouts=(Rollout(name="release", mb=900, pods_per_node=5, images=5, at_minutes=3),),
    ),
    Scenario(
        name="vm-cap-iops",
        description="tiny files on D2s_v5 with P30 disks: the VM's 3,750 IOPS bind, the disk could do 5,000",
        cause="disk.vm_cap", cluster="php-weu", vm_size="Standard_D2s_v5", disk=P30, nodes=6, history_hours=3,
        versions=("1.33.4",), images=SMALL_FILES, operation=ScaleOut(new_nodes=1, pods_per_node=4, replicas=24, minutes=20),
        workload=Workload(write_iops=3760, bytes_per_write=6_000, spread=0.004, cpu_share=0.3, outstanding=20),
        old_credits=LeftCredits(vm=FULL_UP),
        rollouts=(Rollout(name="release", mb=400, pods_per_node=8, images=8, at_minutes=2),),
    ),
)

SCENARIOS = (*IOPS, *BANDWIDTH, *BURST, *VM_CAP)
