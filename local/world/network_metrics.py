"""What the load balancer, NAT gateway or firewall of a cluster would have measured, minute by minute.

Names, units, aggregations and dimensions as in "Supported metrics" for each. UsedSnatPorts is bounded
by AllocatedSnatPorts; what finds no port shows as failed connections.
"""

from collections.abc import Callable, Iterator

from local.world.hardware import FIREWALL_BITS_PER_SECOND
from local.world.network_resources import firewall_id, load_balancer_id, nat_gateway_id
from local.world.node import Minute, Node
from local.world.run import Story
from local.world.types import MetricSeries

OUTBOUND_ADDRESS = "20.73.14.9"
NEW_CONNECTIONS_PER_PORT = 0.8
"""A port serves about so many new connections a minute."""
PORTS_OF_A_PULL = 4
CALM_LATENCY_MS, FULL_LATENCY_MS = 12.0, 240.0
"""Of the firewall's latency probe."""


def network_metrics(story: Story) -> Iterator[MetricSeries]:
    """All series of whatever the cluster's outbound type leads through."""
    outbound = story.scenario.outbound
    if outbound.firewall_tier:
        return _firewall(story)
    return _load_balancer(story) if outbound.type == "loadBalancer" else _nat_gateway(story)


# --- load balancer -------------------------------------------------------------------------------


def _load_balancer(story: Story) -> Iterator[MetricSeries]:
    """Ports of each node, by its private address."""
    allocated = [story.egress.ports(60.0 * number) for number in range(int(story.end // 60) + 1)]
    for node in story.nodes:
        yield from _node_ports(story, node, allocated)


def _node_ports(story: Story, node: Node, allocated: list[float]) -> Iterator[MetricSeries]:
    address = {"FrontendIPAddress": OUTBOUND_ADDRESS, "BackendIPAddress": private_address(node.instance)}
    tcp = {**address, "ProtocolType": "TCP", "IsAwaitingRemoval": "False"}
    numbers = sorted(node.minutes)
    wanted = [_wanted(story, node, number) for number in numbers]
    ports = [allocated[number] for number in numbers]
    for metric, aggregation, dimensions, values in (
        ("SnatConnectionCount", "Total", {**address, "ConnectionState": "Successful"}, map(_successful, wanted, ports)),
        ("SnatConnectionCount", "Total", {**address, "ConnectionState": "Failed"}, map(_failed, wanted, ports)),
        ("UsedSnatPorts", "Average", tcp, map(min, wanted, ports)),
        ("AllocatedSnatPorts", "Average", tcp, ports),
    ):
        yield MetricSeries(
            resource_id=load_balancer_id(story), metric=metric, unit="Count", aggregation=aggregation,
            dimensions=dimensions, start=story.at(numbers[0] * 60), values=[float(round(value)) for value in values],
        )


def _wanted(story: Story, node: Node, number: int) -> float:
    pulling = node.minutes[number].pulls / 60
    return story.egress.wanted(60.0 * number, node.instance) + PORTS_OF_A_PULL * pulling


def _successful(wanted: float, ports: float) -> float:
    return NEW_CONNECTIONS_PER_PORT * min(wanted, ports)


def _failed(wanted: float, ports: float) -> float:
    return NEW_CONNECTIONS_PER_PORT * max(wanted - ports, 0.0)


def private_address(instance: int) -> str:
    return f"10.224.{instance // 250}.{4 + instance % 250}"


# --- NAT gateway and firewall --------------------------------------------------------------------


def _nat_gateway(story: Story) -> Iterator[MetricSeries]:
    """One pool of ports for the whole cluster; dropped packets are those that found none."""
    tcp = {"Protocol": "TCP"}
    wanted, ports = _wanted_by_all(story), story.egress.ports(0)
    yield from (
        _series(story, nat_gateway_id(story), metric, "Count", "Total", dimensions, [float(round(value)) for value in values])
        for metric, dimensions, values in (
            ("SNATConnectionCount", {**tcp, "ConnectionState": "Attempted"}, [_successful(w, ports) + _failed(w, ports) for w in wanted]),
            ("SNATConnectionCount", {**tcp, "ConnectionState": "Failed"}, [_failed(w, ports) for w in wanted]),
            ("TotalConnectionCount", tcp, [min(w, ports) for w in wanted]),
            ("PacketDropCount", {}, [2.0 * _failed(w, ports) for w in wanted]),
        )
    )
    for direction, share in (("In", 1.0), ("Out", 0.05)):
        received = [byte_count * share for byte_count in _total(story, lambda minute: minute.pulled_bytes)]
        yield _series(story, nat_gateway_id(story), "ByteCount", "Bytes", "Total", {**tcp, "Direction": direction}, received)


def _firewall(story: Story) -> Iterator[MetricSeries]:
    outbound, egress = story.scenario.outbound, story.egress
    limit, ports = FIREWALL_BITS_PER_SECOND[outbound.firewall_tier], egress.ports(0)
    pulled = [8 * received / 60 for received in _total(story, lambda minute: minute.pulled_bytes)]
    throughput = [min(outbound.other_bits_per_second * story.rng.gauss(1, 0.01), limit) + bits for bits in pulled]
    throughput = [min(bits, limit * story.rng.uniform(0.985, 1.005)) for bits in throughput]
    latency = [CALM_LATENCY_MS + FULL_LATENCY_MS * (bits / limit) ** 8 for bits in throughput]
    used = [min(100.0, 100 * wanted / ports) for wanted in _wanted_by_all(story)]
    for metric, unit, aggregation, dimensions, values in (
        ("Throughput", "BitsPerSecond", "Average", {}, throughput),
        ("DataProcessed", "Bytes", "Total", {}, [bits * 60 / 8 for bits in throughput]),
        ("SNATPortUtilization", "Percent", "Average", {"Protocol": "TCP"}, used),
        ("FirewallHealth", "Percent", "Average", {"Status": "Healthy", "Reason": ""}, [100.0] * len(used)),
        ("FirewallLatencyPng", "Milliseconds", "Average", {}, latency),
    ):
        yield _series(story, firewall_id(story), metric, unit, aggregation, dimensions, [round(value, 3) for value in values])


def _wanted_by_all(story: Story) -> list[float]:
    return [story.egress.wanted_by_all(60.0 * minute) for minute in range(int(story.end // 60))]


def _total(story: Story, value: Callable[[Minute], float]) -> list[float]:
    """Over all nodes, for each minute of the world."""
    total = [0.0] * int(story.end // 60)
    for node in story.nodes:
        for number, minute in node.minutes.items():
            if number < len(total):
                total[number] += value(minute)
    return total


def _series(
    story: Story, resource_id: str, metric: str, unit: str, aggregation: str, dimensions: dict[str, str], values: list[float],
) -> MetricSeries:
    return MetricSeries(resource_id=resource_id, metric=metric, unit=unit, aggregation=aggregation, dimensions=dimensions,
                        start=story.epoch, values=list(values))
