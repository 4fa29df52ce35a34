"""Evidence taken away from a world: what is gone is gone, and nothing else."""

from datetime import UTC, datetime

import msgspec
import pytest

from local.world import build, degrade
from local.world.degrade import KINDS
from local.world.types import MetricSeries, World

NOW = datetime(2026, 3, 4, 10, 42, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return build("disk-iops", 1, NOW)


def values(series: list[MetricSeries]) -> list[float | None]:
    return [value for one in series for value in one.values]


@pytest.mark.parametrize("kind", KINDS)
def test_the_world_itself_is_left_as_it_was(world: World, kind: str) -> None:
    before = msgspec.json.encode(world)
    worse = degrade(world, kind)
    assert msgspec.json.encode(world) == before
    assert worse.truths == world.truths
    assert worse.degraded == (kind,)
    assert worse != world


def test_the_same_seed_takes_the_same_away(world: World) -> None:
    assert degrade(world, "metric-gaps", seed=4) == degrade(world, "metric-gaps", seed=4)
    assert degrade(world, "metric-gaps", seed=4) != degrade(world, "metric-gaps", seed=5)


def test_several_kinds_add_up(world: World) -> None:
    worse = degrade(world, "no-normal-events", "no-os-disk-metrics", "computer-names")
    assert worse.degraded == ("no-normal-events", "no-os-disk-metrics", "computer-names")
    assert not [one for one in worse.metrics if one.metric.startswith("OS Disk")]


def test_without_log_analytics_there_is_no_row_and_no_add_on(world: World) -> None:
    worse = degrade(world, "no-log-analytics")
    cluster = next(row for row in worse.resources if row["type"].endswith("/managedclusters"))
    assert not any(worse.tables.values())
    assert worse.tables.keys() == world.tables.keys()
    assert cluster["properties"]["addonProfiles"]["omsagent"]["enabled"] is False


def test_without_normal_events_only_warnings_are_left() -> None:
    world = build("acr-throttled", 1, NOW)
    worse = degrade(world, "no-normal-events")
    assert {row["KubeEventType"] for row in worse.tables["KubeEvents"]} == {"Warning"}
    assert worse.tables["KubePodInventory"] == world.tables["KubePodInventory"]


def test_without_registry_logs_the_cluster_still_speaks(world: World) -> None:
    worse = degrade(world, "no-registry-logs")
    assert not worse.tables["ContainerRegistryRepositoryEvents"]
    assert worse.tables["KubeEvents"]


def test_gaps_are_one_minute_in_ten(world: World) -> None:
    known = [value for value in values(world.metrics) if value is not None]
    left = [value for value in values(degrade(world, "metric-gaps").metrics) if value is not None]
    assert len(left) == pytest.approx(0.9 * len(known), rel=0.02)


def test_the_newest_three_minutes_are_empty_and_no_other(world: World) -> None:
    worse = degrade(world, "trailing-empty")
    for before, after in zip(world.metrics, worse.metrics, strict=True):
        known = int((NOW.replace(second=0) - before.start).total_seconds() // 60) - 3
        assert after.values[:known] == before.values[:known]
        assert not any(after.values[known + 1:])


def test_names_come_in_capitals_or_as_the_computers_are_called(world: World) -> None:
    loud, computers = ({next(iter(one.dimensions.items())) for one in degrade(world, kind).metrics if "vmss" in str(one.dimensions).lower()}
                       for kind in ("vmname-upper-case", "computer-names"))
    assert {name for name, _ in loud} == {"VMNAME"}
    assert all(value.isupper() for _, value in loud)
    assert any(name == "VMName" and value.endswith("-vmss00000a") for name, value in computers)


def test_an_unknown_kind_is_answered_with_those_there_are(world: World) -> None:
    with pytest.raises(ValueError, match="metric-gaps"):
        degrade(world, "no-sun")
