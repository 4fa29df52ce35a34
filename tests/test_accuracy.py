"""How often the diagnosis is right, on worlds whose truth is known; and that the measuring itself can be trusted.

``make accuracy`` measures more of it, under fresh seeds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from local.accuracy.corpus import END, run_all
from local.accuracy.forecasts import GOOD_FACTOR, Forecast, change_of
from local.accuracy.report import render
from local.accuracy.rules import RULES, blames_disk
from local.accuracy.scores import (
    by_cause,
    calibration_error,
    false_alarms,
    forecast_score,
    macro_f1,
    on_the_disk,
    reliability,
)
from local.accuracy.trial import Trial, read_by_sdk, read_in_process
from local.world import SCENARIOS, Change, build
from local.world.types import MetricSeries, Truth, World
from shared.model import Cause, Remedy, encode

SEEDS = range(4001, 4002)
LEAST_MACRO_F1 = 0.95
MOST_FALSELY_CLEARED = 0.05
LEAST_GOOD_FORECASTS = 0.9
MOST_CALIBRATION_ERROR = 0.1


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    """Every scenario once, read through the real SDKs and in process too."""
    return run_all(list(SCENARIOS), SEEDS)


@pytest.mark.slow
def test_causes_are_named_with_a_macro_f1_of_at_least_95_percent(trials: list[Trial]) -> None:
    assert macro_f1(by_cause(trials)) >= LEAST_MACRO_F1, render(trials)


@pytest.mark.slow
def test_every_cause_there_is_occurs_at_least_three_times(trials: list[Trial]) -> None:
    scenarios = {(t.truth.cause, t.scenario) for t in trials}
    counts = {cause.value: sum(c == cause for c, _ in scenarios) for cause in Cause if cause is not Cause.UNKNOWN}
    assert {cause: n for cause, n in counts.items() if n < 3} == {}


@pytest.mark.slow
def test_no_healthy_pool_wakes_anybody(trials: list[Trial]) -> None:
    assert [(t.scenario, t.seed, t.said) for t in false_alarms(trials)] == []


@pytest.mark.slow
def test_causes_of_lost_time_are_hardly_ever_cleared(trials: list[Trial]) -> None:
    assert sum(bool(t.falsely_cleared) for t in trials) <= MOST_FALSELY_CLEARED * len(trials), render(trials)


@pytest.mark.slow
def test_confidence_means_what_it_says(trials: list[Trial]) -> None:
    assert calibration_error(reliability(trials)) <= MOST_CALIBRATION_ERROR, render(trials)


@pytest.mark.slow
def test_forecasts_come_near_the_truth(trials: list[Trial]) -> None:
    score = forecast_score(f for t in trials for f in t.forecasts)
    assert score is not None
    assert score.played >= 30
    assert score.good >= LEAST_GOOD_FORECASTS, render(trials)


@pytest.mark.slow
def test_static_rules_know_less_about_the_disk(trials: list[Trial]) -> None:
    product, *rules = on_the_disk(trials)
    assert [rule.label for rule in rules if rule.f1 >= product.f1] == []


@pytest.mark.slow
def test_both_ways_of_reading_give_the_same_case(trials: list[Trial]) -> None:
    compared = [t for t in trials if t.same_case is not None]
    assert {t.scenario for t in compared} == set(SCENARIOS)
    assert [t.scenario for t in compared if not t.same_case] == []


# --- the measuring ---


@pytest.mark.parametrize("scenario", ["disk-iops", "acr-throttled"])
def test_the_in_process_reader_gives_the_very_case_of_the_sdks(scenario: str) -> None:
    world = build(scenario, 17, END)
    truth = world.truths[0]
    assert encode(read_in_process(world, truth)) == encode(read_by_sdk(world, truth))


def trial(true: str, said: str, *, confidence: float = 0.9, severity: str = "warning", rules: Sequence[bool] = (False,) * len(RULES),
          forecasts: Sequence[Forecast] = ()) -> Trial:
    truth = Truth(cluster_id="/c", pool="apps", cause=true, lost_seconds={true: 90.0}, slow_pulls=5, p95_seconds=120.0)
    return Trial(scenario="s", seed=1, way="in-process", same_case=None, truth=truth, said=said, confidence=confidence, severity=severity,
                 falsely_cleared=(), rules=tuple(rules), forecasts=tuple(forecasts), seconds=0.1)


def test_unknown_costs_the_true_cause_its_recall_and_nobody_precision() -> None:
    scores = by_cause([trial("disk.iops", "disk.iops"), trial("disk.iops", "unknown"), trial("cpu.unpack", "disk.iops")])
    assert [(s.label, s.precision, s.recall) for s in scores] == [("disk.iops", 0.5, 0.5), ("cpu.unpack", 0.0, 0.0)]
    assert macro_f1(scores) == 0.25


def test_a_cause_named_though_never_true_counts_against_the_macro_f1() -> None:
    assert macro_f1(by_cause([trial("healthy", "healthy"), trial("healthy", "image.size")])) == pytest.approx((2 / 3 + 0) / 2)


def test_a_healthy_pool_with_a_warning_is_a_false_alarm() -> None:
    healthy = [trial("healthy", "disk.iops"), trial("healthy", "unknown", severity="notice"), trial("disk.iops", "disk.iops")]
    assert false_alarms(healthy) == healthy[:1]


def test_calibration_is_off_by_how_much_stated_and_right_differ() -> None:
    bins = reliability([trial("healthy", "healthy", confidence=0.92), trial("healthy", "disk.iops", confidence=0.92),
                        trial("disk.iops", "disk.iops", confidence=1.0), trial("disk.iops", "unknown", confidence=0.0)])
    assert [(b.given, b.stated, b.right) for b in bins] == [(2, 0.92, 0.5), (1, 1.0, 1.0)]
    assert calibration_error(bins) == pytest.approx((2 * 0.42 + 0) / 3)


def test_a_static_rule_is_scored_on_whether_the_disk_is_to_blame() -> None:
    fired, silent = (True,) * len(RULES), (False,) * len(RULES)
    scores = on_the_disk([trial("disk.iops", "disk.burst", rules=silent), trial("healthy", "healthy", rules=fired), trial("disk.burst", "unknown", rules=fired)])
    assert [(s.true, s.named, s.right) for s in scores] == [(2, 1, 1), *[(2, 2, 1)] * len(RULES)]


@pytest.mark.parametrize(("predicted", "true", "good"), [(60, 50, True), (76, 50, False), (34, 50, True), (33, 50, False)])
def test_a_forecast_is_good_within_the_factor_either_way(predicted: float, true: float, good: bool) -> None:
    assert Forecast(remedy="r", predicted_seconds=predicted, true_seconds=true).good is good
    assert GOOD_FACTOR == 1.5


@pytest.mark.parametrize(("command", "change"), [
    ("az aks nodepool add --name apps2 --node-vm-size Standard_D4ds_v5 --node-osdisk-type Ephemeral --node-osdisk-size 100",
     Change(vm_size="Standard_D4ds_v5", os_disk_kind="ephemeral", os_disk_gib=100)),
    ("az aks nodepool add --name apps2 --vm-set-type VirtualMachines --vm-sizes Standard_D4ds_v5 --node-osdisk-type Managed --node-osdisk-size 512",
     Change(vm_size="Standard_D4ds_v5", os_disk_kind="managed", os_disk_gib=512)),
    ("kubectl patch aksnodeclasses $(kubectl get nodepools.karpenter.sh apps -o jsonpath='{.spec.template.spec.nodeClassRef.name}') --type merge "
     """-p '{"spec":{"osDiskSizeGB":100}}' && kubectl patch nodepools.karpenter.sh apps --type json -p '[{"op":"add","value":{"values":["Standard_D4ds_v5"]},"""
     """"path":"/spec/template/spec/requirements/-"}]'""", Change(vm_size="Standard_D4ds_v5", os_disk_gib=100)),
    ("az aks nodepool add --name apps2", None),
    ("az acr update --name a --sku Premium && az acr replication create --registry a --location westeurope", Change(registry_sku="Premium", replica_region="westeurope")),
    ("az aks upgrade --name c --kubernetes-version 1.31", Change(parallel_pulls=True)),
    ("az aks nodepool update --name apps --max-surge 10%", None),
    ("", None),
])
def test_a_remedys_command_is_done_to_the_model_as_it_reads(command: str, change: Change | None) -> None:
    assert change_of(Remedy("r", command)) == change


