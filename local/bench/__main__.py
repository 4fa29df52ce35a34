"""All benches, or those named: a table on standard output, the same as JSON in ``out/bench.json``.

Ends with 1 if a ratio is beyond its bound. ``BENCH_CUSTODIAN=1`` also measures Cloud Custodian, which it first installs
(700 MB) into ``out/custodian``.
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import msgspec

from local.bench.ratio import Ratio, table

BENCHES = ("cold_start", "screening", "chain", "diagnosis", "reading", "delivery")
OUT = Path(__file__).parents[2] / "out" / "bench.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"{', '.join(BENCHES)}, custodian; none: all but the last")
    named = parser.parse_args(arguments).bench
    asked = named or [*BENCHES, *(["custodian"] if os.environ.get("BENCH_CUSTODIAN") else [])]
    ratios: list[Ratio] = []
    for name in asked:
        measured = _bench(name)()
        print(table(measured), flush=True)
        ratios += measured
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(ratios)))
    print(f"\nAs JSON: {OUT}")
    return 0 if all(one.holds for one in ratios) else 1


def _bench(name: str) -> Callable[[], list[Ratio]]:
    if name not in (*BENCHES, "custodian"):
        raise SystemExit(f"There is no bench {name!r}; there are: {', '.join(BENCHES)}, custodian.")
    measure: Callable[[], list[Ratio]] = import_module(f"local.bench.{name}").measure
    return measure


if __name__ == "__main__":
    sys.exit(main())
