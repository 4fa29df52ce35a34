"""Which load balancer, NAT gateway or firewall a cluster's outbound traffic passes."""

from typing import Any

import pytest

from shared.collect.network import hops_of, subnets_of
from shared.model import Cluster

SUBNET = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
SCALE_SET: dict[str, Any] = {"properties": {"virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [
    {"properties": {"ipConfigurations": [{"properties": {"subnet": {"id": SUBNET.upper()}}}]}}]}}}}


def cluster(outbound: str) -> Cluster:
    return Cluster("/c", "prod", "westeurope", "S", "rg", "MC_prod", outbound_type=outbound)


def row(kind: str, name: str, group: str = "mc_prod", subscription: str = "s", **properties: Any) -> dict[str, Any]:
    return {"id": f"/{kind}/{name}", "type": f"Microsoft.Network/{kind}", "name": name, "location": "WestEurope",
            "resourceGroup": group, "subscriptionId": subscription, "sku": None, "properties": properties}


def names(outbound: str, *rows: dict[str, Any], subnets: tuple[str, ...] = (SUBNET.upper(),)) -> list[str]:
    return [hop.id.rpartition("/")[2] for hop in hops_of(cluster(outbound), subnets, rows)]


def firewall(name: str, address: str, tier: str = "Standard") -> dict[str, Any]:
    return row("azureFirewalls", name, "hub", sku={"tier": tier}, ipConfigurations=[{"properties": {"privateIPAddress": address}}])


def routes(address: str, *subnets: str) -> dict[str, Any]:
    return row("routeTables", "rt", "net", subnets=[{"id": s} for s in subnets], routes=[{"properties": {"nextHopIpAddress": address}}])


def test_a_scale_sets_model_names_the_subnets_of_its_nodes() -> None:
    assert list(subnets_of(SCALE_SET)) == [SUBNET.upper()]
    assert list(subnets_of({})) == list(subnets_of({"properties": None})) == []


def test_the_load_balancer_is_the_one_of_the_node_group_and_not_the_internal_one() -> None:
    there = (row("loadBalancers", "kubernetes"), row("loadBalancers", "kubernetes-internal"), row("loadBalancers", "other", "rg2"))
    assert names("loadBalancer", *there) == ["kubernetes"]


def test_a_group_of_the_same_name_in_another_subscription_is_somebody_elses() -> None:
    assert names("loadBalancer", row("loadBalancers", "kubernetes", subscription="t")) == []


def test_a_nat_gateway_is_found_in_the_node_group_or_by_the_nodes_subnet() -> None:
    own, theirs = row("natGateways", "own", "net", subnets=[{"id": SUBNET}]), row("natGateways", "theirs", "net", subnets=[{"id": "/x"}])
    assert names("managedNATGateway", row("natGateways", "managed")) == ["managed"]
    assert names("userAssignedNATGateway", own, theirs) == ["own"]


def test_a_firewall_is_the_one_that_the_subnets_routes_lead_to() -> None:
    there = (routes("10.1.0.4", SUBNET), firewall("fw", "10.1.0.4"), firewall("other", "10.9.0.4"))
    assert names("userDefinedRouting", *there) == ["fw"]
    assert names("userDefinedRouting", routes("10.1.0.4", "/another"), firewall("fw", "10.1.0.4")) == []


@pytest.mark.parametrize(("tier", "gigabits"), [("Standard", 30), ("Premium", 100), ("Basic", 0.25)])
def test_a_firewall_carries_what_its_tier_is_published_to(tier: str, gigabits: float) -> None:
    (hop,) = hops_of(cluster("userDefinedRouting"), [SUBNET], [routes("10.1.0.4", SUBNET), firewall("fw", "10.1.0.4", tier)])
    assert (hop.kind, hop.limit_bits_per_second) == ("firewall", gigabits * 1e9)


@pytest.mark.parametrize("outbound", ["", "none", "block", "userDefinedRouting"])
def test_what_cannot_be_told_is_not_guessed(outbound: str) -> None:
    assert names(outbound, row("loadBalancers", "kubernetes"), row("natGateways", "managed"), firewall("fw", "10.1.0.4"), subnets=()) == []


def test_rows_without_properties_break_nothing() -> None:
    bare = {**row("routeTables", "rt"), "properties": None}
    assert names("userDefinedRouting", bare, {**row("azureFirewalls", "fw"), "properties": None}) == []
