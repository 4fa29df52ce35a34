"""Pull events → waits: how long each container waited for its image, and in which state it was.

    first attempt ── back-off ── queue in the kubelet ── pull ──► image there

A wait that had failed attempts before its success is one wait, from the first attempt on. Times are
seconds from the Case's first minute on: tens of thousands of waits are handled at once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.model import Case, Pull, Thresholds
from shared.ranks import nearest_rank

BROKEN = ("not_found", "denied")
"""Failures that waiting does not cure: the image or the right to it is missing. Not slowness."""


class Wait(NamedTuple):
    image: str
    node: str
    start: float
    queue_start: float
    pull_start: float
    end: float
    done: bool
    reasons: tuple[str, ...] = ()
    """Why attempts failed, one entry each."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def main_reason(self) -> str:
        """Why most of its attempts failed; empty if none did."""
        reasons = Counter(self.reasons)
        return max(reasons, key=lambda r: (reasons[r], r), default="")

    @property
    def queued_seconds(self) -> float:
        return self.pull_start - self.queue_start


def waits(case: Case, zero: datetime) -> list[Wait]:
    """One entry a container and image; those still failing when the window ends last until then."""
    key = _pod_key if any(p.estimated for p in case.pulls) else _key
    troubled = {key(p) for p in case.pulls if p.outcome == "failed"}
    groups: dict[tuple[str, str, str], list[Pull]] = defaultdict(list)
    found = []
    for pull in case.pulls:
        if troubled and key(pull) in troubled:
            groups[key(pull)].append(pull)
        else:
            end = (pull.at - zero).total_seconds()
            pull_start = end - (pull.seconds or 0.0)
            queue_start = pull_start - (pull.waiting_seconds or 0.0)
            found.append(Wait(pull.image, pull.node, queue_start, queue_start, pull_start, end, True))
    window_end = (case.window.end - zero).total_seconds()
    for pulls in groups.values():
        found += _waits_of_one(sorted(pulls, key=lambda p: (p.at, p.outcome, p.count)), window_end, zero)
    return found


def _key(pull: Pull) -> tuple[str, str, str]:
    return pull.node, pull.pod, pull.image


def _pod_key(pull: Pull) -> tuple[str, str, str]:
    """An estimated pull names no image: the pod alone ties it to the failures before it."""
    return pull.node, pull.pod, ""


def _waits_of_one(pulls: list[Pull], window_end: float, zero: datetime) -> Iterator[Wait]:
    failures: list[Pull] = []
    for pull in pulls:
        if pull.outcome == "failed":
            failures.append(pull)
        else:
            yield _wait(failures, pull, (pull.at - zero).total_seconds(), zero)
            failures = []
    if failures:
        yield _wait(failures, None, window_end, zero)


def _wait(failures: list[Pull], success: Pull | None, end: float, zero: datetime) -> Wait:
    pull_start = end - ((success.seconds or 0.0) if success else 0.0)
    queue_start = pull_start - ((success.waiting_seconds or 0.0) if success else 0.0)
    about = failures[0] if failures or success is None else success
    if not failures:
        return Wait(about.image, about.node, queue_start, queue_start, pull_start, end, True)
    first = min(((f.first_at or f.at) - zero).total_seconds() for f in failures)
    if success and success.estimated:
        first, queue_start, pull_start = min(first, pull_start), end, end  # the estimate holds the back-off already
    reasons = tuple(f.reason or "other" for f in failures for _ in range(min(f.count, 1000)))
    return Wait(about.image, about.node, min(first, queue_start), queue_start, pull_start, max(end, first), success is not None, reasons)


def slow_waits(all_waits: Iterable[Wait], usual_p95_seconds: float | None, limits: Thresholds) -> list[Wait]:
    """Those from ``slow_pull_seconds`` on, or far above what is usual here; not those that cannot succeed."""
    bound = slow_bound_seconds(usual_p95_seconds, limits)
    return [w for w in all_waits if w.end - w.start >= bound and not _hopeless(w)]


def slow_bound_seconds(usual_p95_seconds: float | None, limits: Thresholds) -> float:
    if usual_p95_seconds is None:
        return limits.slow_pull_seconds
    relative = max(limits.slow_floor_seconds, limits.slow_factor * usual_p95_seconds)
    return min(limits.slow_pull_seconds, relative)


def _hopeless(wait: Wait) -> bool:
    return not wait.done and bool(wait.reasons) and all(r in BROKEN for r in wait.reasons)


def percentile_seconds(ordered: Sequence[float], percent: int) -> float | None:
    """Of waits in order; to a tenth, which is all that anybody reads."""
    found = nearest_rank(ordered, percent)
    return None if found is None else round(found, 1)
