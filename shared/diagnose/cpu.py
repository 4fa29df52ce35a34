"""The CPU: layers are decompressed on it, one image on one core."""

from collections.abc import Sequence

from shared.diagnose.pressure import Claim, Pressure, Pressures, culprit_or_cleared, not_seen
from shared.diagnose.view import HARD_TO_UNPACK, View
from shared.model import Cause, Evidence, Finding
from shared.units import percent

CPU = "Percentage CPU"
ONE_CORE = 0.8
"""Cores busy above the usual from which an unpack on one core is at its limit."""


def pressures(view: View, node: str, minutes: Sequence[int]) -> Pressures:
    """The minutes in which the CPU was all but used up."""
    column, bar = view.column(CPU, node), view.limits.cpu_percent
    if max(filter(None, column), default=0.0) < bar:  # nearly always
        return {}
    return {m: Pressure(Cause.CPU_UNPACK, used / 100) for m in minutes if (used := column[m]) is not None and used >= bar}


def one_core_full(view: View, node: str, minute: int) -> bool:
    """Whether pulls kept about one core busy above the usual: an average over many cores hides a single full one."""
    column, vcpus, usual = view.column(CPU, node), view.model(node).vm.vcpus, _usual(view, node, minute)
    used = column[minute] if column else None
    return used is not None and usual is not None and bool(vcpus) and (used - usual) / 100 * (vcpus or 0) >= ONE_CORE


def _usual(view: View, node: str, minute: int) -> float | None:
    """Percent that the node's other work uses: next to nothing on a node that just came, where one pull is all there is."""
    alone = view.pulling.get(node, [0.0] * view.minutes)[minute] <= 60.0
    return 0.0 if alone and _joined(view, node) else view.usual(CPU)


def _core_unseen(view: View) -> bool:
    """Whether an image that unpacks slowly may have filled one core without anybody being able to tell."""
    slow = (node for node, states in view.states.items() if HARD_TO_UNPACK in states)
    return any(not view.model(node).vm.vcpus or (view.usual(CPU) is None and not _joined(view, node)) for node in slow)


def _joined(view: View, node: str) -> bool:
    """Whether the node came while others were there already: it fetches its images before it has the usual work."""
    column = view.column(CPU, node)
    return bool(column) and column[0] is None and any(c[0] is not None for n in view.nodes if (c := view.column(CPU, n)))


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    peak, claim = view.peak(CPU), claims.get(Cause.CPU_UNPACK)
    if peak is None or not (claim or view.seen_where_slow(CPU)):
        return [not_seen(Cause.CPU_UNPACK, f"CPU was {view.unseen(CPU)}")]
    if claim is None and _core_unseen(view):
        return [not_seen(Cause.CPU_UNPACK, "whether one core was full cannot be told without the number of cores and their usual load")]
    if claim is None and not view.pulls_seen and peak.value >= view.limits.cpu_percent:
        return [not_seen(Cause.CPU_UNPACK, f"the CPU was {percent(peak.value / 100)} used, but pulls cannot be seen")]
    harmless = f" {view.harmless}" if peak.value >= view.limits.cpu_percent else ""
    text = _blame(view, peak.value, claim) if claim else percent(peak.value / 100) + harmless
    evidence = Evidence(text, metric=CPU, value=peak.value, unit="Percent", limit=view.limits.cpu_percent,
                        node=peak.node, at=peak.at)
    return [culprit_or_cleared(Cause.CPU_UNPACK, claim, (evidence,))]


def _blame(view: View, used_percent: float, claim: Claim) -> str:
    where = view.on_nodes(claim.nodes)
    if used_percent >= view.limits.cpu_percent:
        return f"up to {percent(used_percent / 100)} of it was used while images were unpacked, {where}"
    vcpus = view.of(claim.nodes).case.pool.vm.vcpus
    return f"unpacking kept one core full, {where}; over all {f"{vcpus} " if vcpus else ""}cores that is {percent(used_percent / 100)}"
