"""Percentiles, by one rule everywhere: nearest rank."""

from collections.abc import Sequence


def nearest_rank[T](ordered: Sequence[T], percent: int) -> T | None:
    """The first of the ordered values that ``percent`` of them do not exceed; None: there are none."""
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1] if ordered else None
