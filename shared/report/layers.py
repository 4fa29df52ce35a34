"""What is *not* the bottleneck, and what could not be seen: layer by layer, from findings and coverage."""

from collections.abc import Sequence

from shared.model import Cause, Coverage, Diagnosis, Finding, Verdict

LAYERS = {"registry": "registry", "network": "network", "disk": "disk", "cpu": "CPU", "kubelet": "kubelet"}
"""The stages of a pull, in order, and what people call them. The image is no stage: it is what passes through."""

CAUSE_NAMES = {
    Cause.REGISTRY_THROTTLED: "registry throttling", Cause.REGISTRY_DISTANT: "registry distance",
    Cause.NETWORK_NIC: "network bandwidth of the nodes", Cause.NETWORK_SNAT: "SNAT ports",
    Cause.NETWORK_EGRESS: "egress firewall",
    Cause.DISK_IOPS: "OS disk IOPS", Cause.DISK_BANDWIDTH: "OS disk bandwidth",
    Cause.DISK_BURST: "disk burst credits", Cause.DISK_VM_CAP: "the VM size's disk cap",
    Cause.CPU_UNPACK: "CPU (unpacking)", Cause.KUBELET_SERIAL: "serial pulls in the kubelet",
    Cause.KUBELET_QPS: "the kubelet's pull rate limit", Cause.KUBELET_REPULL: "repeated pulls of the same image",
    Cause.IMAGE_SIZE: "image size", Cause.HEALTHY: "nothing", Cause.UNKNOWN: "unknown",
}

_SOURCES: dict[str, tuple[str, ...]] = {
    "registry": ("registry_log",), "network": ("network", "metrics"), "disk": ("metrics", "limits"),
    "cpu": ("metrics",), "kubelet": ("pulls",),
}
"""Which sources show a layer: where the reason for not seeing it, and the fix, are found."""


def cleared(diagnosis: Diagnosis) -> str:
    """``registry (no 429, same region) · CPU (38 %)``; empty if nothing is cleared.

    A layer is named only if all its findings are cleared. Of a layer seen in part, each cleared cause is
    named by itself; a layer that is to blame is not mentioned.
    """
    return " · ".join(
        item for layer, findings in _innocent(diagnosis) for item in _cleared_items(layer, findings)
    )


def not_seen(diagnosis: Diagnosis) -> tuple[str, ...]:
    """``registry: diagnostic settings are off. Fix: …``, one line for each reason, layers that share it together."""
    reasons: dict[str, list[str]] = {}
    for layer, findings in _innocent(diagnosis):
        unseen = [f for f in findings if f.verdict is Verdict.UNKNOWN]
        if unseen:
            names = [LAYERS[layer]] if len(unseen) == len(findings) else [CAUSE_NAMES[f.cause] for f in unseen]
            reasons.setdefault(_reason(layer, unseen, diagnosis.coverage), []).extend(names)
    return tuple(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


def _innocent(diagnosis: Diagnosis) -> list[tuple[str, list[Finding]]]:
    """The layers that no finding blames, with their findings."""
    by_layer = {layer: [f for f in diagnosis.findings if f.cause.layer == layer] for layer in LAYERS}
    blamed = (Verdict.CULPRIT, Verdict.CONTRIBUTING)
    return [(layer, found) for layer, found in by_layer.items() if found and not any(f.verdict in blamed for f in found)]


def _cleared_items(layer: str, findings: Sequence[Finding]) -> list[str]:
    clear = [f for f in findings if f.verdict is Verdict.CLEARED]
    if len(clear) < len(findings):
        return [_with_evidence(CAUSE_NAMES[f.cause], [f]) for f in clear]
    return [_with_evidence(LAYERS[layer], clear)]


def _with_evidence(name: str, findings: Sequence[Finding]) -> str:
    texts = [f.evidence[0].text.strip().rstrip(".") for f in findings if f.evidence]
    unique = list(dict.fromkeys(text for text in texts if text))[:2]
    return f"{name} ({', '.join(unique)})" if unique else name


def _reason(layer: str, unseen: Sequence[Finding], coverage: Sequence[Coverage]) -> str:
    gaps = [c for c in coverage if c.source in _SOURCES[layer] and c.status != "ok"]
    details = [f.evidence[0].text for f in unseen if f.evidence] + [c.detail for c in gaps]
    detail = next((d.strip().rstrip(".") for d in details if d.strip()), "not visible")
    fix = next((c.fix.strip() for c in gaps if c.fix.strip()), "")
    return f"{detail}. Fix: {fix}" if fix else detail
