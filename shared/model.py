"""The vocabulary: frozen values that every part of Pullwatch passes on.

Two of them carry everything: a ``Case`` is the evidence about one node pool in one window, a
``Diagnosis`` is what it means. Both travel as JSON (``encode`` and ``decode``).

Times are aware UTC datetimes. Units stand in the field names; ``None`` means *not known*, never
zero. "MB/s" in texts is 10^6 bytes a second, as Azure's size and disk pages use it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

CASE_VERSION = 1
DIAGNOSIS_VERSION = 1


class Value(msgspec.Struct, frozen=True):
    """Base of all values: immutable, compared by content."""


class Cause(StrEnum):
    """Everything that can be said about slow pulls. Closed: consumers branch on it."""

    REGISTRY_THROTTLED = "registry.throttled"
    REGISTRY_DISTANT = "registry.distant"
    NETWORK_NIC = "network.nic"
    NETWORK_SNAT = "network.snat"
    NETWORK_EGRESS = "network.egress"
    DISK_IOPS = "disk.iops"
    DISK_BANDWIDTH = "disk.bandwidth"
    DISK_BURST = "disk.burst"
    DISK_VM_CAP = "disk.vm_cap"
    CPU_UNPACK = "cpu.unpack"
    KUBELET_SERIAL = "kubelet.serial"
    KUBELET_QPS = "kubelet.qps"
    KUBELET_REPULL = "kubelet.repull"
    IMAGE_SIZE = "image.size"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"

    @property
    def layer(self) -> str:
        """``disk`` of ``disk.iops``: the stage of the pull pipeline."""
        return self.value.split(".", 1)[0]


class Verdict(StrEnum):
    CULPRIT = "culprit"
    CONTRIBUTING = "contributing"
    CLEARED = "cleared"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    OK = "ok"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for ok up to 3 for critical."""
        return list(Severity).index(self)


# --- what is watched -------------------------------------------------------------------------


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


class NodePool(Value, frozen=True):
    name: str
    vmss_id: str
    location: str
    vm_size: str
    node_count: int
    os_disk: OsDisk
    vm: VmLimits
    kubernetes_version: str = ""
    pull_mode: Literal["serial", "parallel", "unknown"] = "unknown"


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


# --- what was measured -----------------------------------------------------------------------


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
    metrics: dict[str, Typical] = {}
    """Metric name → its usual value over the pool, minute by minute."""


class Coverage(Value, frozen=True):
    """Whether one source answered, and if not, why and what to do."""

    source: Literal["fleet", "limits", "metrics", "pulls", "registry_log", "network", "baseline"]
    status: Literal["ok", "partial", "missing", "failed"]
    detail: str = ""
    fix: str = ""


# --- what is going on ------------------------------------------------------------------------


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


class Wake(Value, frozen=True):
    """What an event, a timer or a person asked to look at."""

    kind: Literal[
        "upgrade_started", "upgrade_succeeded", "upgrade_failed",
        "scale_set_written", "scale_set_shrunk", "maintenance", "ignored", "rejected",
    ]
    event_id: str = ""
    at: datetime | None = None
    cluster_id: str = ""
    pool: str = ""
    vmss_id: str = ""
    reason: str = ""
    """Why it is ignored or rejected, or what a maintenance event says."""


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
    baseline: Baseline | None = None
    coverage: tuple[Coverage, ...] = ()
    other_vms: tuple[VmLimits, ...] = ()
    """Sizes of the region that could carry this pool: what a remedy may name."""
    disk_tiers: tuple[DiskTier, ...] = ()
    """Tiers of the disk SKU the pool could use, smallest first."""
    version: int = CASE_VERSION


# --- what it means ---------------------------------------------------------------------------


class Evidence(Value, frozen=True):
    """One sentence, and the numbers in it so that a reader can check them."""

    text: str
    metric: str = ""
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    node: str = ""
    at: datetime | None = None


