"""What can be made to go wrong, and what was asked: per kind of endpoint."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

KINDS = (
    "token",
    "graph",
    "logs",
    "metrics_batch",
    "metrics_arm",
    "skus",
    "scale_sets",
    "disks",
    "registries",
    "subscriptions",
    "resources",
)
LONGEST_HANG_SECONDS = 600


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to misbehave. Latency adds up with any of the others."""

    latency_seconds: Annotated[float, Meta(ge=0)] = 0
    status: Literal[403, 429, 500, 502, 503, 504, 529] | None = None
    retry_after_seconds: float | None = None
    hang: bool = False
    """The connection stays open and silent until the faults are cleared, then it is closed."""
    truncate: bool = False
    """The connection closes half way through the body."""
    reset: bool = False
    """The connection is reset instead of an answer."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """For the next so many requests; None: until cleared."""
    share: Annotated[float, Meta(gt=0, le=1)] = 1
    """Part of the requests that meet the fault, evenly spread: 0.5 is every second one."""


class _Armed:
    """A fault in force, with what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self._due = 0.0

    def strikes(self) -> bool:
        if self.left == 0:
            return False
        self._due += self.fault.share
        if self._due < 1 - 1e-9:
            return False
        self._due -= 1
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """Switches faults on and off; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: dict[str, list[_Armed]] = {kind: [] for kind in KINDS}
        self._released = threading.Event()

    def add(self, kind: str, fault: Fault) -> None:
        """Lets ``fault`` strike requests of ``kind`` (``all``: of every kind), besides those already in force."""
        with self._lock:
            for each in _kinds(kind):
                self._armed[each].append(_Armed(fault))

    def clear(self, kind: str = "all") -> None:
        """Ends the faults of a kind; all hanging requests end with them."""
        with self._lock:
            for each in _kinds(kind):
                self._armed[each].clear()
            self._released.set()
            self._released = threading.Event()

    def strike(self, kind: str) -> list[Fault]:
        """The faults that the next request of this kind meets."""
        with self._lock:
            return [armed.fault for armed in self._armed[kind] if armed.strikes()]

    def hang(self) -> None:
        self._released.wait(LONGEST_HANG_SECONDS)


class Counts:
    """Requests per kind: how many, how they were answered, and how many at once at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.requests: Counter[str] = Counter()
            self.statuses: dict[str, Counter[int]] = {}
            self.peak: Counter[str] = Counter()

    def __getitem__(self, kind: str) -> int:
        return self.requests[kind]

    @property
    def total(self) -> int:
        return self.requests.total()

    @contextmanager
    def under_way(self, kind: str) -> Iterator[None]:
        with self._lock:
            self.requests[kind] += 1
            self._under_way[kind] += 1
            self.peak[kind] = max(self.peak[kind], self._under_way[kind])
            self.peak["all"] = max(self.peak["all"], self._under_way.total())
        try:
            yield
        finally:
            with self._lock:
                self._under_way[kind] -= 1

    def answered(self, kind: str, status: int) -> None:
        with self._lock:
            self.statuses.setdefault(kind, Counter())[status] += 1

    def snapshot(self) -> dict[str, Any]:
        """``{kind: {"requests": n, "peak": n, "statuses": {"200": n}}}``, and the peak over ``all``."""
        with self._lock:
            kinds: dict[str, Any] = {
                kind: {
                    "requests": n,
                    "peak": self.peak[kind],
                    "statuses": {str(status): m for status, m in self.statuses.get(kind, {}).items()},
                }
                for kind, n in self.requests.items()
            }
            return kinds | {"all": {"requests": self.requests.total(), "peak": self.peak["all"]}}


def _kinds(kind: str) -> tuple[str, ...]:
    if kind == "all":
        return KINDS
    if kind not in KINDS:
        raise ValueError(f"There is no kind of endpoint {kind!r}; use one of {', '.join(KINDS)} or all.")
    return (kind,)
