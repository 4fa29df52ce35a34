"""From a scenario and a seed to what happened: nodes with their minutes, pulls with their losses."""

from datetime import datetime, timedelta
from random import Random

import msgspec

from local.world.distance import nearest, round_trip_seconds
from local.world.egress import Egress
from local.world.load import load_of
from local.world.node import FULL, Credits, Node
from local.world.plan import MCR, Life, Plan, Planner, node_name
from local.world.pulls import Pull
from local.world.registry import READS_PER_MINUTE, DockerHub, Registry
from local.world.rollouts import plan_rollouts
from local.world.scenario import HUB, Scenario
from local.world.simulation import Simulation
from local.world.skus import vm_size


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What things are called, the same for every seed of a scenario."""

    vmss: str
    registry: str
    """Login server."""
    node_resource_group: str


class Story(msgspec.Struct, kw_only=True):
    """All that happened, before it is put into Azure's shapes. Seconds count from ``epoch``."""

    scenario: Scenario
    seed: int
    names: Names
    epoch: datetime
    start: float
    """When the operation starts; ``stop`` is when it ends, ``end`` is now."""
    stop: float
    end: float
    version: str
    """Kubernetes version before the operation."""
    registry_sku: str
    plan: Plan
    nodes: list[Node]
    lives: dict[str, list[Node]]
    """Kubernetes node name → its lives, oldest first."""
    pulls: list[Pull]
    answers: list[tuple[float, Pull, int]]
    egress: Egress
    rng: Random
    """For what is left to chance in measuring and logging."""

    def at(self, seconds: float) -> datetime:
        return self.epoch + timedelta(seconds=seconds)


def run(scenario: Scenario, seed: int, end: datetime) -> Story:
    """Simulates the scenario so that it ends at ``end``."""
    rng = Random(f"{scenario.name}/{seed}")
    names = _names(scenario)
    version = rng.choice(scenario.versions)
    registry_sku = rng.choice(scenario.registry_skus)
    start = scenario.history_hours * 3600
    planner = Planner(scenario, version, names.vmss, names.registry, start, rng)
    plan = planner.plan()
    plan_rollouts(planner, plan.lives, rng)
    egress = Egress(scenario.outbound, plan.lives, start, Random(f"{scenario.name}/{seed}/egress"))
    last = 60.0 * int((plan.ends_at + 60 * scenario.quiet_minutes) // 60 + 1)
    epoch = end.replace(second=0, microsecond=0) - timedelta(seconds=last)
    nodes = [_node(scenario, life, start, rng) for life in plan.lives]
    lives = _lives(names.vmss, nodes)
    simulation = Simulation(
        nodes=nodes, pods=plan.pods, lives=lives, registries=_registries(scenario, names, registry_sku),
        egress=egress, image_gc_at=[start + 60 * minutes for minutes in scenario.image_gc_minutes],
        watch_from=start, end=last, rng=rng,
    )
    simulation.run()
    return Story(
        scenario=scenario, seed=seed, names=names, epoch=epoch, start=start, stop=plan.ends_at, end=last,
        version=version, registry_sku=registry_sku, plan=plan, nodes=nodes, lives=lives, pulls=simulation.pulls,
        answers=simulation.answers, egress=egress, rng=rng,
    )


def _names(scenario: Scenario) -> Names:
    digits = Random(scenario.cluster).randint(10_000_000, 99_999_999)
    return Names(
        vmss=f"aks-{scenario.pool}-{digits}-vmss", registry=f"contoso{scenario.cluster.replace('-', '')}.azurecr.io",
        node_resource_group=f"MC_rg-{scenario.cluster}_{scenario.cluster}_{scenario.location}",
    )


def _node(scenario: Scenario, life: Life, start: float, rng: Random) -> Node:
    vm = vm_size(scenario.vm_size)
    return Node(
        instance=life.instance, born=life.born, gone=life.gone, version=life.version, vm=vm, disk=scenario.disk,
        load=load_of(scenario, vm.vcpus, life, start, rng), serial=bool(scenario.serial_pulls) or minor(life.version) < 31,
        credit=FULL if life.fresh else _old_credits(scenario, rng), firewalled=bool(scenario.outbound.firewall_tier),
    )


def _old_credits(scenario: Scenario, rng: Random) -> Credits:
    """Of a node that is there when the world begins."""
    left = scenario.old_credits
    if left is not None:
        return Credits(io=rng.uniform(*left.io), bytes=rng.uniform(*left.bytes), vm=rng.uniform(*left.vm))
    return Credits(io=rng.uniform(0, 0.004)) if scenario.workload.batch_iops else FULL


def _lives(vmss: str, nodes: list[Node]) -> dict[str, list[Node]]:
    lives: dict[str, list[Node]] = {}
    for node in nodes:
        lives.setdefault(node_name(vmss, node.instance), []).append(node)
    return lives


def _registries(scenario: Scenario, names: Names, sku: str) -> dict[str, Registry]:
    distance = round_trip_seconds(scenario.location, serving_region(scenario))
    return {
        names.registry: Registry(names.registry, READS_PER_MINUTE[sku] * scenario.registry_ramp, distance),
        MCR: Registry(MCR, scenario.mcr_reads_per_minute),
        HUB: DockerHub(HUB),
    }


def serving_region(scenario: Scenario) -> str:
    """Where the layers come from: the replica nearest to the cluster."""
    return nearest(scenario.location, scenario.registry_locations or (scenario.location,))


def minor(version: str) -> int:
    """33 of ``1.33.4``: AKS pulls in parallel from 1.31 on."""
    return int(version.split(".")[1])
