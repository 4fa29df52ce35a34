"""The simulated world: nodes that pull images, and what Azure would show of it. Never deployed."""

from local.world.build import SCENARIOS, build

__all__ = ["SCENARIOS", "build"]
