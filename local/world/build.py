"""A scenario's name and a seed → a whole world in Azure's shapes."""

from datetime import datetime, timedelta

from local.world.inventory_log import node_inventory, pod_inventory
from local.world.kubelet_log import kube_events
from local.world.metrics import measure
from local.world.platform_events import platform_events
from local.world.pulls import Pull
from local.world.registry_log import login_events, repository_events
from local.world.resources import cluster_id, list_resources
from local.world.run import Story, run
from local.world.scenario import Scenario
from local.world.scenarios import SCENARIO_LIST
from local.world.skus import resource_skus
from local.world.truth import cause_of, lost_seconds, percentile, slow_pulls
from local.world.types import Truth, World

SCENARIOS: dict[str, str] = {scenario.name: scenario.description for scenario in SCENARIO_LIST}


def build(name: str, seed: int, end: datetime) -> World:
    """The world of scenario ``name`` that ends at ``end`` (aware), the same for the same arguments.

    Raises ``ValueError`` that lists the names for an unknown one.
    """
    return build_scenario(scenario_named(name), seed, end)


def build_scenario(scenario: Scenario, seed: int, end: datetime) -> World:
    """As ``build``, for a scenario of one's own: ``msgspec.structs.replace`` makes variants."""
    return to_world(run(scenario, seed, end), end)


def scenario_named(name: str) -> Scenario:
    for scenario in SCENARIO_LIST:
        if scenario.name == name:
            return scenario
    raise ValueError(f"There is no scenario {name!r}; choose one of: {', '.join(SCENARIOS)}.")


def to_world(story: Story, end: datetime) -> World:
    """What Azure, its logs and Event Grid show of a story."""
    scenario = story.scenario
    return World(
        scenario=scenario.name, seed=story.seed, description=scenario.description,
        history_start=story.epoch, window_start=story.at(story.start), window_end=story.at(story.stop), end=end,
        resources=list_resources(story), resource_skus=resource_skus(scenario.location), metrics=measure(story),
        tables={
            "KubeEvents": kube_events(story), "KubePodInventory": pod_inventory(story), "KubeNodeInventory": node_inventory(story),
            "ContainerRegistryRepositoryEvents": repository_events(story), "ContainerRegistryLoginEvents": login_events(story),
        },
        events=platform_events(story), truths=[judge(story)],
    )


def judge(story: Story) -> Truth:
    """What held the pulls of the operation up."""
    pulls = window_pulls(story)
    slow = slow_pulls(pulls, usual_p95(story))
    lost = lost_seconds(slow)
    return Truth(
        cluster_id=cluster_id(story), pool=story.scenario.pool, cause=cause_of(slow, lost),
        lost_seconds={cause: round(seconds, 1) for cause, seconds in lost.items()}, slow_pulls=len(slow),
        p95_seconds=percentile([pull.elapsed for pull in pulls if pull.finished_at is not None], 95),
        unfinished=sum(1 for pull in pulls if pull.finished_at is None),
    )


def window_pulls(story: Story) -> list[Pull]:
    """Pulls of the operation; images that were present already are none."""
    return [pull for pull in story.pulls if pull.asked_at >= story.start and not pull.present]


def usual_p95(story: Story) -> float | None:
    before = [pull.elapsed for pull in story.pulls
              if pull.asked_at < story.start and not pull.present and pull.finished_at is not None]
    return percentile(before, 95)


def window_minutes(story: Story) -> list[datetime]:
    """The whole minutes of the operation."""
    first, last = int(story.start // 60), int(story.stop // 60)
    return [story.epoch + timedelta(minutes=minute) for minute in range(first, last + 1)]
