"""The benches measure what they say."""

import json
from pathlib import Path

import pytest

from local.bench import __main__ as bench
from local.bench.diagnosis import of_size
from local.bench.memory import peak_megabytes
from local.bench.ratio import Ratio, table
from local.bench.requests_log import Span, longest_chain
from local.bench.screening import SHAPE, least_requests
from local.bench.worlds import Shape, fleet_world, hot_pools, pools_of
from tests.collect.conftest import NOW
from tests.diagnose.cases import case


def spans(*times: tuple[float, float]) -> list[Span]:
    return [Span(start, end, f"{start}-{end}") for start, end in times]


@pytest.mark.parametrize(("recorded", "chain"), [
    (spans(), []),
    (spans((0, 1), (1, 2), (2, 3)), ["0-1", "1-2", "2-3"]),
    (spans((0, 1), (0, 3), (1, 2), (3, 4)), ["0-3", "3-4"]),
    (spans((0, 1), (0.5, 1.2), (1.2, 3), (1, 1.1)), ["0-1", "1-1.1", "1.2-3"]),
    (spans((2, 3), (0, 1)), ["0-1", "2-3"]),
])
def test_the_longest_chain_is_the_most_time_of_requests_that_follow_one_another(recorded: list[Span], chain: list[str]) -> None:
    assert [span.what for span in longest_chain(recorded)] == chain


@pytest.mark.parametrize(("ratio", "holds"), [
    (Ratio(name="r", what="", value=1.4, at_most=1.4), True), (Ratio(name="r", what="", value=1.5, at_most=1.4), False),
    (Ratio(name="r", what="", value=20, at_least=20), True), (Ratio(name="r", what="", value=19, at_least=20), False),
    (Ratio(name="r", what="", value=99), True),
])
def test_a_ratio_holds_within_its_bound(ratio: Ratio, holds: bool) -> None:
    assert ratio.holds is holds
    assert ("✗" in table([ratio])) is not holds


def test_a_broken_bound_ends_the_bench_with_1_and_stands_in_its_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "OUT", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "_bench", lambda _name: lambda: [Ratio(name="slow", what="a / b", value=9, at_most=1)])
    assert bench.main(["chain"]) == 1
    assert [one["value"] for one in json.loads((tmp_path / "bench.json").read_text())] == [9]
    assert "slow" in capsys.readouterr().out


def test_an_unknown_bench_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SystemExit, match="cold_start"):
        bench.main(["speed"])


def test_a_fleet_has_the_shape_that_was_asked_for() -> None:
    shape = Shape(pools=95, nodes=3, subscriptions=2, regions=2, hot_every=10, machines_every=5, metrics=("Percentage CPU",))
    world = fleet_world(shape, NOW)
    kinds = [resource["id"].split("/")[-2] for resource in world.resources]
    assert (kinds.count("managedClusters"), kinds.count("virtualMachineScaleSets"), kinds.count("virtualMachines")) == (10, 76, 57)
    assert len(world.metrics) == 95 * 3
    assert len(hot_pools(shape)) == 10
    assert len({(pool.vmss_id.split("/")[2], pool.location) for pool in pools_of(shape)}) == 4


def test_the_least_requests_of_the_screening_are_a_batch_for_50_pools_of_a_place_and_the_pages() -> None:
    assert (SHAPE.pools, SHAPE.subscriptions * SHAPE.regions, least_requests()) == (1000, 20, 20 + 5)


def test_a_case_grows_to_any_number_of_nodes() -> None:
    small = case()
    large = of_size(small, 7)
    assert len({series.node for series in large.series}) == large.pool.node_count == 7
    assert {pull.node for pull in large.pulls} <= {series.node for series in large.series}


def test_a_process_knows_the_most_memory_it_held() -> None:
    before = peak_megabytes()
    held = bytearray(80_000_000)
    assert peak_megabytes() >= before + 0.5 * len(held) / 1e6 or before > 200
