"""Scenarios of the node itself: unpacking on the CPU, the kubelet's queue and rate, and plain image size."""

from msgspec.structs import replace

from local.world.node import OsDisk
from local.world.ordinary import CALM, MEDIUM, P30, SMALL, TEMP_150, TEMP_300, TINY
from local.world.scenario import ImageMix, Neighbour, Rollout, ScaleOut, Scenario, Steady, Upgrade, Workload

NVME_220 = OsDisk(size_gib=220, placement="NvmeDisk")


def _computing(cpu_share: float) -> Workload:
    return Workload(write_iops=150, spread=0.05, outstanding=6, cpu_share=cpu_share)


UNPACK = (
    Scenario(
        name="cpu-held-by-neighbour",
        description="a report job holds all cores of 4-core nodes while a release wants to unpack",
        cause="cpu.unpack", cluster="report-weu", vm_size="Standard_D4s_v5", disk=P30, nodes=6, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=SMALL, neighbour=Neighbour(workload=_computing(1.2)), operation=Steady(minutes=25),
        rollouts=(Rollout(name="release", mb=700, pods_per_node=4, images=4, at_minutes=3),),
    ),
    Scenario(
        name="cpu-held-upgrade",
        description="an upgrade of 2-core nodes: evicted pods start up on the others, and their cores have nothing left for unpacking",
        cause="cpu.unpack", cluster="web-neu", location="northeurope", vm_size="Standard_D2ds_v5",
        disk=OsDisk(size_gib=75, placement="ResourceDisk"), nodes=8, versions=("1.33.1", "1.32.6"), workload=CALM,
        images=SMALL, neighbour=Neighbour(workload=_computing(1.2)), operation=Upgrade(replicas=24),
    ),
    Scenario(
        name="single-thread-unpack",
        description="an image of millions of tiny files: one core unpacks it at 14 MB/s, an eighth of the usual, while seven cores "
                    "idle; its size alone would take a ninth of the time",
        cause="cpu.unpack", cluster="npm-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=6, versions=("1.33.4", "1.34.1"),
        workload=CALM, images=SMALL, operation=Steady(minutes=25),
        rollouts=(Rollout(name="monorepo", mb=4000, at_minutes=3, unpack_mbps=14, compressed=0.2, bytes_per_write=16_000),),
    ),
    Scenario(
        name="single-thread-unpack-scale-out",
        description="new 4-core nodes with NVMe disks spend their first minutes on one core that unpacks a strongly compressed image of tiny files",
        cause="cpu.unpack", cluster="conda-sdc", location="swedencentral", vm_size="Standard_D4ds_v6", disk=NVME_220, nodes=3,
        versions=("1.34.1",), workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=5, pods_per_node=4),
        rollouts=(Rollout(name="notebook", mb=2600, on="new", unpack_mbps=13, compressed=0.15, bytes_per_write=16_000),),
    ),
)

SERIAL = (
    Scenario(
        name="serial-behind-big-image",
        description="Kubernetes 1.30 pulls one image at a time: ten small ones wait behind a model image of 9 GB",
        cause="kubelet.serial", cluster="ai-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=6, versions=("1.30.7", "1.29.9"),
        workload=CALM, images=SMALL, operation=Steady(minutes=25),
        rollouts=(Rollout(name="trainer", mb=9000, at_minutes=3, over_seconds=3, bytes_per_write=200_000),
                  Rollout(name="tool", mb=90, pods_per_node=10, images=10, at_minutes=3.2)),
    ),
    Scenario(
        name="serial-upgrade",
        description="an upgrade from 1.29 to 1.30: fast disks, idle links, and a queue of one in each kubelet",
        cause="kubelet.serial", cluster="late-neu", location="northeurope", vm_size="Standard_D4ads_v5", disk=TEMP_150, nodes=8,
        versions=("1.29.9", "1.29.12"), workload=CALM, images=replace(MEDIUM, services_mb=(900, 1600)), operation=Upgrade(evicted_per_node=9, replicas=24, target="1.30.9"),
    ),
    Scenario(
        name="node-provisioning-serial",
        description="nodes that node auto-provisioning creates pull one by one even with 1.33: a dozen images each, in single file",
        cause="kubelet.serial", cluster="nap-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=3, versions=("1.33.4", "1.32.6"),
        pool_kind="auto_provisioned", workload=CALM, images=MEDIUM, operation=ScaleOut(new_nodes=6, pods_per_node=12),
    ),
    Scenario(
        name="parallel-opted-out",
        description="the subscription opted out of parallel pulls: 1.33, and yet the pulls of a scale-out queue up",
        cause="kubelet.serial", cluster="optout-eus", location="eastus", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=5,
        versions=("1.33.4", "1.31.9"), serial_pulls=True, workload=CALM, images=MEDIUM,
        operation=ScaleOut(new_nodes=4, pods_per_node=10, replicas=15),
    ),
)

