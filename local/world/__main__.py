"""``python -m local.world NAME [--seed N]``: what really happened in a world, for people."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from local.world.build import SCENARIOS, judge, scenario_named, usual_p95, window_minutes, window_pulls
from local.world.metrics import measure
from local.world.run import Story, run
from local.world.types import MetricSeries

SHOWN = ("OS Disk Queue Depth", "OS Disk IOPS Consumed Percentage", "VM Cached Bandwidth Consumed Percentage", "Percentage CPU")
NODES_SHOWN = 14


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m local.world", description="Shows what really happened in a simulated world.")
    parser.add_argument("name", choices=SCENARIOS, metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    story = run(scenario_named(arguments.name), arguments.seed, datetime.now(UTC))
    _print_truth(story)
    series = measure(story)
    for metric in SHOWN:
        _print_table(story, [s for s in series if s.metric == metric], metric)


def _print_truth(story: Story) -> None:
    truth, pulls = judge(story), window_pulls(story)
    failures = sum(1 for pull in pulls for attempt in pull.attempts if attempt.error)
    p95 = "unknown" if truth.p95_seconds is None else f"{truth.p95_seconds:.0f} s"
    print(f"{story.scenario.name}, seed {story.seed}: {story.scenario.description}")
    print(f"truth: {truth.cause}; {len(pulls)} pulls, {truth.slow_pulls} slow, {failures} failed attempts, "
          f"p95 {p95} (usually {usual_p95(story) or 0:.0f} s)")
    for cause, seconds in truth.lost_seconds.items():
        print(f"  {seconds:10.0f} s lost to {cause}")


def _print_table(story: Story, series: list[MetricSeries], metric: str) -> None:
    if not series:
        return
    minutes = window_minutes(story)
    print(f"\n{metric}, by node and minute from {minutes[0]:%H:%M}")
    for one in series[:NODES_SHOWN]:
        cells = [_cell(one, int((minute - one.start).total_seconds() // 60)) for minute in minutes]
        print(f"{one.dimensions['VMName'].rsplit('_', 1)[1]:>4} {''.join(cells)}")
    if len(series) > NODES_SHOWN:
        print(f"     and {len(series) - NODES_SHOWN} more nodes")


def _cell(series: MetricSeries, index: int) -> str:
    value = series.values[index] if 0 <= index < len(series.values) else None
    return "   ·" if value is None else f"{value:4.0f}"


if __name__ == "__main__":
    main()
