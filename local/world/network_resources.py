"""What stands between a cluster and the outside: load balancer, NAT gateway, or firewall and routes."""

from typing import Any

from local.world.arm import guid, resource_id, row
from local.world.run import Story

FIREWALL_ADDRESS = "10.226.1.4"
HUB_GROUP = "rg-hub"


def load_balancer_id(story: Story) -> str:
    return resource_id(story.names.node_resource_group, "Microsoft.Network/loadBalancers", "kubernetes")


def nat_gateway_id(story: Story) -> str:
    if story.scenario.outbound.type == "managedNATGateway":
        return resource_id(story.names.node_resource_group, "Microsoft.Network/natGateways", "aks-managed-nat-gateway")
    return resource_id(_network_group(story), "Microsoft.Network/natGateways", f"nat-{story.scenario.cluster}")


def firewall_id(story: Story) -> str:
    return resource_id(HUB_GROUP, "Microsoft.Network/azureFirewalls", f"fw-{story.scenario.location}")


def subnet_id(story: Story) -> str:
    """The nodes' subnet, which the agent pool names where the network is the customer's own."""
    if not own_network(story):
        network = resource_id(story.names.node_resource_group, "Microsoft.Network/virtualNetworks", "aks-vnet-30457211")
        return f"{network}/subnets/aks-subnet"
    return f"{_network_id(story)}/subnets/nodes"


def own_network(story: Story) -> bool:
    return story.scenario.outbound.type in {"userDefinedRouting", "userAssignedNATGateway"}


def network_resources(story: Story) -> list[dict[str, Any]]:
    outbound = story.scenario.outbound
    if outbound.type == "userDefinedRouting":
        return [_network(story), _route_table(story), *([_firewall(story)] if outbound.firewall_tier else [])]
    if outbound.type == "loadBalancer":
        return [_load_balancer(story)]
    return [_nat_gateway(story), *([_network(story)] if own_network(story) else [])]


def network_profile(story: Story) -> dict[str, Any]:
    """``networkProfile`` of the cluster."""
    outbound = story.scenario.outbound
    profile: dict[str, Any] = {"networkPlugin": "azure", "networkPluginMode": "overlay", "loadBalancerSku": "Standard",
               "outboundType": outbound.type, "podCidr": "10.244.0.0/16", "serviceCidr": "10.0.0.0/16"}
    if outbound.type == "loadBalancer":
        profile["loadBalancerProfile"] = {"allocatedOutboundPorts": outbound.ports_per_node, "idleTimeoutInMinutes": 30,
                                          "managedOutboundIPs": {"count": outbound.public_ips}}
    elif outbound.type == "managedNATGateway":
        profile["natGatewayProfile"] = {"idleTimeoutInMinutes": 4, "managedOutboundIPProfile": {"count": outbound.public_ips}}
    return profile


def node_network(story: Story) -> dict[str, Any]:
    """``networkProfile`` of the scale set's model: one interface in the nodes' subnet."""
    address = {"name": "ipconfig1", "properties": {"primary": True, "subnet": {"id": subnet_id(story)}}}
    interface = {"name": story.names.stem, "properties": {"primary": True, "enableAcceleratedNetworking": True, "ipConfigurations": [address]}}
    return {"networkInterfaceConfigurations": [interface]}


def _network_group(story: Story) -> str:
    return f"rg-{story.scenario.cluster}-network"


def _network_id(story: Story) -> str:
    return resource_id(_network_group(story), "Microsoft.Network/virtualNetworks", f"vnet-{story.scenario.cluster}")


def _route_table_id(story: Story) -> str:
    return resource_id(_network_group(story), "Microsoft.Network/routeTables", f"rt-{story.scenario.cluster}")


def _addresses(story: Story, group: str) -> list[dict[str, str]]:
    return [{"id": resource_id(group, "Microsoft.Network/publicIPAddresses", str(guid(story.scenario.cluster, "ip", number)))}
            for number in range(story.scenario.outbound.public_ips)]


def _load_balancer(story: Story) -> dict[str, Any]:
    identity, outbound = load_balancer_id(story), story.scenario.outbound
    rule = {"allocatedOutboundPorts": outbound.ports_per_node, "protocol": "All", "idleTimeoutInMinutes": 30}
    frontends = [{"name": str(guid(identity, number)), "properties": {"publicIPAddress": address}}
                 for number, address in enumerate(_addresses(story, story.names.node_resource_group))]
    properties = {
        "provisioningState": "Succeeded", "frontendIPConfigurations": frontends,
        "outboundRules": [{"name": "aksOutboundRule", "id": f"{identity}/outboundRules/aksOutboundRule", "properties": rule}],
    }
    return row(identity, story.scenario.location, properties, sku={"name": "Standard", "tier": "Regional"},
               tags={"aks-managed-cluster-name": story.scenario.cluster})


def _nat_gateway(story: Story) -> dict[str, Any]:
    group = story.names.node_resource_group if not own_network(story) else _network_group(story)
    properties: dict[str, Any] = {"provisioningState": "Succeeded", "idleTimeoutInMinutes": 4, "publicIpAddresses": _addresses(story, group)}
    if own_network(story):
        properties["subnets"] = [{"id": subnet_id(story)}]
    return row(nat_gateway_id(story), story.scenario.location, properties, sku={"name": "Standard"})


def _network(story: Story) -> dict[str, Any]:
    routed = story.scenario.outbound.type == "userDefinedRouting"
    via = {"routeTable": {"id": _route_table_id(story)}} if routed else {"natGateway": {"id": nat_gateway_id(story)}}
    subnet = {"name": "nodes", "id": subnet_id(story), "properties": {"addressPrefix": "10.224.0.0/16", **via}}
    properties = {"provisioningState": "Succeeded", "addressSpace": {"addressPrefixes": ["10.224.0.0/15"]}, "subnets": [subnet]}
    return row(_network_id(story), story.scenario.location, properties)


def _route_table(story: Story) -> dict[str, Any]:
    route = {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": FIREWALL_ADDRESS}
    properties = {"provisioningState": "Succeeded", "disableBgpRoutePropagation": False,
                  "routes": [{"name": "to-firewall", "id": f"{_route_table_id(story)}/routes/to-firewall", "properties": route}],
                  "subnets": [{"id": subnet_id(story)}]}
    return row(_route_table_id(story), story.scenario.location, properties)


def _firewall(story: Story) -> dict[str, Any]:
    outbound = story.scenario.outbound
    addresses = [
        {"name": f"ip{number}", "properties": {"publicIPAddress": address} | ({"privateIPAddress": FIREWALL_ADDRESS} if not number else {})}
        for number, address in enumerate(_addresses(story, HUB_GROUP))
    ]
    properties = {"provisioningState": "Succeeded", "sku": {"name": "AZFW_VNet", "tier": outbound.firewall_tier},
                  "threatIntelMode": "Alert", "ipConfigurations": addresses}
    return row(firewall_id(story), story.scenario.location, properties)
