"""Scenarios of the registry layer: throttling by three kinds of registry, and distance."""

from msgspec.structs import replace

from local.world.ordinary import CALM, E10, LARGE_FILES, LIVELY, P30, SMALL, TEMP_150, TEMP_300, TINY
from local.world.scenario import HUB, ImageMix, Rollout, ScaleOut, Scenario, Steady, Upgrade

MANY_LAYERS = replace(SMALL, layers=(9, 16))
FAR_IMAGES = replace(LARGE_FILES, services_mb=(1300, 2400), system_mb=(90, 250), deployment_mb=2000)

THROTTLED = (
    Scenario(
        name="acr-throttled",
        description="a pool of fast nodes grows from 8 to over 90 at once: the registry answers 429 while disks are quiet",
        cause="registry.throttled", cluster="burst-weu", vm_size="Standard_D8ds_v5", nodes=8, disk=TEMP_300,
        versions=("1.33.4", "1.32.6", "1.34.1"), workload=LIVELY,
        images=ImageMix(services_mb=(120, 400), system_mb=(90, 300), deployment_mb=400, layers=(9, 16)),
        operation=ScaleOut(new_nodes=86, pods_per_node=10, minutes=14), registry_skus=("Standard", "Premium"), registry_ramp=0.6,
    ),
    Scenario(
        name="acr-throttled-300-nodes",
        description="a nightly batch takes a pool from 20 to 300 nodes: more requests in a minute than even Premium allows",
        cause="registry.throttled", cluster="night-neu", location="northeurope", vm_size="Standard_D4ds_v5", nodes=20, disk=TEMP_150,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=MANY_LAYERS, history_hours=2, ordinary_pulls=60,
        operation=ScaleOut(new_nodes=280, pods_per_node=8, boot_spread_seconds=70, minutes=12),
    ),
    Scenario(
        name="mcr-429",
        description="a scale-out whose system images the Microsoft registry refuses for a while; the cluster's own registry is quiet",
        cause="registry.throttled", cluster="edge-weu", vm_size="Standard_D4ds_v5", nodes=12, disk=TEMP_150, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=40, pods_per_node=4, minutes=15), mcr_reads_per_minute=900,
    ),
    Scenario(
        name="dockerhub-429",
        description="60 new nodes pull three images each from Docker Hub through one address: the 100 pulls of six hours are used up",
        cause="registry.throttled", cluster="lab-weu", vm_size="Standard_D4ds_v5", nodes=6, disk=TEMP_150, versions=("1.33.4", "1.34.1"),
        workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=60, pods_per_node=3, minutes=18),
        rollouts=(Rollout(name="redis", mb=130, on="new", registry=HUB, tag="7.4"), Rollout(name="nginx", mb=190, on="new", registry=HUB, tag="1.27"),
                  Rollout(name="postgres", mb=430, on="new", registry=HUB, tag="17")),
    ),
    Scenario(
        name="throttled-and-busy-disk-throttling-dominant",
        description="Standard SSDs are full in every new node, but what takes the minutes are refusals by a registry that has not scaled out yet",
        cause="registry.throttled", cluster="mixed-neu", location="northeurope", vm_size="Standard_D4s_v5", nodes=8, disk=E10, history_hours=4,
        versions=("1.33.4", "1.32.6"), workload=CALM, images=ImageMix(services_mb=(60, 130), system_mb=(60, 120), deployment_mb=100, layers=(10, 16)),
        operation=ScaleOut(new_nodes=70, pods_per_node=10, minutes=20), registry_skus=("Standard",), registry_ramp=0.35,
    ),
)

DISTANT = (
    Scenario(
        name="cross-region",
        description="an upgrade in West Europe pulls from a registry in Australia East: a quarter of a second a round trip, 13 MB/s a pull",
        cause="registry.distant", cluster="eu-weu", vm_size="Standard_D8ds_v5", nodes=6, disk=TEMP_300, versions=("1.33.1", "1.32.6"),
        workload=CALM, images=FAR_IMAGES, operation=Upgrade(evicted_per_node=3, replicas=18),
        registry_skus=("Standard", "Premium"), registry_locations=("australiaeast",),
    ),
    Scenario(
        name="replica-elsewhere",
        description="a Premium registry with replicas in three regions, none of them the cluster's: Brazil is served from the United States",
        cause="registry.distant", cluster="br-brs", location="brazilsouth", vm_size="Standard_D8s_v5", nodes=4, disk=P30,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=replace(FAR_IMAGES, services_mb=(2600, 4200)), ordinary_pulls=30,
        operation=ScaleOut(new_nodes=4, pods_per_node=3), registry_locations=("westeurope", "japaneast", "eastus"),
    ),
    Scenario(
        name="far-model-image",
        description="one model image of 6 GB from a Basic registry half a world away, on idle nodes",
        cause="registry.distant", cluster="apac-sea", location="southeastasia", vm_size="Standard_D8ds_v5", nodes=5, disk=TEMP_300,
        versions=("1.33.4",), workload=CALM, images=TINY, operation=Steady(minutes=25), registry_skus=("Basic",),
        registry_locations=("westeurope",),
        rollouts=(Rollout(name="model", mb=6000, at_minutes=4, bytes_per_write=200_000, compressed=0.5),),
    ),
)

SCENARIOS = (*THROTTLED, *DISTANT)
