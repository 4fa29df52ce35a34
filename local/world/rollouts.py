"""The pods of a scenario's rollouts, node by node."""

from collections.abc import Iterator
from random import Random

from local.world.hardware import MB
from local.world.plan import Life, Planner
from local.world.pulls import Image
from local.world.scenario import Rollout, Scenario

READY_SECONDS = 20
"""From a node's birth until pods are bound to it."""


def plan_rollouts(planner: Planner, lives: list[Life], rng: Random) -> None:
    """Adds the pods of all rollouts to the plan."""
    for rollout in planner.scenario.rollouts:
        tag = rollout.tag or f"{rng.randint(1, 9)}.{rng.randint(0, 40)}.{rng.randint(0, 20)}"
        for turn in range(rollout.times):
            images = _images(planner, rollout, tag, turn, rng)
            at = planner.start + 60 * (rollout.at_minutes + turn * rollout.every_minutes)
            for life in _places(planner.scenario, rollout, lives, at):
                _pods(planner, rollout, images, life.instance, max(at, life.born + READY_SECONDS))


def _images(planner: Planner, rollout: Rollout, tag: str, turn: int, rng: Random) -> list[Image]:
    """The same each turn, unless the tag moves."""
    same = Random(f"{tag}/{rollout.name}")
    return [_image(planner, rollout, _name(rollout, number), tag, turn, rng if rollout.moves_tag else same) for number in range(rollout.images)]


def _name(rollout: Rollout, number: int) -> str:
    return rollout.name if rollout.images == 1 else f"{rollout.name}-{number + 1}"


def _image(planner: Planner, rollout: Rollout, name: str, tag: str, turn: int, rng: Random) -> Image:
    unpacked = rollout.mb * MB * rng.uniform(0.95, 1.05)
    return Image(
        registry=rollout.registry or planner.registry, repository=f"library/{name}" if rollout.registry else f"shop/{name}", tag=tag,
        unpacked_bytes=round(unpacked), compressed_bytes=round(unpacked * rollout.compressed), layers=rollout.layers,
        write_operations=round(unpacked / (rollout.bytes_per_write or planner.scenario.images.bytes_per_write)),
        unpack_bytes_per_second=rollout.unpack_mbps * MB, revision=turn if rollout.moves_tag else 0,
    )


def _places(scenario: Scenario, rollout: Rollout, lives: list[Life], at: float) -> Iterator[Life]:
    for life in lives:
        wanted = rollout.on == "all" or (rollout.on == "new") == life.fresh
        here = not rollout.first_nodes or life.instance < rollout.first_nodes + (scenario.nodes if rollout.on == "new" else 0)
        if wanted and here and life.gone > at:
            yield life


def _pods(planner: Planner, rollout: Rollout, images: list[Image], instance: int, at: float) -> None:
    kind = "Job" if rollout.job else "ReplicaSet"
    for number in range(rollout.pods_per_node):
        image = images[number % len(images)]
        name = image.repository.rsplit("/", 1)[-1]
        planner.add_pod(at, instance, name, (image,), kind, spread=rollout.over_seconds, always=rollout.always_pull)
