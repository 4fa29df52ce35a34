"""Pull events → waits: how long each container waited for its image, and in which state it was.

    first attempt ── back-off ── queue in the kubelet ── pull ──► image there

A wait that had failed attempts before its success is one wait, from the first attempt on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from shared.model import Case, Pull, Thresholds

BROKEN = ("not_found", "denied")
"""Failures that waiting does not cure: the image or the right to it is missing. Not slowness."""


class Wait(NamedTuple):
    image: str
    node: str
    start: datetime
    end: datetime
    pull_start: datetime
    queue_start: datetime
    done: bool
    reasons: tuple[str, ...]
    """Why attempts failed, one entry each."""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def queued_seconds(self) -> float:
        return (self.pull_start - self.queue_start).total_seconds()


def waits(case: Case) -> list[Wait]:
    """One entry a container and image; those still failing when the window ends last until then."""
    groups: dict[tuple[str, str, str], list[Pull]] = defaultdict(list)
    lone = count()
    for pull in sorted(case.pulls, key=lambda p: (p.at, p.image, p.node, p.pod)):
        groups[pull.node, pull.pod or f"#{next(lone)}", pull.image].append(pull)
    return [wait for pulls in groups.values() for wait in _waits_of_one(pulls, case.window.end)]


def _waits_of_one(pulls: list[Pull], window_end: datetime) -> Iterator[Wait]:
    failures: list[Pull] = []
    for pull in pulls:
        if pull.outcome == "failed":
            failures.append(pull)
        else:
            yield _wait(failures, pull, pull.at)
            failures = []
    if failures:
        yield _wait(failures, None, window_end)


def _wait(failures: list[Pull], success: Pull | None, end: datetime) -> Wait:
    pull_start = end - timedelta(seconds=success.seconds or 0.0) if success else end
    queue_start = pull_start - timedelta(seconds=(success.waiting_seconds or 0.0) if success else 0.0)
    starts = [f.first_at or f.at for f in failures]
    reasons = tuple(f.reason or "other" for f in failures for _ in range(f.count))
    return Wait(
        image=(success or failures[0]).image, node=(success or failures[0]).node, start=min([*starts, queue_start]),
        end=end, pull_start=pull_start, queue_start=queue_start, done=success is not None, reasons=reasons,
    )


def slow_waits(all_waits: Iterable[Wait], usual_p95_seconds: float | None, limits: Thresholds) -> list[Wait]:
    """Those from ``slow_pull_seconds`` on, or far above what is usual here; not those that cannot succeed."""
    bound = slow_bound_seconds(usual_p95_seconds, limits)
    return [w for w in all_waits if w.seconds >= bound and not _hopeless(w)]


def slow_bound_seconds(usual_p95_seconds: float | None, limits: Thresholds) -> float:
    if usual_p95_seconds is None:
        return limits.slow_pull_seconds
    relative = max(limits.slow_floor_seconds, limits.slow_factor * usual_p95_seconds)
    return min(limits.slow_pull_seconds, relative)


def _hopeless(wait: Wait) -> bool:
    return not wait.done and bool(wait.reasons) and all(r in BROKEN for r in wait.reasons)
