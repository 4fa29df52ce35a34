"""One sentence for a tired human: what, where, how bad against normal, why, since when."""

from shared.diagnose.disk_findings import limit_text
from shared.diagnose.registry import NAMES, throttled_hosts
from shared.diagnose.view import View
from shared.model import Cause, Impact
from shared.units import duration, number, times

SUBJECTS = {
    Cause.REGISTRY_THROTTLED: "The registry is", Cause.REGISTRY_DISTANT: "The registry's distance is",
    Cause.NETWORK_NIC: "The network link is", Cause.NETWORK_SNAT: "SNAT ports are", Cause.NETWORK_EGRESS: "The firewall is",
    Cause.DISK_IOPS: "The OS disk is", Cause.DISK_BANDWIDTH: "The OS disk is", Cause.DISK_BURST: "The OS disk is",
    Cause.DISK_VM_CAP: "The VM size is", Cause.CPU_UNPACK: "The CPU is", Cause.KUBELET_SERIAL: "The kubelet is",
    Cause.KUBELET_QPS: "The kubelet is", Cause.KUBELET_REPULL: "Pulling the same image again is", Cause.IMAGE_SIZE: "The image is",
}


def bottleneck(view: View, cause: Cause, why: str) -> str:
    """``The OS disk is the bottleneck: its 500 IOPS are used up on 9 of 10 nodes``."""
    subject = SUBJECTS[cause]
    if cause.layer == "disk" and view.case.pool.os_disk.kind == "ephemeral":
        subject = subject.replace("OS disk", "ephemeral OS disk")
    return f"{subject} the bottleneck: {why}"


def headline(view: View, impact: Impact, cause: Cause) -> str:
    """``Image pulls on prod-weu / apps are 6 × slower than usual: OS disk at its 500 IOPS (upgrade to 1.33.4, 16 min in)``."""
    where = f"{view.case.cluster.name} / {view.case.pool.name}"
    if not view.pulls_seen:
        return f"Image pulls on {where} cannot be seen"
    if cause is Cause.HEALTHY:
        told = f" (p95 {duration(impact.p95_seconds)})" if impact.p95_seconds is not None else " (none in this window)"
        return f"Image pulls on {where} are fine{told}"
    return f"Image pulls on {where} {_how_slow(impact)}: {_why(view, cause)}{_during(view)}"


def _how_slow(impact: Impact) -> str:
    p95, usual = impact.p95_seconds, impact.baseline_p95_seconds
    if p95 is None:
        return "take an unknown time"
    if usual and p95 >= 1.5 * usual:
        return f"are {times(p95 / usual)} slower than usual"
    if impact.slow and impact.pulls and impact.slow < 0.05 * impact.pulls:
        return f"are slow for {number(impact.slow)} of {number(impact.pulls)}"
    return f"take {duration(p95)} at p95"


def _why(view: View, cause: Cause) -> str:
    match cause:
        case Cause.DISK_IOPS | Cause.DISK_BANDWIDTH:
            return f"OS disk at its {limit_text(view, cause)}"
        case Cause.DISK_VM_CAP:
            return f"{view.case.pool.vm_size} at its cap of {limit_text(view, cause)} for disks"
        case Cause.REGISTRY_THROTTLED:
            host = next(iter(throttled_hosts(view)), "the registry")
            return f"{NAMES.get(host, host)} answers 429"
        case _:
            return _SHORT[cause]


_SHORT = {
    Cause.DISK_BURST: "OS disk out of burst credits", Cause.REGISTRY_DISTANT: "registry in another region",
    Cause.NETWORK_NIC: "network link full", Cause.NETWORK_SNAT: "no SNAT ports left", Cause.NETWORK_EGRESS: "firewall full",
    Cause.CPU_UNPACK: "no CPU left to unpack", Cause.KUBELET_SERIAL: "one image at a time",
    Cause.KUBELET_QPS: "kubelet's own rate limit", Cause.KUBELET_REPULL: "the same image again and again",
    Cause.IMAGE_SIZE: "a big image", Cause.UNKNOWN: "cause not visible",
}


def _during(view: View) -> str:
    operation = view.case.operation
    if operation is None:
        return ""
    seconds = (view.case.window.end - operation.started_at).total_seconds()
    what = {"upgrade": "upgrade", "scale_out": "scale-out", "maintenance": "maintenance"}[operation.kind]
    return f" ({what}{f' to {operation.target}' if operation.target else ''}, {duration(60 * round(seconds / 60))} in)"
