"""The network between node and registry: the node's own link, SNAT ports, and what egress passes through."""

from shared.diagnose.pressure import Claim, Pressure, culprit_or_cleared, not_seen
from shared.diagnose.view import Spot, View
from shared.model import Cause, Evidence, Finding, Verdict
from shared.units import percent

NETWORK_IN = "Network In Total"
DIRECT_EGRESS = ("loadbalancer", "managednatgateway", "managednatgatewayv2", "userassignednatgateway")
"""Outbound types without a firewall or appliance of the customer's in the path."""


def pressure(view: View, spot: Spot) -> Pressure | None:
    """The node's link all but full in this minute."""
    part = _part_of_link(view, spot)
    if part is None or part * 100 < view.limits.network_percent:
        return None
    return Pressure(Cause.NETWORK_NIC, part)


def _part_of_link(view: View, spot: Spot) -> float | None:
    """Received bits a second against the size's published bandwidth; the metric is bytes a minute."""
    received, limit = view.value(NETWORK_IN, spot), view.case.pool.vm.network_bits_per_second
    return None if received is None or not limit else received * 8 / 60 / limit


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    return [_nic(view, claims.get(Cause.NETWORK_NIC)), _snat(view), _egress(view)]


def _nic(view: View, claim: Claim | None) -> Finding:
    parts = [(p, spot) for spot in view.spots_of_interest if (p := _part_of_link(view, spot)) is not None]
    if not parts:
        why = "traffic was not measured" if not view.seen(NETWORK_IN) else f"bandwidth of {view.case.pool.vm_size} is not published"
        return not_seen(Cause.NETWORK_NIC, why)
    part, spot = max(parts)
    text = f"{percent(part)} of the NIC" if claim is None else (
        f"The network link is the bottleneck: {percent(part)} of {view.case.pool.vm_size}'s bandwidth used")
    evidence = Evidence(text, metric=NETWORK_IN, value=round(part * 100, 1), unit="Percent",
                        limit=view.limits.network_percent, node=spot.node, at=view.time(spot.minute))
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
