"""Many requests to many regions at once: a region that throttles rests as long as it asks to, the others go on."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import NamedTuple, Protocol

from shared.errors import PullwatchError, Throttled, Transient

AT_ONCE = 8
"""Requests under way: the limit of the metrics interface is not published, so we stay modest."""
MOST_TRIES = 3
"""Of a request that fails by a fault of the server; one that is throttled is tried as long as there is time."""
SHORTEST_REST_SECONDS = 1.0


class Regional(Protocol):
    """A request that knows its region."""

    @property
    def location(self) -> str: ...


class Outcome[R: Regional, T](NamedTuple):
    request: R
    answer: T | None
    error: PullwatchError | None = None


class RegionalRequests[R: Regional, T]:
    """Sends requests by ``ask`` and gives their outcomes as they come; ends within the budget, whatever happens."""

    def __init__(self, ask: Callable[[R], T], requests: Iterable[R], budget_seconds: float,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._waiting = deque((request, 1) for request in requests)
        self._monotonic = monotonic
        self._budget_seconds = budget_seconds
        self._deadline = monotonic() + budget_seconds
        self._rests: dict[str, float] = {}
        """Region → when it may be asked again."""
        self._running: dict[Future[T], tuple[R, int]] = {}

    def __iter__(self) -> Iterator[Outcome[R, T]]:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="regions") as executor:
            while self._waiting or self._running:
                if self._monotonic() >= self._deadline:
                    yield from self._give_up()
                self._start(executor)
                yield from self._finished()

    def _start(self, executor: ThreadPoolExecutor) -> None:
        """Starts what may start: each waiting request is looked at once."""
        now = self._monotonic()
        for _ in range(len(self._waiting)):
            if len(self._running) >= AT_ONCE:
                return
            request, tries = self._waiting.popleft()
            if self._rests.get(request.location, now) > now:
                self._waiting.append((request, tries))
            else:
                self._running[executor.submit(copy_context().run, self._ask, request)] = (request, tries)

    def _finished(self) -> Iterator[Outcome[R, T]]:
        if not self._running:
            time.sleep(max(0.0, self._next_event() - self._monotonic()))
            return
        patience = self._next_event() - self._monotonic() if self._waiting and len(self._running) < AT_ONCE else None
        done, _ = wait(self._running, timeout=None if patience is None else max(0.0, patience), return_when=FIRST_COMPLETED)
        for future in done:
            request, tries = self._running.pop(future)
            error = future.exception()
            if error is None:
                yield Outcome(request, future.result())
            elif not isinstance(error, PullwatchError):
                raise error
            elif not self._again(request, tries, error):
                yield Outcome(request, None, error)

    def _again(self, request: R, tries: int, error: PullwatchError) -> bool:
        """Whether the request waits for another try."""
        if isinstance(error, Throttled):
            rest = max(SHORTEST_REST_SECONDS, error.retry_after_seconds)
            self._rests[request.location] = max(self._rests.get(request.location, 0.0), self._monotonic() + rest)
            self._waiting.append((request, tries))
            return True
        if isinstance(error, Transient) and tries < MOST_TRIES:
            self._waiting.append((request, tries + 1))
            return True
        return False

    def _next_event(self) -> float:
        """When the first resting region may be asked again, or time is up."""
        resting = [self._rests.get(request.location, 0.0) for request, _ in self._waiting]
        return min([*resting, self._deadline])

    def _give_up(self) -> Iterator[Outcome[R, T]]:
        while self._waiting:
            request, _ = self._waiting.popleft()
            yield Outcome(request, None, Transient(f"It was not reached within the {self._budget_seconds:.0f} s that are given to it."))
