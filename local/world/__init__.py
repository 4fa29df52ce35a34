"""The simulated world: nodes that pull images, and what Azure would show of it. Never deployed.

``build`` makes a world, ``degrade`` takes evidence away from it, ``after`` plays it again under a remedy.
"""

from local.world.build import SCENARIOS, build
from local.world.change import Change, after
from local.world.degrade import degrade

__all__ = ["SCENARIOS", "Change", "after", "build", "degrade"]
