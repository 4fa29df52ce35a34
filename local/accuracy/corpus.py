"""All scenarios under many seeds, in two processes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context

from local.accuracy.trial import Trial, run

PROCESSES = 2
END = datetime(2026, 11, 24, 10, tzinfo=UTC)
"""Worlds end then: the same seeds give the same worlds on any day."""


def run_all(scenarios: Sequence[str], seeds: range, processes: int = PROCESSES) -> list[Trial]:
    """All trials, by scenario and seed; each scenario's first seed is read through the real SDKs."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(run, name, seed, END, "sdk" if seed == seeds[0] else "in-process") for seed in seeds for name in scenarios]
        trials = [trial for done in _shown(as_completed(running), len(running)) for trial in done.result()]
    return sorted(trials, key=lambda t: (scenarios.index(t.scenario), t.seed, t.truth.pool))


def _shown[T](done: Iterable[T], total: int) -> Iterator[T]:
    """Progress on standard error, where somebody is watching."""
    for number, each in enumerate(done, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {total} worlds", end="\n" if number == total else "", file=sys.stderr, flush=True)
        yield each
