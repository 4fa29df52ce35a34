"""The CPU: layers are decompressed on it, one image on one core."""

from shared.diagnose.pressure import Claim, Pressure, culprit_or_cleared, not_seen
from shared.diagnose.view import Spot, View
from shared.model import Cause, Evidence, Finding
from shared.units import percent

CPU = "Percentage CPU"


def pressure(view: View, spot: Spot) -> Pressure | None:
    """CPU all but used up in this minute."""
    used = view.value(CPU, spot)
    if used is None or used < view.limits.cpu_percent:
        return None
    return Pressure(Cause.CPU_UNPACK, used / 100)


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    peak, claim = view.peak(CPU), claims.get(Cause.CPU_UNPACK)
    if peak is None:
        return [not_seen(Cause.CPU_UNPACK, "CPU was not measured")]
    text = percent(peak.value / 100) if claim is None else (
        f"The CPU is the bottleneck: up to {percent(peak.value / 100)} used while images were unpacked, on {len(claim.nodes)} nodes")
    evidence = Evidence(text, metric=CPU, value=peak.value, unit="Percent", limit=view.limits.cpu_percent,
                        node=peak.node, at=peak.at)
    return [culprit_or_cleared(Cause.CPU_UNPACK, claim, (evidence,))]
