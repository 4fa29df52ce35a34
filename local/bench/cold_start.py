"""(a) Importing the app against importing the platform's library alone, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from local.bench.ratio import Ratio

ROOT = Path(__file__).parents[2]
TIMES = 9
MEASURE = """
import json, resource, time
start = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def measure() -> list[Ratio]:
    """In turn, so that a busy moment of the machine meets both; the fastest of each counts."""
    runs = [(_import("azure.functions"), _import("function_app")) for _ in range(TIMES)]
    (alone_seconds, alone_kib), (app_seconds, app_kib) = (map(min, zip(*each, strict=True)) for each in zip(*runs, strict=True))
    return [
        Ratio(name="cold start, time", what="import function_app / import azure.functions", value=app_seconds / alone_seconds, at_most=1.4,
              numbers={"app ms": app_seconds * 1e3, "alone ms": alone_seconds * 1e3}),
        Ratio(name="cold start, memory", what="import function_app / import azure.functions", value=app_kib / alone_kib,
              numbers={"app MB": app_kib / 1e3, "alone MB": alone_kib / 1e3}),
    ]


def _import(module: str) -> tuple[float, float]:
    """(seconds, KiB) of a new process that imports it."""
    answer = subprocess.run([sys.executable, "-c", MEASURE.format(module=module)], cwd=ROOT, capture_output=True, check=True)
    seconds, kib = json.loads(answer.stdout)
    return seconds, kib
