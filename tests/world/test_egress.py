"""The way out: ports that run out, and a firewall that all nodes share."""

from datetime import UTC, datetime
from random import Random

import pytest

from local.world import build
from local.world.build import scenario_named, window_pulls
from local.world.egress import Egress, automatic_ports
from local.world.plan import FOREVER, Life
from local.world.run import run
from local.world.scenario import Outbound
from local.world.types import World
from shared.collect.network import hops_of, subnets_of
from shared.model import Cluster

NOW = datetime(2026, 3, 4, 10, 42, 17, tzinfo=UTC)
START = 3600.0


def an_egress(outbound: Outbound, nodes: int = 10) -> Egress:
    lives = [Life(instance=n, born=0, gone=FOREVER, version="1.33.4") for n in range(nodes)]
    return Egress(outbound, lives, START, Random(1))  # noqa: S311 - chance in a model, not in a secret


def values(world: World, metric: str, **dimensions: str) -> list[float]:
    """Of all series with these dimensions, in the window."""
    found = []
    for one in (s for s in world.metrics if s.metric == metric and dimensions.items() <= s.dimensions.items()):
        first = max(0, int((world.window_start - one.start).total_seconds() // 60))
        found += [value for value in one.values[first:] if value is not None]
    return found


@pytest.mark.parametrize(("nodes", "ports"), [(1, 1024), (50, 1024), (51, 512), (100, 512), (101, 256), (400, 128), (800, 64), (1000, 32)])
def test_a_load_balancer_gives_each_node_fewer_ports_the_more_there_are(nodes: int, ports: int) -> None:
    assert automatic_ports(nodes) == ports


def test_connections_fail_only_where_more_ports_are_wanted_than_there_are() -> None:
    enough, short = (an_egress(Outbound(ports_per_node=ports, connections=600)) for ports in (1024, 300))
    assert enough.chance(0, 3) == 1
    assert 0.4 < short.chance(0, 3) < 0.6


def test_a_storm_of_connections_begins_with_the_operation() -> None:
    egress = an_egress(Outbound(ports_per_node=64, connections=35, storm_connections=90))
    assert egress.chance(START - 600, 0) == 1
    assert egress.chance(START + 60, 0) < 0.9


@pytest.mark.parametrize(("outbound", "ports"), [
    (Outbound(type="managedNATGateway", public_ips=2), 129_024),
    (Outbound(type="userDefinedRouting", firewall_tier="Standard", public_ips=2), 9_984),
])
def test_a_nat_gateway_and_a_firewall_have_one_pool_of_ports_for_all(outbound: Outbound, ports: float) -> None:
    egress = an_egress(outbound)
    assert (egress.ports(0), egress.shared_ports) == (ports, True)


def test_a_pull_that_finds_no_port_times_out_and_backs_off() -> None:
    world = build("snat-fixed-ports", 0, NOW)
    messages = {row["Message"] for row in world.tables["KubeEvents"] if "i/o timeout" in row["Message"]}
    assert messages
    assert all("dial tcp" in message for message in messages)
    assert max(values(world, "SnatConnectionCount", ConnectionState="Failed")) > 0
    assert max(values(world, "UsedSnatPorts")) == 64
    assert set(values(world, "AllocatedSnatPorts")) == {64.0}


def test_crossing_fifty_nodes_halves_the_ports_of_all() -> None:
    allocated = set(values(build("snat-exhausted", 0, NOW), "AllocatedSnatPorts"))
    assert allocated == {1024.0, 512.0}


def test_a_full_nat_gateway_drops_packets_and_a_healthy_load_balancer_fails_nothing() -> None:
    assert max(values(build("nat-gateway-exhausted", 0, NOW), "PacketDropCount")) > 1000
    assert max(values(build("disk-iops", 0, NOW), "SnatConnectionCount", ConnectionState="Failed")) == 0


@pytest.mark.parametrize(("name", "limit"), [("firewall-full", 250e6), ("firewall-filled-by-others", 30e9)])
def test_a_full_firewall_is_used_to_its_limit_and_not_beyond(name: str, limit: float) -> None:
    throughput = values(build(name, 0, NOW), "Throughput")
    assert 0.97 * limit < max(throughput) < 1.01 * limit


def test_all_bytes_of_the_pulls_pass_the_firewall_no_faster_than_it_allows() -> None:
    story = run(scenario_named("firewall-full"), 0, NOW)
    for minute in range(int(story.start // 60), int(story.end // 60)):
        pulled = sum(node.minutes[minute].pulled_bytes for node in story.nodes if minute in node.minutes)
        assert pulled <= 1.04 * 60 * story.egress.capacity


def test_disks_and_cores_are_quiet_while_the_firewall_is_full() -> None:
    story = run(scenario_named("firewall-full"), 0, NOW)
    assert set(window_pulls(story)[20].lost) <= {"network.egress"}


@pytest.mark.parametrize(("name", "kind"), [
    ("snat-exhausted", "load_balancer"), ("nat-gateway-exhausted", "nat_gateway"), ("firewall-full", "firewall"), ("firewall-snat-exhausted", "firewall"),
])
def test_the_product_finds_what_stands_in_the_way_from_the_listed_resources(name: str, kind: str) -> None:
    world = build(name, 0, NOW)
    scale_set = next(row for row in world.resources if row["type"].endswith("/virtualmachinescalesets"))
    row = next(row for row in world.resources if row["type"].endswith("/managedclusters"))
    cluster = Cluster(
        id=row["id"], name=row["name"], location=row["location"], subscription_id=row["subscriptionId"], resource_group=row["resourceGroup"],
        node_resource_group=row["properties"]["nodeResourceGroup"], outbound_type=row["properties"]["networkProfile"]["outboundType"],
    )
    hop, = hops_of(cluster, tuple(subnets_of(scale_set)), world.resources)
    assert hop.kind == kind
    assert hop.id in {one.resource_id for one in world.metrics}
