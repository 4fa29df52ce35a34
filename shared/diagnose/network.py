"""The network between node and registry: the node's own link, SNAT ports, and what egress passes through.

* ``network.nic``: the size's published bandwidth is used up;
* ``network.snat``: outbound connections fail for want of a source port (load balancer, NAT gateway, firewall);
* ``network.egress``: the firewall in the path carries all it can.

Sources: "Use a public standard load balancer in AKS", "Troubleshoot SNAT", "Azure Firewall performance".
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from shared.diagnose.pressure import Claim, Pressure, Pressures, culprit_or_cleared, not_seen
from shared.diagnose.view import Column, Peak, View
from shared.model import Cause, Evidence, Finding, Verdict
from shared.units import bit_rate, number, percent

NETWORK_IN = "Network In Total"
_BITS_A_SECOND = 8 / 60
"""Of one unit of it: the metric is bytes a minute."""
THROUGHPUT = "Throughput"
FAILED = "failed"
DIRECT_EGRESS = ("loadbalancer", "managednatgateway", "managednatgatewayv2", "userassignednatgateway")
"""Outbound types without a firewall or appliance of the customer's in the path."""
HOP_NAMES = {"load_balancer": "load balancer", "nat_gateway": "NAT gateway", "firewall": "firewall"}


class Egress(NamedTuple):
    """What the egress hops say, minute by minute."""

    snat_failures: dict[int, float]
    """Minute → connections that got no port."""
    snat_minutes: frozenset[int]
    """Minutes in which connections got no port, or the firewall had none left."""
    snat_ports: float | None
    """Highest part of its ports that any node, or the firewall, had in use; None: not measured."""
    snat_measured: bool
    throughput: dict[int, float]
    """Minute → part of the firewall's published throughput that was used."""


def egress(view: View) -> Egress:
    """What the hops measured; worked out once."""
    if "egress" not in view.notes:
        view.notes["egress"] = _read_egress(view)
    found: Egress = view.notes["egress"]
    return found


def _read_egress(view: View) -> Egress:
    failures: dict[int, float] = defaultdict(float)
    columns = view.network_columns
    measured = False
    for (metric, label), column in columns.items():
        if metric in ("snatconnectioncount", "packetdropcount"):
            measured = True
            if metric == "packetdropcount" or FAILED in label.lower():
                for minute, value in enumerate(column):
                    if value:
                        failures[minute] += value
    full = {m for (metric, _), c in columns.items() if metric == "snatportutilization"
            for m, v in enumerate(c) if v is not None and v >= view.limits.saturated_percent}
    measured = measured or any(metric == "snatportutilization" for metric, _ in columns)
    return Egress(dict(failures), frozenset(full | failures.keys()), _ports_in_use(columns), measured, _throughput(view, columns))


def _ports_in_use(columns: dict[tuple[str, str], Column]) -> float | None:
    parts = [v / 100 for (metric, _), c in columns.items() if metric == "snatportutilization" for v in c if v is not None]
    for (metric, label), used in columns.items():
        allocated = columns.get(("allocatedsnatports", label))
        if metric == "usedsnatports" and allocated:
            parts += [u / a for u, a in zip(used, allocated, strict=False) if u is not None and a]
    return max(parts, default=None)


def _throughput(view: View, columns: dict[tuple[str, str], Column]) -> dict[int, float]:
    limit = next((h.limit_bits_per_second for h in view.case.egress if h.limit_bits_per_second), None)
    column = columns.get((THROUGHPUT.lower(), ""))
    return {m: v / limit for m, v in enumerate(column) if v is not None} if column and limit else {}


def pressures(view: View, node: str, minutes: Sequence[int]) -> Pressures:
    """The minutes in which the node's link, or the firewall that all nodes share, was all but full."""
    bar = view.limits.network_percent / 100
    found: Pressures = {}
    column, limit = view.column(NETWORK_IN, node), view.model(node).vm.network_bits_per_second
    if limit and max(filter(None, column), default=0.0) * _BITS_A_SECOND >= bar * limit:  # seldom
        parts = link_parts(view, node, minutes)
        found = {m: Pressure(Cause.NETWORK_NIC, part) for m, part in zip(minutes, parts, strict=True) if part is not None and part >= bar}
    throughput = egress(view).throughput
    for minute in minutes if throughput else ():
        full = throughput.get(minute, 0.0)
        if full >= bar and (minute not in found or full > found[minute].used):
            found[minute] = Pressure(Cause.NETWORK_EGRESS, full)
    return found


def link_parts(view: View, node: str, minutes: Sequence[int]) -> list[float | None]:
    """Received bits a second against the size's published bandwidth; the metric is bytes a minute."""
    column, limit = view.column(NETWORK_IN, node), view.model(node).vm.network_bits_per_second
    if not column or not limit:
        return [None] * len(minutes)
    return [None if (v := column[m]) is None else v * _BITS_A_SECOND / limit for m in minutes]


def of_timeouts(view: View) -> Cause:
    """What made connections time out: no port left, a full firewall, or nobody knows."""
    if egress(view).snat_minutes:
        return Cause.NETWORK_SNAT
    bar = view.limits.network_percent / 100
    return Cause.NETWORK_EGRESS if any(part >= bar for part in egress(view).throughput.values()) else Cause.UNKNOWN


