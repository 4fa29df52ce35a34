"""``make accuracy``: every scenario under fresh seeds, and how often the product is right.

Standard output carries the figures, standard error the progress.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from local.accuracy.corpus import run_all
from local.accuracy.report import render
from local.world import SCENARIOS


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    scenarios = options.scenarios.split(",") if options.scenarios else list(SCENARIOS)
    unknown = [name for name in scenarios if name not in SCENARIOS]
    if unknown:
        print(f"There is no scenario {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    first = int(time.time()) if options.first_seed is None else options.first_seed
    began = time.monotonic()
    trials = run_all(scenarios, range(first, first + options.seeds))
    print(f"{len(scenarios)} scenarios × {options.seeds} seeds from {first} on, {time.monotonic() - began:.0f} s "
          f"(the same again: --first-seed {first} --seeds {options.seeds})\n")
    print(render(trials))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(trials)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="accuracy", description="How often the diagnosis is right.")
    parser.add_argument("--seeds", type=_positive, default=4, help="worlds of each scenario; the first is read through the real SDKs")
    parser.add_argument("--first-seed", type=int, help="default: from the clock, so that no seed was seen before")
    parser.add_argument("--scenarios", help="comma-separated; default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every trial")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
