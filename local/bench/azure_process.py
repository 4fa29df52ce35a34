"""The local Azure in a process of its own, so that it does not share a Python with what is measured.

``python -m local.bench.azure_process`` reads what to serve as a line of JSON, prints its environment as another, and
serves until its standard input ends.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import requests

from local.azure import LocalAzure
from local.bench.worlds import Shape, fleet_world
from local.world import build
from local.world.types import World


class Remote:
    """The other process's Azure: what to set to reach it, and its controls."""

    def __init__(self, environ: dict[str, str], end: datetime) -> None:
        self.environ = environ
        self.end = end
        """The moment at which its world ends."""
        self._control = environ["LOCAL_AZURE_CONTROL"]

    def slow_down(self, seconds: float) -> None:
        """Every request takes so much longer from now on."""
        requests.post(f"{self._control}faults", json={"latency_seconds": seconds}, timeout=10).raise_for_status()

    def reset_counts(self) -> None:
        requests.delete(f"{self._control}counts", timeout=10).raise_for_status()

    def counts(self) -> dict[str, int]:
        """Requests by kind."""
        answer: dict[str, Any] = requests.get(f"{self._control}counts", timeout=10).json()
        return {kind: found["requests"] for kind, found in answer.items()}


@contextmanager
def azure_process(what: Shape | str) -> Iterator[Remote]:
    """Serves a fleet, or a scenario by its name; this process's environment points there meanwhile."""
    end = datetime.now(UTC).replace(microsecond=0)
    order = {"end": end.isoformat(), "scenario": what} if isinstance(what, str) else {"end": end.isoformat(), "shape": what._asdict()}
    with subprocess.Popen([sys.executable, "-m", "local.bench.azure_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        remote = Remote(json.loads(process.stdout.readline()), end)
        try:
            with mock.patch.dict(os.environ, remote.environ):
                yield remote
        finally:
            process.stdin.close()


def _world(order: dict[str, Any], end: datetime) -> World:
    if "scenario" in order:
        return build(order["scenario"], 0, end)
    return fleet_world(Shape(**order["shape"]), end)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    end = datetime.fromisoformat(order["end"])
    with LocalAzure(_world(order, end), clock=lambda: end, metrics_lag_seconds=0) as azure:
        print(json.dumps(azure.environ), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