# --- findings ---


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    return [_nic(view, claims.get(Cause.NETWORK_NIC)), _snat(view, claims.get(Cause.NETWORK_SNAT)),
            _egress(view, claims.get(Cause.NETWORK_EGRESS))]


def _nic(view: View, claim: Claim | None) -> Finding:
    fullest = _fullest_link(view)
    if fullest is None or not (claim or (view.seen_where_slow(NETWORK_IN) and all(m.vm.network_bits_per_second for m in view.models))):
        unpublished = next((m.vm.size for m in view.models if not m.vm.network_bits_per_second), "")
        return not_seen(Cause.NETWORK_NIC, f"bandwidth of {unpublished} is not published" if unpublished else f"traffic was {view.unseen(NETWORK_IN)}")
    part, peak = fullest
    vm = view.model(peak.node).vm
    if claim is None and not view.pulls_seen and part * 100 >= view.limits.network_percent:
        return not_seen(Cause.NETWORK_NIC, f"{percent(part)} of the NIC was used, but pulls cannot be seen")
    harmless = f" {view.harmless}" if part * 100 >= view.limits.network_percent else ""
    text = f"{percent(part)} of the NIC{harmless}" if claim is None else (
        f"up to {percent(part)} of the {bit_rate(vm.network_bits_per_second)} of {vm.size} were used {view.on_nodes(claim.nodes)}")
    evidence = Evidence(text, metric=NETWORK_IN, value=round(part * 100, 1), unit="Percent",
                        limit=view.limits.network_percent, node=peak.node, at=peak.at)
    return culprit_or_cleared(Cause.NETWORK_NIC, claim, (evidence,))


def _fullest_link(view: View) -> tuple[float, Peak] | None:
    """The highest part of its own link that any node used, and when; None: not measured, or no link's limit is known."""
    limits = {m.vm.network_bits_per_second for m in view.models}
    if len(limits) == 1:  # the most bits are then the highest part
        peak, limit = view.peak(NETWORK_IN), limits.pop()
        return (peak.value * _BITS_A_SECOND / limit, peak) if peak and limit else None
    parts = ((part, -minute, node) for node, minutes in view.minutes_of_interest.items()
             for minute, part in zip(minutes, link_parts(view, node, minutes), strict=True) if part is not None)
    part, minute, node = max(parts, default=(0.0, 0, ""))
    return (part, Peak(part, node, view.time(-minute))) if node else None


def _snat(view: View, claim: Claim | None) -> Finding:
    """Only a look at the connections themselves clears the ports: containerd tries again, and no failure shows."""
    seen = egress(view)
    failed = sum(seen.snat_failures.values())
    if claim is not None:
        return culprit_or_cleared(Cause.NETWORK_SNAT, claim, (_no_port_left(view, seen, failed),))
    if not seen.snat_measured:
        return not_seen(Cause.NETWORK_SNAT, "SNAT connections were not measured")
    if seen.snat_minutes and (view.slow or not view.pulls_seen):
        return not_seen(Cause.NETWORK_SNAT, f"{number(failed)} SNAT connections failed, or no port was left; whether a pull waited for one is not visible")
    text = f"{number(failed)} SNAT connections failed, no pull waited for one" if failed else "no SNAT connection failed"
    return Finding(Cause.NETWORK_SNAT, Verdict.CLEARED, 0.9, evidence=(Evidence(text, value=failed, unit="Count"),))


def _no_port_left(view: View, seen: Egress, failed: float) -> Evidence:
    hop = next((h.kind for h in view.case.egress), None)
    name = HOP_NAMES[hop] if hop else "way out"
    whose = "its" if hop == "firewall" else "a node's"
    ports = f"up to {percent(seen.snat_ports)} of {whose} ports were in use" if seen.snat_ports is not None else "none was left"
    if not failed:
        return Evidence(ports.replace("its", f"the {name}'s"), metric="SNAT ports in use", value=seen.snat_ports and round(seen.snat_ports * 100, 1), unit="Percent")
    what = "packets were dropped" if hop == "nat_gateway" else "outbound connections failed"
    return Evidence(f"{number(failed)} {what} at the {name}, {ports}", metric=f"{what.split(maxsplit=1)[0]} without a SNAT port", value=failed, unit="Count")


def _egress(view: View, claim: Claim | None) -> Finding:
    outbound, used = view.case.cluster.outbound_type, egress(view).throughput
    if used:
        part = max(used.values())
        limit = next(h.limit_bits_per_second for h in view.case.egress if h.limit_bits_per_second) or 0.0
        harmless = f" {view.harmless}" if part * 100 >= view.limits.network_percent else ""
        text = f"{percent(part)} of the firewall{harmless}" if claim is None else (
            f"up to {percent(part)} of its {bit_rate(limit)} were used, and every image layer passes it")
        evidence = Evidence(text, metric=THROUGHPUT, value=round(part * 100, 1), unit="Percent", limit=view.limits.network_percent)
        return culprit_or_cleared(Cause.NETWORK_EGRESS, claim, (evidence,))
    if outbound.lower() in DIRECT_EGRESS:
        text = f"no firewall in the path, outbound type {outbound}"
        return Finding(Cause.NETWORK_EGRESS, Verdict.CLEARED, 0.8, evidence=(Evidence(text),))
    return not_seen(Cause.NETWORK_EGRESS, f"what lies behind outbound type {outbound or 'unknown'} was not measured")
