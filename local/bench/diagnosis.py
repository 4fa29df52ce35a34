"""(d) Diagnosing Cases of an hour and of 10, 100 and 1,000 nodes against decoding them, each in a process of its own.

``python -m local.bench.diagnosis FILE`` prints what one Case takes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from msgspec.structs import replace

from local.azure import LocalAzure
from local.bench.memory import peak_megabytes
from local.bench.ratio import Ratio
from local.world import build
from shared.collect.azure import Azure, credential
from shared.collect.case import Question, collect_case
from shared.collect.fleet import read_fleet
from shared.diagnose import diagnose
from shared.model import Case, Thresholds, Window, decode, encode
from shared.settings import load

SIZES = (10, 100, 1000)
TIMES = 5
MOST_MEGABYTES = 300
HOUR = timedelta(hours=1)


def measure() -> list[Ratio]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        model = _collected()
        found = {}
        for nodes in SIZES:
            file = Path(folder, f"{nodes}.json")
            file.write_bytes(encode(of_size(model, nodes)))
            answer = subprocess.run([sys.executable, "-m", "local.bench.diagnosis", str(file)], capture_output=True, check=True)
            found[nodes] = json.loads(answer.stdout)
    small, large = found[SIZES[-2]], found[SIZES[-1]]
    ratios = [Ratio(name=f"diagnosis, {nodes} nodes", what="diagnose / decode", value=one["diagnose s"] / one["decode s"],
                    at_most=3 if nodes == SIZES[-1] else None, numbers=one) for nodes, one in found.items()]
    growth = large["diagnose s"] / small["diagnose s"] / (SIZES[-1] / SIZES[-2])
    return [
        *ratios,
        Ratio(name="diagnosis, growth", what="time per node at 1,000 / at 100: linear is 1", value=growth, at_most=1.5),
        Ratio(name="diagnosis, memory", what=f"peak at 1,000 nodes / {MOST_MEGABYTES} MB", value=large["peak MB"] / MOST_MEGABYTES, at_most=1),
    ]


def _collected() -> Case:
    """A Case of ten nodes and an hour, as it is collected from the local Azure."""
    now = datetime.now(UTC)
    world = build("disk-iops", 0, now)
    with LocalAzure(world, clock=lambda: now, metrics_lag_seconds=0) as local, mock.patch.dict(os.environ, local.environ):
        settings = load(local.environ)
        azure = Azure(settings, credential(settings))
        truth = world.truths[0]
        question = Question(truth.cluster_id, truth.pool, Window(world.window_end - HOUR, world.window_end), 6, now)
        return collect_case(azure, read_fleet(azure), question)


def of_size(case: Case, nodes: int) -> Case:
    """The Case with its nodes, their series and their pulls repeated under new names until there are so many."""
    names = sorted({series.node for series in case.series if series.node})
    copies = -(-nodes // len(names))
    kept = {f"{name}-{copy}" for copy in range(copies) for name in names[: nodes - copy * len(names)]}
    series = [replace(s, node=f"{s.node}-{copy}") for copy in range(copies) for s in case.series if f"{s.node}-{copy}" in kept]
    pulls = [replace(p, node=f"{p.node}-{copy}", pod=f"{p.pod}-{copy}") for copy in range(copies) for p in case.pulls if f"{p.node}-{copy}" in kept]
    return replace(case, pool=replace(case.pool, node_count=nodes), series=tuple(series), pulls=tuple(pulls))


def _fastest(act: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main(path: str) -> None:
    data = Path(path).read_bytes()
    case = decode(data, Case)
    numbers = {
        "decode s": _fastest(lambda: decode(data, Case)), "diagnose s": _fastest(lambda: diagnose(case, Thresholds())),
        "JSON MB": len(data) / 1e6, "peak MB": peak_megabytes(),
    }
    print(json.dumps(numbers))


if __name__ == "__main__":
    main(sys.argv[1])