class Remedy(Value, frozen=True):
    title: str
    command: str = ""
    p95_seconds: float | None = None
    """Predicted p95 pull time once done; None: not predictable from this Case."""
    note: str = ""
    worse: bool = False
    """A remedy often proposed that would make *this* pool slower: said so that nobody tries it."""


class Finding(Value, frozen=True):
    cause: Cause
    verdict: Verdict
    confidence: float
    """0..1: how sure the verdict is."""
    share: float | None = None
    """0..1: part of the slow pulls' lost time that this cause explains."""
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[Remedy, ...] = ()


class SlowPull(Value, frozen=True):
    image: str
    node: str
    seconds: float


class Impact(Value, frozen=True):
    nodes_total: int
    pulls: int | None = None
    """None: pulls are not visible in this Case."""
    failed: int | None = None
    slow: int | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    baseline_p95_seconds: float | None = None
    slowest: tuple[SlowPull, ...] = ()
    nodes_affected: int | None = None
    slow_minutes: int | None = None
    """Minutes of the window in which a slow pull went on anywhere in the pool."""


class Chart(Value, frozen=True):
    """The deciding metric over time, for a sparkline or a chart."""

    metric: str
    unit: str
    start: datetime
    step_seconds: int
    values: tuple[float | None, ...]
    limit: float | None = None
    usual: float | None = None


class Diagnosis(Value, frozen=True):
    id: str
    cluster: Cluster
    pool: NodePool
    window: Window
    cause: Cause
    confidence: float
    severity: Severity
    headline: str
    findings: tuple[Finding, ...]
    impact: Impact
    chart: Chart | None = None
    coverage: tuple[Coverage, ...] = ()
    operation: Operation | None = None
    version: int = DIAGNOSIS_VERSION

    @property
    def culprit(self) -> Finding | None:
        """The finding behind ``cause``; None for healthy and unknown."""
        return next((f for f in self.findings if f.verdict is Verdict.CULPRIT), None)


# --- what is told ----------------------------------------------------------------------------


class Incident(Value, frozen=True):
    id: str
    cluster_id: str
    pool: str
    cause: Cause
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    calm_checks: int = 0
    """Assessments in a row that found nothing wrong: enough of them resolve the incident."""


class Notice(Value, frozen=True):
    """One thing worth telling, with all that a message about it needs."""

    id: str
    kind: Literal["opened", "changed", "resolved", "summary"]
    at: datetime
    reason: str
    """Why it is told, by name: ``incident_opened``, ``upgrade_ended``, …"""
    diagnosis: Diagnosis
    operation: Operation | None = None
    incident: Incident | None = None


class Delivery(Value, frozen=True):
    """One notice for one receiver: the ledger row."""

    id: str
    notice_id: str
    cluster_id: str
    receiver: str
    created_at: datetime
    updated_at: datetime
    status: Literal["pending", "sending", "delivered", "parked"] = "pending"
    attempts: int = 0
    due_at: datetime | None = None
    """Not to be tried before; None: at once."""
    unanswered: int = 0
    """Attempts of which nobody knows whether they arrived."""
    reason: str = ""


# --- how it is judged ------------------------------------------------------------------------


class Thresholds(Value, frozen=True):
    """The numbers that rules compare with; each is a setting (``docs/settings.md``)."""

    slow_pull_seconds: float = 60.0
    slow_factor: float = 3.0
    """A pull this many times the pool's usual p95 is slow, if it also took ``slow_floor_seconds``."""
    slow_floor_seconds: float = 20.0
    queue_depth: float = 20.0
    saturated_percent: float = 95.0
    cpu_percent: float = 90.0
    network_percent: float = 85.0


def encode(value: msgspec.Struct) -> bytes:
    """JSON of a value: the same value gives the same bytes."""
    return msgspec.json.encode(value, order="deterministic")


def decode[T](data: bytes | str, kind: type[T]) -> T:
    """The value back from its JSON. Raises ``msgspec.ValidationError`` naming the field at fault."""
    return msgspec.json.decode(data, type=kind)
