"""Scenarios in which no pull is slow, whatever else looks bad."""

from local.world.ordinary import CALM, LIVELY, P30, SMALL, TEMP_150, TEMP_300, TINY
from local.world.scenario import ImageMix, Neighbour, Outbound, Rollout, ScaleOut, Scenario, Steady, Upgrade, Workload

SCENARIOS = (
    Scenario(
        name="healthy-upgrade",
        description="10 × D8ds_v5 with ephemeral OS disks are upgraded; every pull is fast",
        cause="healthy", cluster="prod-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300,
        versions=("1.33.1", "1.32.6", "1.31.9"), workload=Workload(write_iops=420, spread=0.08, outstanding=12),
        images=ImageMix(services_mb=(120, 420), system_mb=(90, 320), deployment_mb=480),
        operation=Upgrade(),
    ),
    Scenario(
        name="busy-disk",
        description="a batch job keeps the OS disks' queues above 20 for hours, yet new pods' pulls are fast",
        cause="healthy", cluster="batch-weu", vm_size="Standard_D8s_v3", nodes=6, disk=P30, versions=("1.33.4", "1.32.6"),
        workload=Workload(write_iops=4150, spread=0.03, bytes_per_write=14_000, outstanding=52, cpu_share=0.5),
        images=ImageMix(services_mb=(80, 260), system_mb=(60, 180), deployment_mb=300),
        operation=ScaleOut(new_nodes=2, pods_per_node=4, replicas=18, minutes=16),
    ),
    Scenario(
        name="batch-fills-disk-pulls-fine",
        description="a batch job takes all 5,000 IOPS for half an hour: every disk alarm would ring, and small images still come in seconds",
        cause="healthy", cluster="batch-neu", location="northeurope", vm_size="Standard_D8s_v3", nodes=8, disk=P30,
        versions=("1.33.4", "1.32.6"), workload=LIVELY, images=TINY, operation=Steady(minutes=30),
        neighbour=Neighbour(workload=Workload(write_iops=6500, bytes_per_write=14_000, outstanding=48, cpu_share=0.5)),
        rollouts=(Rollout(name="release", mb=90, pods_per_node=3, images=3, at_minutes=8),),
    ),
    Scenario(
        name="healthy-scale-out-100-nodes",
        description="a pool grows from 40 to 100 nodes over some minutes; registry, network and disks all keep up",
        cause="healthy", cluster="grow-weu", vm_size="Standard_D4ds_v5", nodes=40, disk=TEMP_150, versions=("1.33.4", "1.34.1"),
        workload=CALM, images=SMALL, history_hours=2, operation=ScaleOut(new_nodes=60, pods_per_node=4, boot_spread_seconds=300, minutes=14),
    ),
    Scenario(
        name="healthy-one-node",
        description="a pool of one node is upgraded with one surge node; small images, fast disk",
        cause="healthy", cluster="tiny-neu", location="northeurope", vm_size="Standard_D4ds_v5", nodes=1, disk=TEMP_150,
        versions=("1.33.1", "1.32.6"), workload=CALM, images=TINY, operation=Upgrade(surge=1, replicas=4), ordinary_pulls=20,
    ),
    Scenario(
        name="healthy-serial",
        description="Kubernetes 1.30 pulls one by one, and nobody has to wait for it",
        cause="healthy", cluster="calm-weu", vm_size="Standard_D8ds_v5", nodes=6, disk=TEMP_300, versions=("1.30.7", "1.29.9"),
        workload=CALM, images=TINY, operation=ScaleOut(new_nodes=2, pods_per_node=4),
    ),
    Scenario(
        name="healthy-behind-firewall",
        description="a scale-out through a firewall with room to spare, whose SNAT ports are half used",
        cause="healthy", cluster="corp-weu", vm_size="Standard_D8ds_v5", nodes=10, disk=TEMP_300, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=4, pods_per_node=5),
        outbound=Outbound(type="userDefinedRouting", firewall_tier="Standard", public_ips=2, connections=380, other_bits_per_second=6e9),
    ),
    Scenario(
        name="busy-cores-pulls-fine",
        description="a rendering job keeps every core above 90 % for an hour; tiny images are unpacked in the gaps",
        cause="healthy", cluster="render-weu", vm_size="Standard_D8ds_v5", nodes=5, disk=TEMP_300, versions=("1.33.4",),
        workload=CALM, images=TINY, operation=Steady(minutes=30),
        neighbour=Neighbour(workload=Workload(write_iops=150, cpu_share=0.95, outstanding=6)),
        rollouts=(Rollout(name="agent", mb=70, pods_per_node=2, images=2, at_minutes=10),),
    ),
)
