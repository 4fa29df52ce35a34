"""Each scenario keeps its truth, whatever the seed; the seed case has the numbers it stands for."""

from datetime import UTC, datetime

import pytest

from local.world import build
from local.world.__main__ import main
from local.world.build import judge, usual_p95, window_pulls
from local.world.run import Story, run
from local.world.scenario import Scenario
from local.world.scenarios import SCENARIO_LIST

NOW = datetime(2026, 3, 4, 10, 42, 17, tzinfo=UTC)
SEEDS = range(20)
SOME_SEEDS = (0, 1, 5, 8, 13, 19)
"""A few of them for every scenario: the label of each was seen to hold for all twenty."""


def scenario(name: str) -> Scenario:
    return next(one for one in SCENARIO_LIST if one.name == name)


@pytest.mark.parametrize("one", SCENARIO_LIST, ids=lambda one: one.name)
def test_the_truth_keeps_its_label_for_every_seed(one: Scenario) -> None:
    assert {judge(run(one, seed, NOW)).cause for seed in SOME_SEEDS} == {one.cause}


@pytest.fixture(scope="module")
def seed_cases() -> list[Story]:
    return [run(scenario("disk-iops"), seed, NOW) for seed in SEEDS]


def test_the_seed_case_has_pulls_of_about_four_minutes_against_forty_seconds(seed_cases: list[Story]) -> None:
    for story in seed_cases:
        truth = judge(story)
        assert 200 <= (truth.p95_seconds or 0) <= 280
        assert 33 <= (usual_p95(story) or 0) <= 50
        assert 195 <= len(window_pulls(story)) <= 225


def test_no_pull_of_the_seed_case_fails_and_nearly_every_old_node_is_hit(seed_cases: list[Story]) -> None:
    for story in seed_cases:
        pulls = window_pulls(story)
        assert all(pull.finished_at is not None and len(pull.attempts) == 1 for pull in pulls)
        assert 9 <= len({pull.pod.node for pull in pulls if pull.elapsed >= 60}) <= 10


def test_the_cause_of_the_seed_case_stands_out(seed_cases: list[Story]) -> None:
    for story in seed_cases:
        lost = judge(story).lost_seconds
        assert lost["disk.iops"] > 0.9 * sum(lost.values())


def test_the_old_disks_of_the_seed_case_never_have_credits_worth_the_name(seed_cases: list[Story]) -> None:
    for story in seed_cases:
        old = [node for node in story.nodes if node.born == 0]
        assert min(minute.used_io_credits_percent for node in old for minute in node.minutes.values() if minute.seconds) > 98


def test_throttled_pulls_fail_while_disks_are_quiet() -> None:
    for seed in range(5):
        story = run(scenario("acr-throttled"), seed, NOW)
        failures = [attempt for pull in window_pulls(story) for attempt in pull.attempts if attempt.error]
        assert len(failures) > 100
        assert {attempt.error for attempt in failures} == {"429"}
        depths = [m.queue_depth / m.seconds for node in story.nodes for m in node.minutes.values() if m.seconds > 30]
        assert max(depths) < 20


def test_the_same_arguments_give_the_same_world() -> None:
    assert build("acr-throttled", 3, NOW) == build("acr-throttled", 3, NOW)


def test_another_seed_gives_another_world() -> None:
    assert build("busy-disk", 1, NOW).metrics != build("busy-disk", 2, NOW).metrics


def test_everything_happens_before_now_and_after_some_hours_of_history() -> None:
    for name in ("disk-iops", "cross-region", "snat-exhausted", "one-12gb-image"):
        world = build(name, 1, NOW)
        assert (world.window_start - world.history_start).total_seconds() == scenario(name).history_hours * 3600
        assert world.window_start < world.window_end < world.end == NOW
        assert (world.end - world.window_end).total_seconds() < 600
        assert all(row["TimeGenerated"] <= NOW for rows in world.tables.values() for row in rows)
        assert all(event.at <= NOW for event in world.events)


def test_an_unknown_scenario_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="disk-iops"):
        build("disk-iopz", 0, NOW)


def test_the_command_prints_the_truth_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["disk-iops", "--seed", "4"])
    out = capsys.readouterr().out
    assert "truth: disk.iops" in out
    assert "OS Disk Queue Depth, by node and minute" in out
