"""What really held the pulls up, from the model's own accounting."""

import math

from local.world.pulls import Pull

SLOW_SECONDS = 60.0
SLOW_FACTOR, SLOW_FLOOR_SECONDS = 3.0, 20.0
HARDLY_ANYTHING = 0.10
"""Share of the slow pulls' time below which nothing was in the way: the size alone takes that long."""


def percentile(values: list[float], percent: float) -> float | None:
    """Nearest rank; None without values."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def slow_pulls(pulls: list[Pull], usual_p95: float | None) -> list[Pull]:
    """From 60 s on, or well above the usual."""
    bound = SLOW_SECONDS
    if usual_p95 is not None:
        bound = min(bound, max(SLOW_FACTOR * usual_p95, SLOW_FLOOR_SECONDS))
    return [pull for pull in pulls if pull.elapsed >= bound]


def lost_seconds(pulls: list[Pull]) -> dict[str, float]:
    """Cause → seconds over all these pulls, the greatest first."""
    total: dict[str, float] = {}
    for pull in pulls:
        for cause, seconds in pull.lost.items():
            total[cause] = total.get(cause, 0.0) + seconds
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def cause_of(slow: list[Pull], lost: dict[str, float]) -> str:
    if not slow:
        return "healthy"
    if sum(lost.values()) < HARDLY_ANYTHING * sum(pull.elapsed for pull in slow):
        return "image.size"
    return next(iter(lost))
