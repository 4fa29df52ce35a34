"""The cluster's way out: SNAT ports that connections need, and the bandwidth of a firewall on the way.

Ports as in "Use a public standard load balancer in AKS", "NAT gateway" and "Limit network traffic
with Azure Firewall". Other workloads hold most ports; pulls are victims.
"""

import math
from collections.abc import Iterable
from random import Random

from local.world.flow import water_level
from local.world.hardware import FIREWALL_BITS_PER_SECOND
from local.world.node import Node, Transfer
from local.world.plan import Life
from local.world.scenario import Outbound

PORTS_PER_PULL = 4
"""Connections of one pull: the registry and three layers at a time."""
DIAL_TIMEOUT_SECONDS = 30.0
"""After which containerd gives up on a connection that nobody answers."""
NAT_GATEWAY_PORTS, FIREWALL_PORTS, FIREWALL_INSTANCES = 64_512, 2_496, 2
LOAD_BALANCER_PORTS = 64_000
LEAST_SHARE = 0.05
"""What pulls get of a firewall at least, however much others send through it."""
LEVEL_TOLERANCE = 0.03
"""The firewall's share for each pull is settled anew when it has moved by this much."""


class Egress:
    """What ``outbound`` gives to the nodes of one world. Times are seconds from the world's start."""

    def __init__(self, outbound: Outbound, lives: list[Life], start: float, rng: Random) -> None:
        self.outbound = outbound
        self.level = math.inf
        """Bytes a second for each pull that passes the firewall."""
        self._lives, self._start = lives, start
        self._own = {life.instance: rng.gauss(1.0, 0.04) for life in lives}
        self._noise = [rng.gauss(1.0, 0.05) for _ in range(97)]
        self.capacity = math.inf
        if outbound.firewall_tier:
            limit = FIREWALL_BITS_PER_SECOND[outbound.firewall_tier] / 8
            self.capacity = max(limit - outbound.other_bits_per_second / 8, limit * LEAST_SHARE)

    @property
    def firewalled(self) -> bool:
        return bool(self.outbound.firewall_tier)

    @property
    def shared_ports(self) -> bool:
        """A load balancer gives each node ports of its own; all others have one pool for all."""
        return self.outbound.type != "loadBalancer"

    # --- ports -------------------------------------------------------------------------------

    def nodes_at(self, at: float) -> int:
        return sum(1 for life in self._lives if life.born <= at < life.gone)

    def ports(self, at: float) -> float:
        """Of one node behind a load balancer, else of the whole cluster."""
        outbound = self.outbound
        if outbound.firewall_tier:
            return float(FIREWALL_PORTS * FIREWALL_INSTANCES * outbound.public_ips)
        if self.shared_ports:
            return float(NAT_GATEWAY_PORTS * outbound.public_ips)
        return float(outbound.ports_per_node or automatic_ports(self.nodes_at(at)))

    def wanted(self, at: float, instance: int) -> float:
        """Ports that the other workloads of this node would hold, if there were enough."""
        outbound, minute = self.outbound, int(at // 60)
        storm = outbound.storm_connections and at >= self._start - 60
        connections = outbound.storm_connections if storm else outbound.connections
        return connections * self._own[instance] * self._noise[(minute + 7 * instance) % len(self._noise)]

    def wanted_by_all(self, at: float) -> float:
        return sum(self.wanted(at, life.instance) for life in self._lives if life.born <= at < life.gone)

    def chance(self, at: float, instance: int) -> float:
        """That one new connection finds a port: those that are freed go to whoever asks."""
        wanted = self.wanted_by_all(at) if self.shared_ports else self.wanted(at, instance)
        return min(1.0, self.ports(at) / wanted)

    def connects(self, at: float, instance: int, rng: Random) -> bool:
        """Whether all connections of a pull come about."""
        chance = self.chance(at, instance)
        return chance == 1.0 or rng.random() < chance**PORTS_PER_PULL

    # --- bandwidth ---------------------------------------------------------------------------

    def settle(self, nodes: Iterable[Node]) -> bool:
        """Shares the firewall among all pulls under way; True if each one's share has moved."""
        level = water_level(self.capacity, (_wanted_bytes(t) for node in nodes for t in node.transfers))
        moved = level != self.level and not math.isclose(level, self.level, rel_tol=LEVEL_TOLERANCE)
        if moved:
            self.level = level
        return moved


def _wanted_bytes(transfer: Transfer) -> float:
    return transfer.fastest * transfer.needs["egress"]


def automatic_ports(nodes: int) -> int:
    """What ``allocatedOutboundPorts`` 0 gives each node: 1,024 up to 50 nodes, halved at 100, 200, 400 and 800."""
    return next((1024 >> step for step, most in enumerate((50, 100, 200, 400, 800)) if nodes <= most), 32)
