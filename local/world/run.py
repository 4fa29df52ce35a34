"""From a scenario and a seed to what happened: nodes with their minutes, pulls with their losses."""

from datetime import datetime, timedelta
from random import Random

import msgspec

from local.world.distance import nearest, round_trip_seconds
from local.world.egress import Egress
from local.world.load import load_of
from local.world.names import Names, names_of
from local.world.node import FULL, Credits, Node
from local.world.plan import MCR, Life, Plan, Planner
from local.world.pulls import Pull
from local.world.registry import READS_PER_MINUTE, DockerHub, Registry
from local.world.rollouts import plan_rollouts
from local.world.scenario import HUB, Scenario
from local.world.simulation import Simulation
from local.world.skus import vm_size


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
    names = names_of(scenario.cluster, scenario.pool, scenario.location, scenario.pool_kind)
    version = rng.choice(scenario.versions)
    registry_sku = rng.choice(scenario.registry_skus)
    start = scenario.history_hours * 3600
    planner = Planner(scenario, version, names, start, rng)
    plan = planner.plan()
    plan_rollouts(planner, plan.lives, rng)
    egress = Egress(scenario.outbound, plan.lives, start, Random(f"{scenario.name}/{seed}/egress"))
    last = 60.0 * int((plan.ends_at + 60 * scenario.quiet_minutes) // 60 + 1)
    epoch = end.replace(second=0, microsecond=0) - timedelta(seconds=last)
    nodes = [_node(scenario, life, start, rng) for life in plan.lives]
    lives = _lives(names, nodes)
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


def _node(scenario: Scenario, life: Life, start: float, rng: Random) -> Node:
    sizes = (scenario.vm_size, *scenario.other_sizes)
    vm = vm_size(sizes[life.instance % len(sizes)])
    return Node(
        instance=life.instance, born=life.born, gone=life.gone, version=life.version, vm=vm, disk=scenario.disk,
        load=load_of(scenario, vm.vcpus, life, start, rng), serial=_serial(scenario, life),
        credit=FULL if life.fresh else _old_credits(scenario, rng), firewalled=bool(scenario.outbound.firewall_tier),
    )


def _serial(scenario: Scenario, life: Life) -> bool:
    """Auto-provisioned nodes pull one by one whatever their version."""
    return scenario.pool_kind == "auto_provisioned" or scenario.serial_pulls or minor(life.version) < 31


def _old_credits(scenario: Scenario, rng: Random) -> Credits:
    """Of a node that is there when the world begins."""
    left = scenario.old_credits
    if left is not None:
        return Credits(io=rng.uniform(*left.io), bytes=rng.uniform(*left.bytes), vm=rng.uniform(*left.vm))
    return Credits(io=rng.uniform(0, 0.004)) if scenario.workload.batch_iops else FULL


def _lives(names: Names, nodes: list[Node]) -> dict[str, list[Node]]:
    lives: dict[str, list[Node]] = {}
    for node in nodes:
        lives.setdefault(names.node(node.instance), []).append(node)
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
