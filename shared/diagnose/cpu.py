"""The CPU: layers are decompressed on it, one image on one core."""

from collections.abc import Sequence

from shared.diagnose.pressure import Claim, Pressure, Pressures, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.model import Cause, Evidence, Finding
from shared.units import percent

CPU = "Percentage CPU"


def pressures(view: View, node: str, minutes: Sequence[int]) -> Pressures:
    """The minutes in which the CPU was all but used up."""
    column, bar = view.column(CPU, node), view.limits.cpu_percent
    return {m: Pressure(Cause.CPU_UNPACK, used / 100) for m in minutes if column and (used := column[m]) is not None and used >= bar}


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    peak, claim = view.peak(CPU), claims.get(Cause.CPU_UNPACK)
    if peak is None or not (claim or view.seen_where_slow(CPU)):
        return [not_seen(Cause.CPU_UNPACK, "CPU was not measured")]
    text = percent(peak.value / 100) if claim is None else (
        f"The CPU is the bottleneck: up to {percent(peak.value / 100)} used while images were unpacked, on {len(claim.nodes)} nodes")
    evidence = Evidence(text, metric=CPU, value=peak.value, unit="Percent", limit=view.limits.cpu_percent,
                        node=peak.node, at=peak.at)
    return [culprit_or_cleared(Cause.CPU_UNPACK, claim, (evidence,))]