def storm(metric: str, values: dict[str, list[float | None]], end: datetime) -> World:
    """A world that holds one metric of one scale set, a series a node, ending at ``end``; its window is the last ten minutes."""
    series = [MetricSeries(resource_id="/vmss", metric=metric, unit="Percent", aggregation="Average", dimensions={"VMName": node},
                           start=end - timedelta(minutes=len(minutes)), values=minutes) for node, minutes in values.items()]
    return World(scenario="s", seed=0, description="", history_start=end - timedelta(hours=2), window_start=end - timedelta(minutes=10),
                 window_end=end, end=end, resources=[], resource_skus=[], metrics=series, tables={}, events=[], truths=[])


@pytest.mark.parametrize(("values", "fired"), [
    ({"a": [100.0] * 60}, (True, True, True)),
    ({"a": [20.0] * 50 + [100.0] * 10}, (False, True, True)),
    ({"a": [20.0] * 57 + [100.0] * 3}, (False, True, False)),
    ({"a": [100.0] * 60, "b": [20.0] * 60}, (False, True, True)),
    ({"a": [20.0] * 60 + [100.0] * 50 + [20.0] * 10}, (False, False, False)),
    ({"a": [None] * 60}, (False, False, False)),
])
def test_static_rules_see_what_their_window_and_split_let_them_see(values: dict[str, list[float | None]], fired: tuple[bool, ...]) -> None:
    """The pool over an hour, any node over a minute, any node over five minutes."""
    world = storm("OS Disk IOPS Consumed Percentage", values, datetime(2026, 11, 24, 10, tzinfo=UTC))
    assert tuple(blames_disk(rule, world, ["/VMSS"]) for rule in RULES[:3]) == fired
