"""All scenarios, by layer: what is built in each, and the cause that it is made to have."""

from local.world import (
    scenarios_disk,
    scenarios_healthy,
    scenarios_machines,
    scenarios_network,
    scenarios_node,
    scenarios_registry,
)
from local.world.scenario import Scenario

SCENARIO_LIST: tuple[Scenario, ...] = (
    *scenarios_healthy.SCENARIOS, *scenarios_disk.SCENARIOS, *scenarios_registry.SCENARIOS,
    *scenarios_network.SCENARIOS, *scenarios_node.SCENARIOS, *scenarios_machines.SCENARIOS,
)
