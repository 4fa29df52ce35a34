"""Writes ``docs/cost-and-scale.md`` from the code's own constants and from counted requests: ``python -m local.bench.cost_page``."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from local.azure.quotas import ARM_READS, QUOTAS
from local.bench.counted import QUIET, SLOW, assessment_and_message
from local.host import ncrontab
from shared.collect.fleet_cache import FRESH, KEPT, SHARED
from shared.collect.regions import AT_ONCE
from shared.collect.screening import BATCH, METRICS, NODES_A_CALL
from shared.flow.sweep import MOST_ASSESSMENTS, MOST_CHANGES, MOST_FIRST_SIGHTS, SPACING_SECONDS
from shared.flow.wake import ONCE_IN
from shared.settings import Settings
from shared.watch.outbox import PACE

PAGE = Path(__file__).parents[2] / "docs" / "cost-and-scale.md"
DEFAULTS = Settings()
GRAPH_PAGE = 1000
TABLE_PAGE = 1000
MINUTES_A_DAY = 24 * 60
AZURE_KINDS = {"graph": "Resource Graph", "metrics_batch": "metrics batch", "logs": "Log Analytics", "scale_sets": "ARM: scale set"}


class Fleet(NamedTuple):
    """A fleet to reckon with, and what happens in it."""

    pools: int
    subscriptions: int
    regions: int
    pools_a_cluster: int = 4
    nodes_a_pool: int = 10
    suspects: float = 0.01
    """Part of the pools that a screening finds at a limit."""
    upgrades_a_month: float = 1.0
    """Of each pool."""
    upgrade_minutes: float = 30.0
    slow_upgrades: float = 0.2
    """Part of them that somebody is told about twice: when it is slow, and summed up."""


FLEETS = (Fleet(10, 1, 1), Fleet(1000, 4, 3), Fleet(10_000, 40, 12))


class Day(NamedTuple):
    """What a fleet costs in a day."""

    screenings: int
    graph: float
    batches: float
    assessments: float
    messages: float
    logs: float
    arm: float
    executions: float
    storage: float


def day_of(fleet: Fleet, quiet: Counter[str], slow: Counter[str]) -> Day:
    screenings = runs_a_day(DEFAULTS.sweep_schedule)
    tidies = runs_a_day(DEFAULTS.tidy_schedule)
    upgrades = fleet.pools * fleet.upgrades_a_month / 30
    watched = upgrades * (fleet.upgrade_minutes * 60 / DEFAULTS.watch_interval_seconds + 1)
    suspects = min(math.ceil(fleet.pools * fleet.suspects), MOST_ASSESSMENTS) * screenings
    assessments, messages = suspects + watched, upgrades * (1 + fleet.slow_upgrades)
    message = slow - quiet
    listings = math.ceil(fleet.pools / TABLE_PAGE)
    storage = (
        screenings * (2 + listings) + suspects * 3  # the fleet's blob, the states; a row read and written, and a message, a suspect
        + tidies * (4 + 3 * listings) + upgrades * 2 * 3
        + assessments * _storage(quiet) + messages * _storage(message)
    )
    return Day(
        screenings=screenings, graph=screenings * discovery_pages(fleet) + assessments * quiet["graph"],
        batches=screenings * batches(fleet) + assessments * quiet["metrics_batch"], assessments=assessments, messages=messages,
        logs=assessments * quiet["logs"], arm=assessments * quiet["scale_sets"],
        executions=screenings + tidies + upgrades * 2 + assessments + messages * message["messages"], storage=storage,
    )


def _storage(counted: Counter[str]) -> int:
    """Operations; a queue message is sent, taken and deleted."""
    return counted["table"] + counted["blob"] + 3 * counted["messages"]


def runs_a_day(schedule: str) -> int:
    """Of a schedule that is the same every day."""
    parsed = ncrontab.parse(schedule)
    return len(parsed.seconds) * len(parsed.minutes) * len(parsed.hours)


def discovery_pages(fleet: Fleet) -> int:
    """Pages of clusters, of their ways out and of scale sets, one of single machines, one of registries."""
    clusters = math.ceil(fleet.pools / fleet.pools_a_cluster / GRAPH_PAGE)
    return math.ceil(fleet.pools / GRAPH_PAGE) + 2 * clusters + 2


def batches(fleet: Fleet) -> int:
    """Spread evenly over the regions of its subscriptions."""
    places = min(fleet.subscriptions * fleet.regions, fleet.pools)
    a_call = min(BATCH, NODES_A_CALL // fleet.nodes_a_pool)
    return places * math.ceil(fleet.pools / places / a_call)


# --- the page ---


def page() -> str:
    quiet, slow = assessment_and_message(QUIET), assessment_and_message(SLOW)
    days = [day_of(fleet, quiet, slow) for fleet in FLEETS]
    return "\n".join([*_intro(), *_per_step(quiet, slow), *_per_day(days), *_limits(quiet), *_kept()]) + "\n"


def _intro() -> list[str]:
    return [
        "# Cost and scale", "",
        "Written by `python -m local.bench.cost_page` from the code's own constants and from requests counted on the local Azure;",
        "a test keeps page and code in step. Prices differ by region and contract: multiply by yours. Resource Manager, Resource",
        "Graph and the scale set's platform metrics are read within quotas; Log Analytics bills stored data, not these queries.", "",
    ]


def _per_step(quiet: Counter[str], slow: Counter[str]) -> list[str]:
    message = slow - quiet
    rows = [(name, quiet[kind]) for kind, name in AZURE_KINDS.items()]
    return [
        "## One step", "",
        *_table(("step", "requests to Azure", "storage operations"), [
            ("screening", f"discovery pages, and a batch for each {BATCH} pools of a region in a subscription", "2 for the fleet, 1 for each "
             f"{TABLE_PAGE:,} pools, 3 for each suspect"),
            ("assessment", ", ".join(f"{n} {name}" for name, n in rows if n), f"{_storage(quiet)}"),
            ("message to one chat", "none", f"{_storage(message)} in {message['messages']} executions"),
        ]), "",
        f"A screening looks at {len(METRICS)} metrics of every node for {DEFAULTS.screen_minutes:g} minutes. VM sizes and disk tiers (Compute SKUs)",
        "are read once for each region by each process and kept. Nothing is read node by node. A pool of single machines costs one",
        f"Resource Graph query instead of its scale set, and a metrics batch for each {BATCH} of them; denied pulls one more query.", "",
    ]


def _per_day(days: Sequence[Day]) -> list[str]:
    first = FLEETS[0]
    names = [f"{fleet.pools:,} pools" for fleet in FLEETS]
    places = [f"{fleet.subscriptions} × {fleet.regions}" for fleet in FLEETS]
    labels = {
        "screenings": "screenings", "graph": "Resource Graph queries", "batches": "metrics batch requests", "logs": "Log Analytics queries",
        "arm": "Resource Manager reads", "assessments": "assessments", "messages": "messages to a chat", "executions": "function executions",
        "storage": "storage operations",
    }
    return [
        "## A day", "",
        f"With {first.pools_a_cluster} pools a cluster and {first.nodes_a_pool} nodes a pool, {first.suspects:.0%} of the pools at a limit in each screening, each pool",
        f"upgraded once a month for {first.upgrade_minutes:g} minutes, a fifth of the upgrades slow, all settings at their defaults.", "",
        *_table(("", *names), [
            ("subscriptions × regions", *places),
            *((label, *(f"{getattr(day, field):,.0f}" for day in days)) for field, label in labels.items()),
            ("executions a pool", *(f"{day.executions / fleet.pools:,.1f}" for day, fleet in zip(days, FLEETS, strict=True))),
            ("storage operations a pool", *(f"{day.storage / fleet.pools:,.1f}" for day, fleet in zip(days, FLEETS, strict=True))),
        ]), "",
        "The screening of a small fleet is dear per pool and cheap in all: it is what a timer costs.", "",
    ]


def _limits(quiet: Counter[str]) -> list[str]:
    large = FLEETS[-1]
    rate = 1 / SPACING_SECONDS
    graph, logs = QUOTAS["graph"], QUOTAS["logs"]
    return [
        "## Where limits bind", "",
        *_table(("limit", "Azure allows", "we use at most"), [
            ("Resource Manager reads, a subscription and region", f"{ARM_READS.size:g} at once, {ARM_READS.refill_per_second:g}/s",
             f"{quiet['scale_sets'] * rate:g}/s while suspects are assessed; up to {MOST_CHANGES} for changed sizes in a screening"),
            ("Resource Graph queries, one identity", f"{graph.size:g} in 5 s",
             f"{discovery_pages(large)} in a row for {large.pools:,} pools; {quiet['graph'] * rate:g}/s while suspects are assessed. At none left we wait"),
            ("metrics batch", "not published; 429 and 529 when it is too much", f"{AT_ONCE} at once, {batches(large):,} for {large.pools:,} pools; a throttled region rests alone"),
            ("Log Analytics queries, one identity", f"{logs.size:g} in 30 s", f"{quiet['logs'] * rate * 30:g} in 30 s while suspects are assessed"),
            ("assessments that screenings ask for", "", f"one each {SPACING_SECONDS:g} s, {MOST_ASSESSMENTS} a screening, longest not assessed first"),
            ("assessments of one pool", "", f"one in {ONCE_IN.total_seconds():g} s, however many events and people ask; an operation every {DEFAULTS.watch_interval_seconds:g} s"),
            ("a storage queue", "about 2,000 messages/s", f"{MOST_ASSESSMENTS} messages of a screening, shown one by one"),
            ("a table partition", "about 2,000 rows/s", "a partition is a cluster: a handful of rows for each of its pools"),
            ("a Slack webhook", "about 1 message/s", f"one in {PACE.total_seconds():g} s; a cluster's changes within {DEFAULTS.group_wait_seconds:g} s are one message"),
            ("the time of a screening", "function timeout", f"{DEFAULTS.azure_budget_seconds:g} s for the metrics; what is not reached is listed as not seen"),
        ]), "",
        f"A fleet with more than {MOST_ASSESSMENTS} suspects at once is assessed in turns. A new fleet's sizes are written down {MOST_FIRST_SIGHTS} pools a screening;",
        "until then a scale-out of a pool is noticed by its metrics, not by its growth.", "",
    ]


def _kept() -> list[str]:
    return [
        "## How long the fleet is kept", "",
        f"A process uses the fleet it holds for {_minutes(KEPT)} minutes, then looks whether the shared one (blob `fleet.json`) is newer. The shared one is",
        f"renewed by every screening and good for {_minutes(SHARED)} minutes. What is missing in it is looked up in Azure at once, but not oftener than every",
        f"{FRESH.total_seconds():g} s: a storm of events about something unknown does not become a storm of queries.",
    ]


def _minutes(span: object) -> str:
    return f"{span.total_seconds() / 60:g}"  # type: ignore[attr-defined]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


if __name__ == "__main__":
    PAGE.write_text(page())
