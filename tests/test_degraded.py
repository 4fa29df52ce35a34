"""Worse evidence: sources switched off, late, odd, failing, throttled, hanging.

The verdict stays right where the rest suffices; else it is ``unknown``, and coverage says what to mend.
Nothing is cleared that was not seen. All is read through the official SDKs from the local Azure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from unittest import mock

import pytest
from msgspec.structs import replace

from local.accuracy.trial import question
from local.azure import Fault, LocalAzure
from local.azure.metric_catalog import definitions
from local.world import build, degrade
from local.world.types import Truth, World
from shared.collect.azure import Azure, credential
from shared.collect.case import collect_case
from shared.collect.fleet import Fleet, read_fleet
from shared.collect.metrics import NAMESPACE
from shared.diagnose import diagnose
from shared.model import Case, Cause, Diagnosis, Severity, Verdict
from shared.settings import load

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SEED = 11
BUDGET_SECONDS = "2"
HARDLY_SEEN = ("no-log-analytics", "no-normal-events", "no-os-disk-metrics")
ODD = ("metric-gaps", "trailing-empty", "vmname-upper-case", "computer-names", "no-registry-logs")
SCENARIOS = ("healthy-upgrade", "disk-iops", "disk-bandwidth", "vm-cap-below-disk", "cpu-held-by-neighbour", "snat-exhausted", "serial-upgrade",
             "one-12gb-image", "mcr-429")
SOURCES = ("metrics_batch", "logs", "skus", "scale_sets")
"""What a Case asks once the fleet is known; the fleet itself is kept from earlier."""
COVERED_BY = {"metrics_batch": "metrics", "logs": "pulls", "skus": "limits", "scale_sets": "limits"}
FAILURES = {"500": Fault(status=500), "429": Fault(status=429, retry_after_seconds=0.1), "hang": Fault(hang=True)}


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure(world_of("healthy-upgrade"), clock=lambda: NOW, metrics_lag_seconds=0) as running, mock.patch.dict("os.environ", running.environ):
        yield running


@cache
def world_of(scenario: str) -> World:
    return build(scenario, SEED, NOW)


class Asked:
    """A client of the local Azure that knows its fleet already."""

    def __init__(self, azure: LocalAzure, world: World, budget_seconds: str = "120") -> None:
        azure.serve(world)
        patient, settings = load(azure.environ), load(azure.environ | {"PULLWATCH_AZURE_BUDGET_SECONDS": budget_seconds})
        self.world = world
        self.client = Azure(settings, credential(settings))
        self.fleet: Fleet = read_fleet(Azure(patient, credential(patient)))

    def case(self) -> Case:
        return collect_case(self.client, self.fleet, question(self.world, self.truth))

    @property
    def truth(self) -> Truth:
        return self.world.truths[0]


def verdict(case: Case) -> Diagnosis:
    return diagnose(case, load({}).thresholds)


@contextmanager
def failing(azure: LocalAzure, kind: str, fault: Fault) -> Iterator[None]:
    azure.faults.add(kind, fault)
    try:
        yield
    finally:
        azure.faults.clear()


def assert_honest(found: Diagnosis, truth: Truth) -> None:
    """Right or unknown; unknown says what to mend; nobody is woken for nothing; nothing guilty is cleared."""
    assert found.cause in (truth.cause, Cause.UNKNOWN), found.headline
    if found.cause is Cause.UNKNOWN:
        assert [c for c in found.coverage if c.status != "ok" and (c.fix or c.detail)], "nothing says what is missing"
    if truth.cause == Cause.HEALTHY:
        assert found.severity.rank <= Severity.NOTICE.rank
    assert falsely_cleared(found, truth) == []


def falsely_cleared(found: Diagnosis, truth: Truth) -> list[str]:
    total = sum(truth.lost_seconds.values())
    cleared = {f.cause for f in found.findings if f.verdict is Verdict.CLEARED}
    return [cause for cause, lost in truth.lost_seconds.items() if truth.slow_pulls and cause in cleared and lost >= 0.1 * total and cause == truth.cause]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_odd_and_late_evidence_changes_no_verdict(azure: LocalAzure, scenario: str, kind: str) -> None:
    asked = Asked(azure, degrade(world_of(scenario), kind))
    found = verdict(asked.case())
    assert found.cause == asked.truth.cause
    assert_honest(found, asked.truth)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HARDLY_SEEN)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_where_much_is_missing_the_verdict_is_right_or_unknown(azure: LocalAzure, scenario: str, kind: str) -> None:
    asked = Asked(azure, degrade(world_of(scenario), kind))
    assert_honest(verdict(asked.case()), asked.truth)


def test_without_log_analytics_it_is_unknown_and_says_what_to_turn_on(azure: LocalAzure) -> None:
    found = verdict(Asked(azure, degrade(world_of("disk-iops"), "no-log-analytics")).case())
    (pulls,) = [c for c in found.coverage if c.source == "pulls"]
    assert (found.cause, pulls.status) == (Cause.UNKNOWN, "missing")
    assert "Container insights" in pulls.fix


def test_without_normal_events_coverage_names_the_switch(azure: LocalAzure) -> None:
    found = verdict(Asked(azure, degrade(world_of("disk-iops"), "no-normal-events")).case())
    (pulls,) = [c for c in found.coverage if c.source == "pulls"]
    assert pulls.status in ("partial", "missing")
    assert "collect_all_kube_events" in pulls.fix


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("scenario", ["disk-iops", "disk-bandwidth", "mcr-429", "healthy-upgrade", "one-12gb-image"])
def test_a_source_that_fails_costs_its_part_and_is_told(azure: LocalAzure, scenario: str, source: str) -> None:
    asked = Asked(azure, world_of(scenario), BUDGET_SECONDS)
    with failing(azure, source, FAILURES["500"]):
        found = verdict(asked.case())
    assert_honest(found, asked.truth)
    assert_told(found, source)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "failure"), [*((source, "429") for source in SOURCES), ("metrics_batch", "hang"), ("logs", "hang")])
def test_a_source_that_throttles_or_hangs_throughout_costs_its_part_and_is_told(azure: LocalAzure, source: str, failure: str) -> None:
    asked = Asked(azure, world_of("disk-iops"), BUDGET_SECONDS)
    began = datetime.now(UTC)
    with failing(azure, source, FAILURES[failure]):
        found = verdict(asked.case())
    assert_honest(found, asked.truth)
    assert_told(found, source)
    assert datetime.now(UTC) - began < timedelta(seconds=3 * float(BUDGET_SECONDS)), "over its budget"


def assert_told(found: Diagnosis, source: str) -> None:
    (line,) = [c for c in found.coverage if c.source == COVERED_BY[source]]
    assert line.status in ("failed", "partial")
    assert line.detail
    assert line.fix


@pytest.mark.slow
def test_everything_failing_is_unknown(azure: LocalAzure) -> None:
    asked = Asked(azure, world_of("disk-iops"), BUDGET_SECONDS)
    with failing(azure, "all", FAILURES["500"]):
        found = verdict(asked.case())
    assert (found.cause, found.confidence) == (Cause.UNKNOWN, 0.0)
    seen_in_the_fleet = {Cause.NETWORK_EGRESS}  # the outbound type says whether a firewall can be in the path
    assert {f.cause for f in found.findings if f.verdict is not Verdict.UNKNOWN} <= seen_in_the_fleet


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["OS Disk IOPS Consumed Percentage", "OS Disk Used Burst IO Credits Percentage", "OS Disk Queue Depth", "VM Uncached Bandwidth Consumed Percentage"])
def test_a_metric_that_the_region_does_not_know_is_left_out_and_named(azure: LocalAzure, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world_of("disk-iops")
    monkeypatch.delitem(definitions(NAMESPACE), metric.lower())
    asked = Asked(azure, replace(whole, metrics=[m for m in whole.metrics if m.metric != metric]))
    found = verdict(asked.case())
    (metrics,) = [c for c in found.coverage if c.source == "metrics"]
    assert metrics.status == "partial"
    assert metric in metrics.detail
    assert found.cause == asked.truth.cause
    assert_honest(found, asked.truth)
