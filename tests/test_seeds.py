"""Every scenario under twenty seeds: what the product says against what the physical model knows.

The evidence is read through the official SDKs over TLS, as in Azure.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from unittest import mock

import pytest

from local.azure import Fault, LocalAzure
from local.world import build
from local.world.types import World
from shared.collect.azure import Azure, credential
from shared.collect.case import Question, collect_case
from shared.collect.fleet import read_fleet
from shared.diagnose import diagnose
from shared.model import Case, Diagnosis, Window, decode, encode
from shared.settings import load

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SEEDS = range(20)
PLAYED = ("healthy-upgrade", "disk-iops", "disk-bandwidth", "acr-throttled", "busy-disk")
"""The main cases; `make accuracy` plays the whole corpus."""
HISTORY_HOURS = 6


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure(build("busy-disk", 0, NOW), clock=lambda: NOW, metrics_lag_seconds=0) as running, mock.patch.dict("os.environ", running.environ):
        yield running


def ask(azure: LocalAzure, world: World) -> Case:
    azure.serve(world)
    settings = load(azure.environ)
    client = Azure(settings, credential(settings))
    truth = world.truths[0]
    question = Question(truth.cluster_id, truth.pool, Window(world.window_start, world.window_end), HISTORY_HOURS, NOW)
    return collect_case(client, read_fleet(client), question)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", PLAYED)
def test_the_cause_named_is_the_true_one(azure: LocalAzure, scenario: str, seed: int) -> None:
    world = build(scenario, seed, NOW)
    case = ask(azure, world)
    diagnosis = diagnose(case, load({}).thresholds)
    assert diagnosis.cause == world.truths[0].cause, diagnosis.headline
    assert [c.source for c in case.coverage if c.status in ("failed", "partial")] == []


def test_a_collected_case_survives_json_and_gives_the_same_diagnosis(azure: LocalAzure) -> None:
    case = ask(azure, build("disk-iops", 3, NOW))
    diagnosis = diagnose(case, load({}).thresholds)
    again = decode(encode(case), Case)
    assert again == case
    assert encode(diagnose(again, load({}).thresholds)) == encode(diagnosis)
    assert decode(encode(diagnosis), Diagnosis) == diagnosis


def test_a_whole_case_costs_a_handful_of_requests(azure: LocalAzure) -> None:
    azure.counts.reset()
    ask(azure, build("disk-iops", 0, NOW))
    counts = {kind: azure.counts[kind] for kind in ("graph", "metrics_batch", "logs", "scale_sets")}
    assert counts == {"graph": 5, "metrics_batch": 4, "logs": 3, "scale_sets": 1}


def test_no_metric_of_a_case_waits_for_another(azure: LocalAzure) -> None:
    """Those of the nodes, what is usual of them, and both questions about the load balancer."""
    azure.counts.reset()
    azure.faults.add("metrics_batch", Fault(latency_seconds=1.5))
    try:
        ask(azure, build("disk-iops", 0, NOW))
    finally:
        azure.faults.clear()
    assert azure.counts.peak["metrics_batch"] == azure.counts["metrics_batch"] == 4
