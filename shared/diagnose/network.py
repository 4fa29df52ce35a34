"""The network between node and registry: the node's own link, SNAT ports, and what egress passes through."""

from collections.abc import Sequence

from shared.diagnose.pressure import Claim, Pressure, Pressures, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.model import Cause, Evidence, Finding, Verdict
from shared.units import percent

NETWORK_IN = "Network In Total"
DIRECT_EGRESS = ("loadbalancer", "managednatgateway", "managednatgatewayv2", "userassignednatgateway")
"""Outbound types without a firewall or appliance of the customer's in the path."""


def pressures(view: View, node: str, minutes: Sequence[int]) -> Pressures:
    """The minutes in which the node's link was all but full."""
    bar, parts = view.limits.network_percent / 100, link_parts(view, node, minutes)
    return {m: Pressure(Cause.NETWORK_NIC, part) for m, part in zip(minutes, parts, strict=True) if part is not None and part >= bar}


def link_parts(view: View, node: str, minutes: Sequence[int]) -> list[float | None]:
    """Received bits a second against the size's published bandwidth; the metric is bytes a minute."""
    column, limit = view.column(NETWORK_IN, node), view.case.pool.vm.network_bits_per_second
    if not column or not limit:
        return [None] * len(minutes)
    return [None if (v := column[m]) is None else v * 8 / 60 / limit for m in minutes]


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    return [_nic(view, claims.get(Cause.NETWORK_NIC)), _snat(view), _egress(view)]


def _nic(view: View, claim: Claim | None) -> Finding:
    peak, limit = view.peak(NETWORK_IN), view.case.pool.vm.network_bits_per_second
    if peak is None or not limit:
        why = "traffic was not measured" if peak is None else f"bandwidth of {view.case.pool.vm_size} is not published"
        return not_seen(Cause.NETWORK_NIC, why)
    part = peak.value * 8 / 60 / limit
    text = f"{percent(part)} of the NIC" if claim is None else (
        f"The network link is the bottleneck: {percent(part)} of {view.case.pool.vm_size}'s bandwidth used")
    evidence = Evidence(text, metric=NETWORK_IN, value=round(part * 100, 1), unit="Percent",
                        limit=view.limits.network_percent, node=peak.node, at=peak.at)
    return culprit_or_cleared(Cause.NETWORK_NIC, claim, (evidence,))


def _snat(view: View) -> Finding:
    """Out of SNAT ports, connections fail: the kubelet would have reported time-outs."""
    if not view.pulls_seen:
        return not_seen(Cause.NETWORK_SNAT, "pull failures are not visible")
    timeouts = sum(w.reasons.count("timeout") for w in view.waits)
    if timeouts:
        return not_seen(Cause.NETWORK_SNAT, f"{timeouts} attempts timed out; SNAT ports were not looked at")
    return Finding(Cause.NETWORK_SNAT, Verdict.CLEARED, 0.7, evidence=(Evidence("no pull timed out", value=0, unit="Count"),))


def _egress(view: View) -> Finding:
    outbound = view.case.cluster.outbound_type
    if outbound.lower() in DIRECT_EGRESS:
        text = f"no firewall in the path (outbound type {outbound})"
        return Finding(Cause.NETWORK_EGRESS, Verdict.CLEARED, 0.8, evidence=(Evidence(text),))
    return not_seen(Cause.NETWORK_EGRESS, f"what lies behind outbound type {outbound or 'unknown'} was not measured")
