"""(a) Importing the app against importing the platform's library alone, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from local.bench.ratio import Ratio

ROOT = Path(__file__).parents[2]
TIMES = 15
MEASURE = """
import time
start = time.perf_counter()
import {module}
seconds = time.perf_counter() - start
import json
from local.bench.memory import peak_megabytes
print(json.dumps([seconds, peak_megabytes()]))
"""


def measure() -> list[Ratio]:
    """In turn, so that a busy moment of the machine meets both; the fastest of each counts."""
    runs = [(_import("azure.functions"), _import("function_app")) for _ in range(TIMES)]
    alone, app = ([min(values) for values in zip(*each, strict=True)] for each in zip(*runs, strict=True))
    what = "import function_app / import azure.functions"
    return [
        Ratio(name="cold start, time", what=what, value=app[0] / alone[0], at_most=1.4, numbers={"app ms": app[0] * 1e3, "alone ms": alone[0] * 1e3}),
        Ratio(name="cold start, memory", what=what, value=app[1] / alone[1], numbers={"app MB": app[1], "alone MB": alone[1]}),
    ]


def _import(module: str) -> tuple[float, float]:
    """(seconds, peak MB) of a new process that imports it."""
    answer = subprocess.run([sys.executable, "-c", MEASURE.format(module=module)], cwd=ROOT, capture_output=True, check=True)
    seconds, megabytes = json.loads(answer.stdout)
    return seconds, megabytes
