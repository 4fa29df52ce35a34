"""What a bench says: ratios of two things measured in the same run, since absolute times mean nothing on shared machines."""

import msgspec


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    what: str
    """``this / that``, in words."""
    value: float
    at_most: float | None = None
    at_least: float | None = None
    numbers: dict[str, float] = {}
    """What the ratio was made of, and what else was seen; units stand in the names."""

    @property
    def holds(self) -> bool:
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)

    @property
    def bound(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""


def table(ratios: list[Ratio]) -> str:
    """A line a ratio, its numbers below it."""
    lines = []
    for one in ratios:
        mark = "  " if not one.bound else "✓ " if one.holds else "✗ "
        lines.append(f"{mark}{one.name:<26}{one.value:>8.2f}  {one.bound:<8}{one.what}")
        lines.append(" " * 36 + "  ".join(f"{name} {value:,.4g}" for name, value in one.numbers.items()))
    return "\n".join(lines)
