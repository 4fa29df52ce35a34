"""Small Cases written by hand: a pool, its minutes and its pulls, so that one rule shows at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from shared.diagnose import diagnose
from shared.model import (
    Baseline,
    Case,
    Cause,
    Cluster,
    Coverage,
    Diagnosis,
    DiskTier,
    EgressHop,
    Finding,
    NodePool,
    OsDisk,
    Pull,
    Registry,
    Remedy,
    Series,
    Thresholds,
    Typical,
    VmLimits,
    Window,
)

T0 = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTES = 10
NODES = ("aks-apps-12345678-vmss000000", "aks-apps-12345678-vmss000001")
MB = 1e6

CLUSTER = Cluster(
    "/subscriptions/s/resourceGroups/rg-prod/providers/Microsoft.ContainerService/managedClusters/prod-weu", "prod-weu",
    "westeurope", "s", "rg-prod", "MC_rg", kubernetes_version="1.33.4", outbound_type="loadBalancer", container_insights=True)
D4S_V3 = VmLimits("Standard_D4s_v3", vcpus=4, uncached_iops=6400.0, uncached_bytes_per_second=96 * MB, cached_iops=8000.0,
                  cached_bytes_per_second=64 * MB, cache_gib=100.0, temp_gib=32.0, ephemeral_os_disk=True, network_bits_per_second=2e9)
D4DS_V5 = VmLimits("Standard_D4ds_v5", vcpus=4, uncached_iops=6400.0, uncached_bytes_per_second=145 * MB, cached_iops=19000.0,
                   cached_bytes_per_second=250 * MB, temp_gib=150.0, ephemeral_os_disk=True, network_bits_per_second=12.5e9)
P10 = OsDisk("managed", "Premium_LRS", "P10", 128, caching="ReadOnly", iops=500.0, bytes_per_second=100 * MB, burst_iops=3500.0,
             burst_bytes_per_second=170 * MB)
EPHEMERAL = OsDisk("ephemeral", size_gib=100, placement="CacheDisk", iops=8000.0, bytes_per_second=64 * MB)
TIERS = tuple(DiskTier("Premium_LRS", *row) for row in (
    ("P10", 128, 500.0, 100 * MB), ("P15", 256, 1100.0, 125 * MB), ("P20", 512, 2300.0, 150 * MB), ("P30", 1024, 5000.0, 200 * MB)))
ACR = Registry("contoso.azurecr.io", "/acr", "Standard", "westeurope", ("westeurope",), 5000.0, 10000.0)
ALL_SEEN = tuple(Coverage(source, "ok") for source in ("limits", "metrics", "pulls", "registry_log", "network", "baseline"))  # type: ignore[arg-type]
QUIET: Mapping[str, float] = {
    "OS Disk Queue Depth": 2, "OS Disk IOPS Consumed Percentage": 20, "OS Disk Bandwidth Consumed Percentage": 10,
    "OS Disk Read Operations/Sec": 10, "OS Disk Write Operations/Sec": 90, "OS Disk Read Bytes/sec": 1e6,
    "OS Disk Write Bytes/sec": 9e6, "OS Disk Used Burst IO Credits Percentage": 100, "OS Disk Used Burst BPS Credits Percentage": 0,
    "VM Uncached IOPS Consumed Percentage": 2, "VM Uncached Bandwidth Consumed Percentage": 10,
    "VM Cached IOPS Consumed Percentage": 2, "VM Cached Bandwidth Consumed Percentage": 2,
    "Percentage CPU": 30, "Network In Total": 60e6,
}
EPHEMERAL_QUIET = {k: v for k, v in QUIET.items() if "Consumed" not in k or k.startswith("VM Cached")}
STORM = {"OS Disk Queue Depth": 34, "OS Disk IOPS Consumed Percentage": 100, "OS Disk Write Operations/Sec": 490,
         "OS Disk Write Bytes/sec": 13e6}
BANDWIDTH_STORM = {"VM Cached Bandwidth Consumed Percentage": 100, "OS Disk Write Bytes/sec": 63e6, "OS Disk Write Operations/Sec": 500,
                   "OS Disk Queue Depth": 27}


def minute(n: float) -> datetime:
    return T0 + timedelta(minutes=n)


def pull(node: str, end: float, seconds: float, *, waiting: float = 0.0, image: str = "contoso.azurecr.io/web:1", pod: str = "") -> Pull:
    return Pull(image, node, minute(end), "pulled", pod=pod or f"shop/web-{node[-1]}-{end}-{seconds}", seconds=float(seconds),
                waiting_seconds=float(waiting), size_bytes=1_200_000_000)


def failed(node: str, first: float, last: float, reason: str, count: int = 4, image: str = "contoso.azurecr.io/web:1", pod: str = "shop/web-f") -> Pull:
    return Pull(image, node, minute(last), "failed", pod=pod, reason=reason, count=count, first_at=minute(first), message=reason)  # type: ignore[arg-type]


SLOW = tuple(pull(node, 6, 240) for node in NODES)
FAST = tuple(pull(node, 6, 9) for node in NODES)


def series(values: Mapping[str, float], storm: Mapping[str, float] | None = None, during: Sequence[int] = range(2, 6),
           nodes: Sequence[str] = NODES) -> tuple[Series, ...]:
    """Every metric of every node, with other values in the stormy minutes."""
    changed = storm or {}
    return tuple(
        Series(metric, T0, node, values=tuple(float(changed.get(metric, value) if m in during else value) for m in range(MINUTES)))
        for metric, value in {**values, **{k: 0.0 for k in changed if k not in values}}.items() for node in nodes)


def case(disk: OsDisk = P10, *, values: Mapping[str, float] = QUIET, storm: Mapping[str, float] | None = None,
         pulls: Sequence[Pull] = SLOW, measured: tuple[Series, ...] | None = None, **changes: object) -> Case:
    pool = NodePool("apps", "/vmss", "westeurope", "Standard_D4s_v3", len(NODES), disk, D4S_V3, "1.33.4", "parallel")
    whole = {
        "id": "c1", "taken_at": minute(MINUTES), "cluster": CLUSTER, "pool": pool, "window": Window(T0, minute(MINUTES)),
        "registries": (ACR,), "series": series(values, storm) if measured is None else measured, "pulls": tuple(pulls),
        "baseline": Baseline(Window(minute(-600), T0), 100, 20.0, 41.0,
                             {"OS Disk Queue Depth": Typical(12.0, 17.0), "Percentage CPU": Typical(30.0, 40.0)}),
        "egress": (EgressHop("load_balancer", "/lb", "westeurope"),),
        "network": (Series("SnatConnectionCount", T0, "Failed", values=(0.0,) * MINUTES, resource="/lb"),),
        "coverage": ALL_SEEN, "other_vms": (D4DS_V5,), "disk_tiers": TIERS,
    }
    return Case(**(whole | changes))  # type: ignore[arg-type]


def verdict(c: Case) -> Diagnosis:
    return diagnose(c, Thresholds())


def finding(d: Diagnosis, cause: Cause) -> Finding:
    return next(f for f in d.findings if f.cause is cause)


def remedies_of(d: Diagnosis) -> tuple[Remedy, ...]:
    assert d.culprit is not None
    return d.culprit.remedies
