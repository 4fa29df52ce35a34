"""Scenarios of the network layer: the node's link, SNAT ports, and the firewall on the way out."""

from local.world.hardware import MB
from local.world.ordinary import CALM, LARGE_FILES, MEDIUM, P30, SMALL, TEMP_150, TEMP_300
from local.world.scenario import Neighbour, Outbound, Rollout, ScaleOut, Scenario, Steady, Upgrade, Workload


def _ingest(megabytes_per_second: float) -> Workload:
    """A neighbour that takes in so much."""
    return Workload(write_iops=120, spread=0.05, outstanding=6, network_in=megabytes_per_second * MB)


NIC = (
    Scenario(
        name="nic-full",
        description="a database restore fills the 1 Gbit/s of D2s_v3 nodes; a release beside it gets what is left",
        cause="network.nic", cluster="db-weu", vm_size="Standard_D2s_v3", disk=P30, nodes=5, versions=("1.33.4", "1.32.6"),
        workload=CALM, images=SMALL, neighbour=Neighbour(workload=_ingest(150)), operation=Steady(minutes=25),
        rollouts=(Rollout(name="release", mb=420, pods_per_node=4, images=4, at_minutes=3),),
    ),
    Scenario(
        name="nic-full-upgrade",
        description="an upgrade while every node of 2 Gbit/s takes in video streams",
        cause="network.nic", cluster="video-neu", location="northeurope", vm_size="Standard_D4s_v3", disk=P30, nodes=6,
        versions=("1.33.1", "1.32.6"), workload=CALM, images=LARGE_FILES, neighbour=Neighbour(workload=_ingest(290)),
        operation=Upgrade(replicas=12, evicted_per_node=5),
    ),
    Scenario(
        name="nic-full-on-two-nodes",
        description="24 nodes of 2 Gbit/s; on two of them an import fills the link while a release rolls out to all",
        cause="network.nic", cluster="import-weu", vm_size="Standard_D8s_v3", disk=P30, nodes=24, versions=("1.33.4",), history_hours=4,
        workload=CALM, images=SMALL, neighbour=Neighbour(workload=_ingest(290), first_nodes=2), operation=Steady(minutes=20),
        rollouts=(Rollout(name="release", mb=300, pods_per_node=5, images=5, at_minutes=4),),
    ),
)

SNAT = (
    Scenario(
        name="snat-exhausted",
        description="a scale-out crosses 50 nodes, so each node's 1,024 SNAT ports are halved under workloads that hold 700",
        cause="network.snat", cluster="api-weu", vm_size="Standard_D4ds_v5", disk=TEMP_150, nodes=46, versions=("1.33.4", "1.32.6"), history_hours=4,
        workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=12, pods_per_node=6, replicas=46), outbound=Outbound(connections=700),
    ),
    Scenario(
        name="snat-fixed-ports",
        description="64 SNAT ports a node, set by hand long ago, and a crawler that opens more connections than that",
        cause="network.snat", cluster="crawl-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=12,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=SMALL, operation=Steady(minutes=25),
        outbound=Outbound(ports_per_node=64, connections=35, storm_connections=90),
        rollouts=(Rollout(name="release", mb=300, pods_per_node=4, images=4, at_minutes=3),),
    ),
    Scenario(
        name="nat-gateway-exhausted",
        description="a NAT gateway with one address: 40 nodes of load tests hold more than its 64,512 ports during an upgrade",
        cause="network.snat", cluster="load-weu", vm_size="Standard_D4ds_v5", disk=TEMP_150, nodes=40, versions=("1.33.1",), history_hours=3,
        workload=CALM, images=SMALL, operation=Upgrade(surge=8, replicas=40),
        outbound=Outbound(type="managedNATGateway", connections=600, storm_connections=2250),
    ),
    Scenario(
        name="firewall-snat-exhausted",
        description="a firewall with two addresses: its 9,984 SNAT ports run out, its throughput is idle",
        cause="network.snat", cluster="bank-neu", location="northeurope", vm_size="Standard_D4ds_v5", disk=TEMP_150, nodes=20,
        versions=("1.33.4", "1.32.6"), workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=6, pods_per_node=6, replicas=40),
        outbound=Outbound(type="userDefinedRouting", firewall_tier="Standard", public_ips=2, connections=250, storm_connections=580,
                          other_bits_per_second=1.2e9),
    ),
)

EGRESS = (
    Scenario(
        name="firewall-full",
        description="an upgrade behind an Azure Firewall Basic: 250 Mbit/s for all nodes together",
        cause="network.egress", cluster="gov-weu", vm_size="Standard_D4ds_v5", disk=TEMP_150, nodes=10, versions=("1.33.1", "1.32.6"),
        workload=CALM, images=MEDIUM, operation=Upgrade(),
        outbound=Outbound(type="userDefinedRouting", firewall_tier="Basic", public_ips=2, other_bits_per_second=30e6),
    ),
    Scenario(
        name="firewall-full-scale-out",
        description="eight new nodes at once behind an Azure Firewall Basic that other spokes use as well",
        cause="network.egress", cluster="spoke-neu", location="northeurope", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=4,
        versions=("1.33.4", "1.34.1"), workload=CALM, images=SMALL, operation=ScaleOut(new_nodes=8, pods_per_node=8, minutes=20),
        outbound=Outbound(type="userDefinedRouting", firewall_tier="Basic", public_ips=2, other_bits_per_second=110e6),
    ),
    Scenario(
        name="firewall-filled-by-others",
        description="backups of the whole hub fill a Standard firewall's 30 Gbit/s; a scale-out gets the crumbs",
        cause="network.egress", cluster="hub-weu", vm_size="Standard_D8ds_v5", disk=TEMP_300, nodes=10, versions=("1.33.4",), history_hours=3,
        workload=CALM, images=MEDIUM, operation=ScaleOut(new_nodes=36, pods_per_node=8, minutes=20),
        outbound=Outbound(type="userDefinedRouting", firewall_tier="Standard", public_ips=20, other_bits_per_second=29.5e9),
    ),
)

SCENARIOS = (*NIC, *SNAT, *EGRESS)
