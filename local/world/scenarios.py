"""The scenarios: what is built in each, and the cause that it is made to have."""

from local.world.node import OsDisk
from local.world.scenario import ImageMix, ScaleOut, Scenario, Upgrade, Workload

SCENARIO_LIST: tuple[Scenario, ...] = (
    Scenario(
        name="healthy-upgrade",
        description="10 × D8ds_v5 with ephemeral OS disks are upgraded; every pull is fast",
        cause="healthy", cluster="prod-neu", location="northeurope", vm_size="Standard_D8ds_v5",
        disk=OsDisk(size_gib=300, placement="ResourceDisk"),
        versions=("1.33.1", "1.32.6", "1.31.9"),
        workload=Workload(write_iops=420, spread=0.08, outstanding=12),
        images=ImageMix(services_mb=(120, 420), system_mb=(90, 320), deployment_mb=480),
        operation=Upgrade(),
    ),
    Scenario(
        name="disk-iops",
        description="10 × D4s_v3 with 128 GiB managed OS disks: an upgrade and a deployment scaled 2 → 50 "
                    "want more than the 500 IOPS that are left without burst credits",
        cause="disk.iops", cluster="prod-weu", vm_size="Standard_D4s_v3",
        versions=("1.33.1", "1.32.6", "1.31.9"),
        workload=Workload(write_iops=460, ceiling_iops=474, batch_iops=2600),
        images=ImageMix(services_mb=(130, 275), system_mb=(290, 390), deployment_mb=650),
        operation=Upgrade(),
    ),
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
        name="acr-throttled",
        description="a pool of fast nodes grows from 8 to over 90 at once: the registry answers 429 while disks are quiet",
        cause="registry.throttled", cluster="burst-weu", vm_size="Standard_D8ds_v5", nodes=8,
        disk=OsDisk(size_gib=300, placement="ResourceDisk"),
        versions=("1.33.4", "1.32.6", "1.34.1"),
        workload=Workload(write_iops=300, spread=0.08, outstanding=10),
        images=ImageMix(services_mb=(120, 400), system_mb=(90, 300), deployment_mb=400, layers=(9, 16)),
        operation=ScaleOut(new_nodes=86, pods_per_node=10, minutes=14), registry_skus=("Standard", "Premium"), registry_ramp=0.6,
    ),
    Scenario(
        name="busy-disk",
        description="a batch job keeps the OS disks' queues above 20 for hours, yet new pods' pulls are fast",
        cause="healthy", cluster="batch-weu", vm_size="Standard_D8s_v3", nodes=6,
        disk=OsDisk(size_gib=1024), versions=("1.33.4", "1.32.6"),
        workload=Workload(write_iops=4150, spread=0.03, bytes_per_write=14_000, outstanding=52, cpu_share=0.5),
        images=ImageMix(services_mb=(80, 260), system_mb=(60, 180), deployment_mb=300),
        operation=ScaleOut(new_nodes=2, pods_per_node=4, replicas=18, minutes=16),
    ),
)
