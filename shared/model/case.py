"""The evidence: a pool, what was measured about it, and the Case that holds it all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import fields, replace

from shared.model.base import Value

CASE_VERSION = 1

type PoolKind = Literal["scale_set", "virtual_machines", "auto_provisioned"]
"""How a pool's nodes are made: as a scale set, as AKS's own single machines, or by node auto-provisioning (Karpenter)."""


class Cluster(Value, frozen=True):
    id: str
    name: str
    location: str
    subscription_id: str
    resource_group: str
    node_resource_group: str
    kubernetes_version: str = ""
    outbound_type: str = ""
    """``loadBalancer``, ``managedNATGateway``, ``userDefinedRouting``, …; empty: not known."""
    container_insights: bool | None = None
    """Whether the monitoring add-on writes KubeEvents anywhere; None: not known."""


class OsDisk(Value, frozen=True):
    kind: Literal["managed", "ephemeral"]
    sku: str = ""
    """``Premium_LRS``, ``StandardSSD_LRS``, …; empty for an ephemeral disk."""
    tier: str = ""
    """``P10``, ``E10``, …: what Azure bills and limits by; empty for an ephemeral disk."""
    size_gib: int | None = None
    placement: str = ""
    """``CacheDisk``, ``ResourceDisk`` or ``NvmeDisk`` of an ephemeral disk."""
    caching: str = ""
    iops: float | None = None
    """Provisioned limit of the disk itself; for an ephemeral disk what the VM's local storage gives."""
    bytes_per_second: float | None = None
    burst_iops: float | None = None
    burst_bytes_per_second: float | None = None


class VmLimits(Value, frozen=True):
    size: str
    vcpus: int | None = None
    uncached_iops: float | None = None
    uncached_bytes_per_second: float | None = None
    uncached_burst_iops: float | None = None
    """Up to 30 minutes at a time, while the VM has credits; None: this size has none, or it is not published."""
    uncached_burst_bytes_per_second: float | None = None
    cached_iops: float | None = None
    """Host cache and temp disk together, as Azure counts them."""
    cached_bytes_per_second: float | None = None
    cache_gib: float | None = None
    temp_gib: float | None = None
    nvme_gib: float | None = None
    ephemeral_os_disk: bool | None = None
    ephemeral_placements: tuple[str, ...] = ()
    network_bits_per_second: float | None = None


class DiskTier(Value, frozen=True):
    """What one size of managed disk gives, as the Compute SKUs list it."""

    sku: str
    tier: str
    size_gib: int
    iops: float
    bytes_per_second: float
    burst_iops: float | None = None
    burst_bytes_per_second: float | None = None


class NodePool(Value, frozen=True):
    name: str
    vmss_id: str
    """Empty for a pool of single machines."""
    location: str
    vm_size: str
    """Where sizes differ: the commonest, and how many others there are."""
    node_count: int
    os_disk: OsDisk
    vm: VmLimits
    kubernetes_version: str = ""
    pull_mode: Literal["serial", "parallel", "unknown"] = "unknown"
    kind: PoolKind = "scale_set"


class NodeModel(Value, frozen=True):
    """Nodes of one size with the same OS disk."""

    nodes: tuple[str, ...]
    vm: VmLimits
    os_disk: OsDisk


def in_common(models: Sequence[NodeModel]) -> NodeModel:
    """All their nodes, with those limits that all of them share; what differs is not known. At least one model."""
    nodes = tuple(node for model in models for node in model.nodes)
    return NodeModel(nodes, _shared([m.vm for m in models]), _shared([m.os_disk for m in models]))


def _shared[T: (VmLimits, OsDisk)](values: Sequence[T]) -> T:
    differing: dict[str, Any] = {
        f.name: {"size": "", "kind": "managed"}.get(f.name, f.default) for f in fields(values[0]) if len({getattr(v, f.name) for v in values}) > 1
    }
    return replace(values[0], **differing)


class EgressHop(Value, frozen=True):
    """One resource that the cluster's outbound traffic passes."""

    kind: Literal["load_balancer", "nat_gateway", "firewall"]
    id: str
    location: str
    limit_bits_per_second: float | None = None
    """Published throughput; None: not known, or none of its own."""


