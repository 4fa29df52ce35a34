"""Absurd numbers count as not known: NaN, infinities, negative and gigantic ones.

Comparisons with NaN are false, so each test below leaves NaN out by itself.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from math import inf

from msgspec.structs import fields, replace

from shared.model import Case, EgressHop, NodeModel, OsDisk, VmLimits

MOST = 1e15
"""No metric or limit of a node is larger."""
LONGEST_SECONDS = 24 * 3600.0
"""A pull said to take longer than a day is a misreading."""
MOST_PERCENT = 1000.0
"""A bursting disk shows a few hundred percent of its provisioned limit; more is a misreading."""


def believable(value: float | None, most: float = MOST) -> float | None:
    return value if value is not None and 0.0 <= value <= most else None


def all_believable(values: Sequence[float | None], most: float) -> bool:
    """Whether every value that is there is believable, found out fast: most columns have a gap at their end."""
    known = list(filter(None, values))  # a zero is believable too
    return not known or (min(known) > 0.0 and max(known) <= most and sum(known) > 0.0)  # a NaN shows in the sum


def highest_of_each(columns: Iterable[Sequence[float | None]]) -> list[float | None]:
    """Minute by minute the highest of what was measured; empty columns do not count."""
    measured = [c for c in columns if c]
    if len(measured) < 2:
        return list(measured[0]) if measured else []
    try:
        return list(map(max, *measured))
    except TypeError:  # a gap cannot be compared
        lowest = [[-inf if v is None else v for v in c] for c in measured]
        return [None if v == -inf else v for v in map(max, *lowest)]


@cache
def most_of(metric: str) -> float:
    """The largest value to believe of a metric, by its name."""
    return MOST_PERCENT if "percentage" in metric.lower() or metric.lower().endswith("utilization") else MOST


def believable_case(case: Case) -> Case:
    """The Case with absurd limits of disk, VM and egress taken out, and pulls that cannot have been so."""
    pool = replace(case.pool, os_disk=_cleaned(case.pool.os_disk), vm=_cleaned(case.pool.vm))
    latest, earliest, longest = case.window.end + timedelta(minutes=1), case.window.start - timedelta(days=1), LONGEST_SECONDS
    pulls = tuple(p for p in case.pulls if earliest <= p.at <= latest and 0.0 <= (p.seconds or 0.0) <= longest
                  and 0.0 <= (p.waiting_seconds or 0.0) <= longest)
    models = tuple(NodeModel(m.nodes, _cleaned(m.vm), _cleaned(m.os_disk)) for m in case.models)
    return replace(case, pool=pool, pulls=pulls, egress=tuple(_cleaned(hop) for hop in case.egress), other_vms=tuple(map(_cleaned, case.other_vms)),
                   models=models)


def _cleaned[T: (OsDisk, VmLimits, EgressHop)](limits: T) -> T:
    """A limit of zero is no limit that Azure has: it is not known either."""
    absurd = {f.name: None for f in fields(limits) if isinstance(v := getattr(limits, f.name), int | float)
              and not isinstance(v, bool) and not 0 < v <= MOST}
    return replace(limits, **absurd) if absurd else limits
