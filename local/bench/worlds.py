"""Fleets of any size with cheap metrics: what the benches and the tests of scale are run on."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, uuid5

from local.world.types import MetricSeries, World

POOLS_A_CLUSTER = 10
REGIONS = ("westeurope", "northeurope", "swedencentral", "francecentral", "uksouth", "germanywestcentral", "eastus", "eastus2",
           "westus3", "centralus", "southeastasia", "australiaeast")
MINUTES = 15
IOPS = "OS Disk IOPS Consumed Percentage"


class Shape(NamedTuple):
    """How a fleet is built."""

    pools: int
    nodes: int = 2
    """Of each pool."""
    subscriptions: int = 4
    regions: int = 3
    hot_every: int = 50
    """Every so manieth pool has one node at its disk's limit, one minute in five."""
    machines_every: int = 0
    """Every so manieth pool is one of single virtual machines; 0: none."""
    metrics: tuple[str, ...] = ("OS Disk Queue Depth", IOPS, "Percentage CPU")


class Pool(NamedTuple):
    number: int
    cluster_id: str
    node_group: str
    """``/subscriptions/…/resourceGroups/…/providers``."""
    name: str
    location: str
    machines: bool

    @property
    def vmss_id(self) -> str:
        return f"{self.node_group}/Microsoft.Compute/virtualMachineScaleSets/aks-{self.name}-12345678-vmss"

    def machine_id(self, node: int) -> str:
        return f"{self.node_group}/Microsoft.Compute/virtualMachines/aks-{self.name}-12345678-vms{node}"


def pools_of(shape: Shape) -> Iterator[Pool]:
    """Clusters of ten pools, dealt out to the subscriptions and their regions in turn."""
    places = [(uuid5(NAMESPACE_DNS, f"subscription-{s}"), REGIONS[r]) for s in range(shape.subscriptions) for r in range(shape.regions)]
    clusters = -(-shape.pools // POOLS_A_CLUSTER)
    for cluster, (subscription, location) in enumerate(islice(cycle(places), clusters)):
        base = f"/subscriptions/{subscription}/resourceGroups"
        cluster_id = f"{base}/rg-{cluster}/providers/Microsoft.ContainerService/managedClusters/c{cluster}"
        for number in range(cluster * POOLS_A_CLUSTER, min(shape.pools, (cluster + 1) * POOLS_A_CLUSTER)):
            machines = bool(shape.machines_every) and number % shape.machines_every == 0
            yield Pool(number, cluster_id, f"{base}/MC_c{cluster}/providers", f"p{number}", location, machines)


def hot_pools(shape: Shape) -> list[Pool]:
    return [pool for pool in pools_of(shape) if pool.number % shape.hot_every == 0]


def fleet_world(shape: Shape, end: datetime) -> World:
    """The fleet at ``end``, with a quarter of an hour of metrics behind it."""
    pools = list(pools_of(shape))
    start = end.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    clusters = {pool.cluster_id: _cluster(pool) for pool in pools}
    return World(
        scenario=f"fleet of {shape.pools}", seed=0, description="A fleet with cheap metrics.", history_start=start, window_start=start,
        window_end=end, end=end, resources=[*clusters.values(), *(r for pool in pools for r in _nodes(pool, shape))],
        resource_skus=[], metrics=list(_metrics(pools, shape, start)), tables={}, events=[], truths=[],
    )


def _cluster(pool: Pool) -> dict[str, Any]:
    number = pool.cluster_id.rpartition("/c")[2]
    return _resource(pool.cluster_id, pool.location, tags={"env": "prod"}, properties={
        "kubernetesVersion": "1.33.4", "nodeResourceGroup": f"MC_c{number}", "networkProfile": {"outboundType": "loadBalancer"}})


def _nodes(pool: Pool, shape: Shape) -> Iterator[dict[str, Any]]:
    """The pool's scale set, or its single machines."""
    tags = {"aks-managed-poolName": pool.name}
    if not pool.machines:
        yield _resource(pool.vmss_id, pool.location, tags=tags, sku={"name": "Standard_D4s_v3", "capacity": shape.nodes}, properties={})
        return
    for node in range(shape.nodes):
        yield _resource(pool.machine_id(node), pool.location, tags=tags, properties={"hardwareProfile": {"vmSize": "Standard_D4s_v3"}})


def _resource(resource_id: str, location: str, **fields: Any) -> dict[str, Any]:
    return {"id": resource_id, "name": resource_id.rpartition("/")[2], "location": location, **fields}


def _metrics(pools: Iterable[Pool], shape: Shape, start: datetime) -> Iterator[MetricSeries]:
    quiet: list[float | None] = [20.0] * MINUTES
    depth: list[float | None] = [3.0] * MINUTES
    hot: list[float | None] = [100.0 if minute % 5 == 0 else 1.0 for minute in range(MINUTES)]
    for pool in pools:
        for node in range(shape.nodes):
            resource_id = pool.machine_id(node) if pool.machines else pool.vmss_id
            dimensions = {} if pool.machines else {"VMName": f"aks-{pool.name}-12345678-vmss_{node}"}
            at_limit = pool.number % shape.hot_every == 0 and node == shape.nodes - 1
            for metric in shape.metrics:
                values = hot if at_limit and metric == IOPS else depth if metric == "OS Disk Queue Depth" else quiet
                yield MetricSeries(resource_id=resource_id, metric=metric, unit="Count" if values is depth else "Percent",
                                   aggregation="Average", dimensions=dimensions, start=start, values=values)
