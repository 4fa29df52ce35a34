"""Diagnoses, notices and links with realistic numbers, for every test about what people receive."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from shared.model import (
    Cause,
    Chart,
    Cluster,
    Coverage,
    Diagnosis,
    Evidence,
    Finding,
    Impact,
    Incident,
    NodePool,
    Notice,
    Operation,
    OsDisk,
    Remedy,
    Severity,
    SlowPull,
    Verdict,
    VmLimits,
    Window,
)
from shared.report.message import Links

START = datetime(2026, 11, 24, 10, 26, tzinfo=UTC)
NOW = START + timedelta(minutes=16)
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
CLUSTER_ID = f"{SUBSCRIPTION}/resourceGroups/rg-prod/providers/Microsoft.ContainerService/managedClusters/prod-weu"
LINKS = Links(runbook="https://wiki.contoso.example/slow-pulls", report="https://pullwatch.contoso.example/api/reports/r1")

CLUSTER = Cluster(
    id=CLUSTER_ID, name="prod-weu", location="westeurope", subscription_id=SUBSCRIPTION.removeprefix("/subscriptions/"),
    resource_group="rg-prod", node_resource_group="MC_rg-prod_prod-weu_westeurope",
)
POOL = NodePool(
    name="apps", location="westeurope", vm_size="Standard_D4s_v3", node_count=10, kubernetes_version="1.33.4",
    vmss_id=f"{SUBSCRIPTION}/resourceGroups/MC_rg-prod_prod-weu_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/aks-apps-12345678-vmss",
    os_disk=OsDisk(kind="managed", sku="Premium_LRS", tier="P10", size_gib=128, iops=500, bytes_per_second=100e6),
    vm=VmLimits(size="Standard_D4s_v3", vcpus=4, uncached_iops=6400, uncached_bytes_per_second=96e6, cached_iops=8000),
    pull_mode="parallel",
)
UPGRADE = Operation(
    id="upgrade-apps-0c2d7f3a", cluster_id=CLUSTER_ID, pool="apps", kind="upgrade", started_at=START, seen_at=NOW,
    target="1.33.4", nodes_before=10, nodes_after=10,
)
ENDED_UPGRADE = replace(UPGRADE, ended_at=START + timedelta(minutes=34), outcome="succeeded")
INCIDENT = Incident(
    id="incident-apps-51b93c9e", cluster_id=CLUSTER_ID, pool="apps", cause=Cause.DISK_IOPS,
    severity=Severity.CRITICAL, opened_at=START, changed_at=NOW,
)


def cleared(cause: Cause, text: str) -> Finding:
    return Finding(cause=cause, verdict=Verdict.CLEARED, confidence=0.95, evidence=(Evidence(text=text),))


def unseen(cause: Cause, text: str = "") -> Finding:
    return Finding(cause=cause, verdict=Verdict.UNKNOWN, confidence=0.0, evidence=(Evidence(text=text),) if text else ())


OTHER_LAYERS = (
    cleared(Cause.REGISTRY_THROTTLED, "no 429"),
    cleared(Cause.REGISTRY_DISTANT, "same region"),
    cleared(Cause.NETWORK_NIC, "11 % of the NIC"),
    cleared(Cause.CPU_UNPACK, "38 %"),
    cleared(Cause.KUBELET_SERIAL, "parallel pulls"),
)

EPHEMERAL = Remedy(
    title="Ephemeral OS disk (8,000 IOPS, needs ≤ 100 GiB)", p95_seconds=55,
    command="az aks nodepool add --resource-group rg-prod --cluster-name prod-weu --name apps2 \\\n"
            "  --node-vm-size Standard_D4s_v3 --node-osdisk-type Ephemeral --node-osdisk-size 100",
)
BIGGER_DISK = Remedy(title="512 GiB OS disk (P20, 2,300 IOPS)", p95_seconds=80)

CULPRIT = Finding(
    cause=Cause.DISK_IOPS, verdict=Verdict.CULPRIT, confidence=0.94, share=0.9,
    evidence=(
        Evidence(text="The OS disk is the bottleneck: its 500 IOPS are used up on 9 of 10 nodes"),
        Evidence(text="OS Disk IOPS Consumed 100 % in 14 of 16 minutes", metric="OS Disk IOPS Consumed Percentage", value=100, unit="Percent", limit=100),
        Evidence(text="Queue depth 34 (usually 12, limit 20)", metric="OS Disk Queue Depth", value=34, unit="Count", limit=20),
    ),
    remedies=(EPHEMERAL, BIGGER_DISK),
)

DISK_IOPS = Diagnosis(
    id="d-1", cluster=CLUSTER, pool=POOL, window=Window(START, NOW), cause=Cause.DISK_IOPS, confidence=0.94,
    severity=Severity.CRITICAL, headline="Image pulls on prod-weu / apps are 6 × slower than usual (upgrade to 1.33.4, 16 min in)",
    findings=(CULPRIT, *OTHER_LAYERS),
    impact=Impact(
        nodes_total=10, nodes_affected=9, pulls=212, failed=0, slow=130, p50_seconds=141, p95_seconds=252, baseline_p95_seconds=41,
        slowest=(SlowPull("prodweu.azurecr.io/shop/api:4.2.0", "aks-apps-12345678-vmss00000a", 301),),
    ),
    chart=Chart(
        metric="OS Disk Queue Depth", unit="Count", start=START, step_seconds=60,
        values=(3, 8, 21, 29, 34, 29, 34, None, 34, 30, 34, 34, 34, 33, 32, 34), limit=20, usual=12,
    ),
    operation=UPGRADE,
)

HEALTHY = replace(
    DISK_IOPS, id="d-2", cause=Cause.HEALTHY, severity=Severity.OK, headline="Image pulls on prod-weu / apps are fine (p95 38 s)",
    findings=(cleared(Cause.DISK_IOPS, "41 % of 500 IOPS"), *OTHER_LAYERS), chart=None,
    impact=Impact(nodes_total=10, pulls=212, failed=0, slow=0, p50_seconds=12, p95_seconds=38, baseline_p95_seconds=41),
)

NO_METRICS = "no metrics for the scale set"
ROLE_FIX = "give the identity the role Monitoring Reader on the node resource group"
UNKNOWN = replace(
    DISK_IOPS, id="d-3", cause=Cause.UNKNOWN, severity=Severity.WARNING, confidence=0.2, chart=None,
    findings=(
        unseen(Cause.DISK_IOPS), unseen(Cause.DISK_BANDWIDTH), unseen(Cause.CPU_UNPACK),
        unseen(Cause.REGISTRY_THROTTLED, "diagnostic settings are off"), cleared(Cause.REGISTRY_DISTANT, "same region"),
        cleared(Cause.KUBELET_SERIAL, "parallel pulls"),
    ),
    coverage=(
        Coverage(source="metrics", status="failed", detail=NO_METRICS, fix=ROLE_FIX),
        Coverage(source="registry_log", status="missing", fix="turn on ContainerRegistryRepositoryEvents"),
        Coverage(source="pulls", status="ok"),
    ),
)


def notice(diagnosis: Diagnosis = DISK_IOPS, kind: str = "opened", **changes: object) -> Notice:
    """A notice about ``diagnosis``, 16 minutes into the upgrade."""
    plain = Notice(
        id="msg-2f6c", kind=kind, at=NOW, reason=f"incident_{kind}", diagnosis=diagnosis,  # type: ignore[arg-type]
        operation=diagnosis.operation, incident=INCIDENT,
    )
    return replace(plain, **changes)


def opened() -> Notice:
    return notice()


def resolved() -> Notice:
    ended = replace(INCIDENT, resolved_at=START + timedelta(minutes=42))
    return notice(HEALTHY, "resolved", at=START + timedelta(minutes=42), incident=ended, operation=ENDED_UPGRADE)


def healthy_upgrade() -> Notice:
    return notice(HEALTHY, "summary", at=START + timedelta(minutes=37), operation=ENDED_UPGRADE, incident=None)


def slow_upgrade() -> Notice:
    return notice(DISK_IOPS, "summary", at=START + timedelta(minutes=37), operation=ENDED_UPGRADE, incident=None)


def unknown() -> Notice:
    return notice(UNKNOWN)


def oversized() -> Notice:
    """Forty findings with long texts that cost four bytes a character, and forty remedies."""
    long = "🐳" * 3000
    many = tuple(Remedy(title=long, command=f"az {long}\n" * 20, p95_seconds=n, note=long, worse=n % 2 == 0) for n in range(1, 41))
    culprit = replace(CULPRIT, evidence=(Evidence(text=long),) * 40, remedies=many)
    causes = [c for c in Cause if c.layer != "disk"] * 4
    findings = (culprit, *(unseen(c, f"{n} {long}") for n, c in enumerate(causes[:39])))
    return notice(replace(DISK_IOPS, findings=findings, headline=long))


HOSTILE_NAMES = (
    "<!channel>", "<https://evil.example|click>", "[x](http://evil.example)", "![x](https://evil.example/x.png)", "<at>all</at>",
    "{{DATE(2026-11-24T10:00:00Z)}}", "a\u202egpj.exe", "a\u200bb", "x\x1b[31mred", "*bold* _it_ ~no~ `code`", "@here",
    "&lt;!here&gt;", "<script>alert(1)</script>", "\ud800", "line\nbreak\u2028and",
)


def hostile(name: str) -> Notice:
    """The attacker's name wherever a name from outside can stand."""
    culprit = replace(
        CULPRIT, evidence=(Evidence(text=f"{name} is the bottleneck"), Evidence(text=f"Image {name} waited 4 min")),
        remedies=(Remedy(title=f"Shrink {name}", command=f"docker history {name}", note=name),),
    )
    diagnosis = replace(
        DISK_IOPS, headline=f"Image pulls on {name} / {name} are slow", cluster=replace(CLUSTER, name=name), pool=replace(POOL, name=name),
        findings=(culprit, cleared(Cause.CPU_UNPACK, name), unseen(Cause.REGISTRY_THROTTLED, name)),
        chart=replace(DISK_IOPS.chart, metric=name),
    )
    return notice(diagnosis)
