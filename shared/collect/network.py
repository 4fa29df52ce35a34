"""What the cluster's outbound traffic passes (load balancer, NAT gateway, firewall), and how full it was.

The outbound type says which kind it is; the nodes' subnet and the routes of that subnet say which one.
Sources: "Outbound network and FQDN rules for AKS", "Supported metrics" of the three, "Azure Firewall
performance" (30 Gbit/s for Standard, 100 Gbit/s for Premium, 250 Mbit/s for Basic).
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from shared.azure_ids import id_key
from shared.collect.azure import Azure, Row
from shared.collect.metric_batch import RawSeries
from shared.collect.metrics import column
from shared.errors import Transient
from shared.model import Cluster, EgressHop, Series, Window

GIGA = 1e9
FIREWALL_BITS_PER_SECOND = {"standard": 30 * GIGA, "premium": 100 * GIGA, "basic": 0.25 * GIGA}


class Question(NamedTuple):
    """Metrics of one kind of hop that can be asked for together: they share their dimensions."""

    names: tuple[str, ...]
    split_by: str = ""


_NAMESPACES = {
    "load_balancer": "Microsoft.Network/loadBalancers",
    "nat_gateway": "Microsoft.Network/natGateways",
    "firewall": "Microsoft.Network/azureFirewalls",
}
_QUESTIONS = {
    "load_balancer": (Question(("SnatConnectionCount",), "ConnectionState"),
                      Question(("UsedSnatPorts", "AllocatedSnatPorts"), "BackendIPAddress,ProtocolType")),
    "nat_gateway": (Question(("SNATConnectionCount",), "ConnectionState"), Question(("PacketDropCount", "TotalConnectionCount"))),
    "firewall": (Question(("Throughput", "SNATPortUtilization")),),
}


def hops_of(cluster: Cluster, node_subnets: Collection[str], rows: Iterable[Row]) -> tuple[EgressHop, ...]:
    """Those in the way of outbound traffic from these subnets of the cluster; none if that cannot be told."""
    listed = list(rows)
    subnets = set(map(id_key, node_subnets))
    match cluster.outbound_type.lower():
        case "loadbalancer":
            found = [r for r in _of(listed, "loadbalancers") if _in_node_group(r, cluster) and r["name"].lower() != "kubernetes-internal"]
        case "managednatgateway" | "managednatgatewayv2" | "userassignednatgateway":
            found = [r for r in _of(listed, "natgateways") if _in_node_group(r, cluster) or subnets & _attached(r)]
        case "userdefinedrouting":
            next_hops = set(_next_hops(listed, cluster, subnets))
            found = [r for r in _of(listed, "azurefirewalls") if next_hops & set(_private_addresses(r))]
        case _:
            found = []
    return tuple(_hop(r) for r in found)


def questions_about(hop: EgressHop) -> tuple[Question, ...]:
    """What is to be asked of it; none waits for another."""
    return _QUESTIONS[hop.kind]


def hop_series(azure: Azure, hop: EgressHop, question: Question, window: Window) -> list[Series]:
    """The hop's metrics over the window, one series for each value of their dimensions. Raises if Azure refuses one."""
    raw = azure.metrics(hop.location, [hop.id], _NAMESPACES[hop.kind], question.names, window, split_by=question.split_by, top=1000)
    for refused in (r for r in raw if r.error):
        raise Transient(f"Azure Monitor gave no {refused.metric} ({refused.error}).")
    return [_series(hop, r, window) for r in raw]


def _series(hop: EgressHop, raw: RawSeries, window: Window) -> Series:
    start, values = column(raw, window)
    label = "/".join(raw.dimensions[name] for name in sorted(raw.dimensions))
    return Series(metric=raw.metric, start=start, node=label, unit=raw.unit, values=values, resource=hop.id)


def _of(rows: Iterable[Row], kind: str) -> list[Row]:
    return [r for r in rows if r["type"].lower() == f"microsoft.network/{kind}"]


def _in_node_group(row: Row, cluster: Cluster) -> bool:
    same_subscription = row["subscriptionId"].lower() == cluster.subscription_id.lower()
    return bool(same_subscription and row["resourceGroup"].lower() == cluster.node_resource_group.lower())


def subnets_of(scale_set: Row) -> Iterator[str]:
    """Subnet ids of the nodes, from the scale set's model."""
    profile = _properties(scale_set).get("virtualMachineProfile") or {}
    for interface in (profile.get("networkProfile") or {}).get("networkInterfaceConfigurations") or ():
        for address in _properties(interface).get("ipConfigurations") or ():
            subnet = (_properties(address).get("subnet") or {}).get("id")
            if subnet:
                yield subnet


def _attached(row: Row) -> set[str]:
    return {id_key(s["id"]) for s in _properties(row).get("subnets") or () if s.get("id")}


def _next_hops(rows: Iterable[Row], cluster: Cluster, subnets: set[str]) -> Iterator[str]:
    """Addresses of the appliances that the node subnet's routes lead to."""
    for table in _of(rows, "routetables"):
        if subnets & _attached(table) or (not subnets and _in_node_group(table, cluster)):
            for route in _properties(table).get("routes") or ():
                address = _properties(route).get("nextHopIpAddress")
                if address:
                    yield address


def _private_addresses(firewall: Row) -> Iterator[str]:
    for configuration in _properties(firewall).get("ipConfigurations") or ():
        address = _properties(configuration).get("privateIPAddress")
        if address:
            yield address


def _properties(row: Any) -> dict[str, Any]:
    found = row.get("properties") if isinstance(row, dict) else None
    return found if isinstance(found, dict) else {}


def _hop(row: Row) -> EgressHop:
    kind = {"loadbalancers": "load_balancer", "natgateways": "nat_gateway"}.get(row["type"].lower().rpartition("/")[2], "firewall")
    tier = str((_properties(row).get("sku") or row.get("sku") or {}).get("tier", "")).lower()
    limit = FIREWALL_BITS_PER_SECOND.get(tier) if kind == "firewall" else None
    return EgressHop(kind=kind, id=row["id"], location=row["location"].lower(), limit_bits_per_second=limit)  # type: ignore[arg-type]