QPS = (
    Scenario(
        name="qps-job-burst",
        description="70 jobs start on each node in two seconds: the kubelet lets 5 pulls a second through and refuses the others",
        cause="kubelet.qps", cluster="jobs-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=4, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=TINY, operation=Steady(minutes=20),
        rollouts=(Rollout(name="step", mb=40, pods_per_node=70, images=20, at_minutes=4, over_seconds=2, job=True),),
    ),
    Scenario(
        name="qps-new-nodes",
        description="two new nodes get 80 waiting pods each in one breath; their small images are refused by the kubelet itself",
        cause="kubelet.qps", cluster="ci-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=4,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=TINY, operation=ScaleOut(new_nodes=2, pods_per_node=4),
        rollouts=(Rollout(name="runner", mb=60, pods_per_node=80, images=16, on="new", over_seconds=3),),
    ),
    Scenario(
        name="qps-always-cron",
        description="a cron storm with imagePullPolicy Always: the images are all there, but 90 pods a node must ask, and the kubelet lets few",
        cause="kubelet.qps", cluster="cron-weu", vm_size="Standard_D4ds_v5", disk=TEMP_150, nodes=6, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=TINY, operation=Steady(minutes=30),
        rollouts=(Rollout(name="tick", mb=50, pods_per_node=90, images=5, at_minutes=3, over_seconds=2, job=True, always_pull=True,
                          times=3, every_minutes=8),),
    ),
)

REPULL = (
    Scenario(
        name="latest-always",
        description=":latest with imagePullPolicy Always: each of six pushes within the hour is fetched whole again by every node",
        cause="kubelet.repull", cluster="proto-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=8, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=SMALL, operation=Steady(minutes=45),
        rollouts=(Rollout(name="web", tag="latest", mb=3600, pods_per_node=2, at_minutes=2, times=6, every_minutes=7, always_pull=True,
                          moves_tag=True, bytes_per_write=100_000),),
    ),
    Scenario(
        name="latest-always-serial",
        description="the same on Kubernetes 1.30, where four such images also queue up behind one another",
        cause="kubelet.repull", cluster="proto-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=5,
        versions=("1.30.7", "1.29.9"), workload=CALM, images=SMALL, operation=Steady(minutes=40),
        rollouts=(Rollout(name="stage", tag="latest", mb=1500, pods_per_node=4, images=4, at_minutes=2, times=5, every_minutes=7,
                          always_pull=True, moves_tag=True),),
    ),
    Scenario(
        name="image-gc-refetch",
        description="image garbage collection on nearly full disks takes a job's 4 GB image away between its runs: the same bytes again and again",
        cause="kubelet.repull", cluster="etl-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=6, versions=("1.33.4", "1.34.1"),
        workload=CALM, images=SMALL, operation=Steady(minutes=50), image_gc_minutes=(8, 16, 24, 32, 40),
        rollouts=(Rollout(name="transform", mb=4000, at_minutes=3, job=True, times=6, every_minutes=8, bytes_per_write=100_000),),
    ),
)

SIZE = (
    Scenario(
        name="one-12gb-image",
        description="one image of 12 GB on an idle pool: nothing is in its way, it just takes that long",
        cause="image.size", cluster="llm-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=4,
        versions=("1.33.4", "1.32.6"), workload=CALM, images=SMALL, operation=Steady(minutes=25),
        rollouts=(Rollout(name="llm", mb=12_000, at_minutes=3, bytes_per_write=200_000),),
    ),
    Scenario(
        name="big-image-scale-out",
        description="three new nodes with P30 disks pull an 8.5 GB image; disk, link and cores all have room",
        cause="image.size", cluster="gpu-eus", location="eastus", vm_size="Standard_D8s_v5", disk=P30, nodes=2,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=TINY, operation=ScaleOut(new_nodes=3, pods_per_node=3),
        rollouts=(Rollout(name="inference", mb=8500, on="new", at_minutes=2.5, bytes_per_write=200_000),),
    ),
    Scenario(
        name="big-image-one-node",
        description="a pool of one node on NVMe gets a 10 GB image once",
        cause="image.size", cluster="solo-sdc", location="swedencentral", vm_size="Standard_D4ds_v6", disk=NVME_220, nodes=1,
        versions=("1.34.1",), workload=CALM, images=ImageMix(services_mb=(60, 300), system_mb=(60, 200), deployment_mb=200),
        operation=Steady(minutes=20), ordinary_pulls=25,
        rollouts=(Rollout(name="sam", mb=10_000, at_minutes=2, bytes_per_write=200_000, compressed=0.3),),
    ),
)

SCENARIOS = (*UNPACK, *SERIAL, *QPS, *REPULL, *SIZE)
