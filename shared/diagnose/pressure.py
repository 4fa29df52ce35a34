"""What held a node back in a minute: the shared idea of the disk, CPU and network layers."""

from typing import NamedTuple

from shared.model import Cause, Evidence, Finding, Remedy, Verdict


class Pressure(NamedTuple):
    """A limit that was used up in one minute on one node."""

    cause: Cause
    used: float
    """Part of the limit that was used: 1.0 is all of it."""


type Pressures = dict[int, Pressure]
"""Minute → what was used up in it, of one node."""


class Claim(NamedTuple):
    """Slow-pull time that one cause accounts for."""

    cause: Cause
    seconds: float
    share: float
    """Of all slow-pull time."""
    nodes: tuple[str, ...]
    minutes: int
    """Distinct minutes in which it held on any node."""
    contested: float = 0.0
    """Part of all slow-pull time, of ``share``, in which a registry's distance may have been it as well."""


def culprit_or_cleared(cause: Cause, claim: Claim | None, evidence: tuple[Evidence, ...],
                       remedies: tuple[Remedy, ...] = ()) -> Finding:
    """A finding whose verdict (culprit, contributing) the verdict stage still ranks; cleared without a claim."""
    if claim is None:
        return Finding(cause, Verdict.CLEARED, 0.9, evidence=evidence)
    return Finding(cause, Verdict.CONTRIBUTING, round(claim.share, 4), share=round(claim.share, 4), evidence=evidence, remedies=remedies)


def not_seen(cause: Cause, why: str) -> Finding:
    return Finding(cause, Verdict.UNKNOWN, 0.0, evidence=(Evidence(why),))