class Registry(Value, frozen=True):
    login_server: str
    id: str = ""
    """Empty for a registry that is not ours to read (MCR, Docker Hub, another tenant's)."""
    sku: str = ""
    location: str = ""
    replicas: tuple[str, ...] = ()
    """Locations of the geo-replicas, the home region included."""
    identity_requests_per_minute: float | None = None
    """Published read limit for one identity: all kubelets of a cluster normally share one."""
    registry_requests_per_minute: float | None = None
    attached: bool | None = None
    """Whether the kubelets' identity has a role that lets it pull; None: not known, or not asked. False: none that
    Resource Graph shows, which leaves pull secrets, groups and custom roles."""


class Window(Value, frozen=True):
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


class Series(Value, frozen=True):
    """One metric of one node (or of the whole pool), a value a step; None where Azure had none."""

    metric: str
    start: datetime
    node: str = ""
    """Kubernetes node name; empty: the pool or resource as a whole."""
    unit: str = ""
    step_seconds: int = 60
    values: tuple[float | None, ...] = ()
    resource: str = ""
    """Id of the resource measured, where it is not the pool: a load balancer, a firewall."""


class Pull(Value, frozen=True):
    """One finished attempt of one container to get its image."""

    image: str
    node: str
    at: datetime
    """When it ended."""
    outcome: Literal["pulled", "failed"]
    pod: str = ""
    """``namespace/name``: what ties the attempts of one container together."""
    seconds: float | None = None
    """The pull itself, without the wait in the kubelet's queue."""
    waiting_seconds: float | None = None
    """Time in the kubelet's queue before it; None: this Kubernetes version does not say."""
    size_bytes: int | None = None
    """As the container runtime reports it; not the bytes that were downloaded."""
    reason: Literal["", "throttled", "kubelet_qps", "timeout", "not_found", "denied", "other"] = ""
    message: str = ""
    """The kubelet's words about a failure, cut to 300 characters."""
    count: int = 1
    """How often this failure was seen for the pod; ``first_at`` is when it began."""
    first_at: datetime | None = None
    estimated: bool = False
    """From a pod's start, not from the kubelet's word: ``image`` then names the container."""


class RegistryMinute(Value, frozen=True):
    """What one registry logged in one minute. Only logged requests: a lower bound."""

    login_server: str
    at: datetime
    requests: int
    throttled: int = 0
    region: str = ""


class Typical(Value, frozen=True):
    p50: float
    p95: float


class Baseline(Value, frozen=True):
    """What is usual for this pool: the time before the window."""

    window: Window
    pulls: int = 0
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    metrics: dict[str, Typical] = msgspec.field(default_factory=dict)
    """Metric name → its usual value over the pool, minute by minute."""


class Coverage(Value, frozen=True):
    """Whether one source answered, and if not, why and what to do."""

    source: Literal["fleet", "limits", "metrics", "pulls", "registry_log", "network", "baseline"]
    status: Literal["ok", "partial", "missing", "failed"]
    detail: str = ""
    fix: str = ""


class Operation(Value, frozen=True):
    """An upgrade or a scale-out in progress, or just ended."""

    id: str
    cluster_id: str
    pool: str
    kind: Literal["upgrade", "scale_out", "maintenance"]
    started_at: datetime
    seen_at: datetime
    """Last sign of life: what decides whether it is stale."""
    ended_at: datetime | None = None
    outcome: Literal["running", "succeeded", "failed", "timed_out"] = "running"
    target: str = ""
    """Kubernetes version the pool goes to, where known."""
    nodes_before: int | None = None
    nodes_after: int | None = None


class Case(Value, frozen=True):
    """Everything gathered about one node pool in one window."""

    id: str
    taken_at: datetime
    cluster: Cluster
    pool: NodePool
    window: Window
    operation: Operation | None = None
    registries: tuple[Registry, ...] = ()
    series: tuple[Series, ...] = ()
    pulls: tuple[Pull, ...] = ()
    registry_minutes: tuple[RegistryMinute, ...] = ()
    egress: tuple[EgressHop, ...] = ()
    network: tuple[Series, ...] = ()
    """Metrics of the egress hops; ``node`` holds the values of their dimensions, ``Failed`` or an address."""
    baseline: Baseline | None = None
    coverage: tuple[Coverage, ...] = ()
    other_vms: tuple[VmLimits, ...] = ()
    """Sizes of the region that could carry this pool: what a remedy may name."""
    disk_tiers: tuple[DiskTier, ...] = ()
    """Tiers of the disk SKU the pool could use, smallest first."""
    models: tuple[NodeModel, ...] = ()
    """What each node is, where nodes differ: ``pool`` then holds what they have in common. Empty: all are as it says."""
    version: int = CASE_VERSION
