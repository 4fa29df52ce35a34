"""The stages of a pull, played by hand: what a node does with its pulls under given limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.diagnose.node_limits import NodeLimits
from shared.diagnose.pipeline import BURST_SECONDS, NOTHING, Job, Needs, play

ROOMY = NodeLimits(1e9, 1e12, 1e6, 1e12)
WRITES: Needs = (6000.0, 0.0, 0.0, 0.0)


def ends(*jobs: Job, others: Needs = NOTHING, node: NodeLimits = ROOMY, serial: bool = False) -> list[float]:
    return [round(end, 3) for end in play(jobs, others, node, serial=serial)]


def test_a_pull_that_nothing_holds_up_takes_what_it_takes() -> None:
    assert ends(Job(10.0, WRITES, 20.0)) == [30.0]


def test_a_full_disk_is_shared_evenly() -> None:
    assert ends(Job(0.0, WRITES, 1.0), Job(0.0, WRITES, 1.0), node=ROOMY._replace(iops=500.0)) == [24.0, 24.0]


def test_what_an_early_pull_leaves_goes_to_the_later_one() -> None:
    """6,000 operations at 500 a second: 12 s alone; the second comes 6 s later and has half until the first is done."""
    assert ends(Job(0.0, WRITES, 1.0), Job(6.0, WRITES, 1.0), node=ROOMY._replace(iops=500.0)) == [18.0, 24.0]


def test_other_work_is_one_more_that_wants_a_full_disk() -> None:
    assert ends(Job(0.0, WRITES, 1.0), others=(400.0, 0.0, 0.0, 0.0), node=ROOMY._replace(iops=500.0)) == [24.0]


def test_other_work_has_the_cores_first_but_never_all_of_them() -> None:
    unpacks: Needs = (0.0, 0.0, 10.0, 0.0)
    assert ends(Job(0.0, unpacks, 10.0), others=(0.0, 0.0, 3.5, 0.0), node=ROOMY._replace(cores=4.0)) == [20.0]
    assert ends(Job(0.0, unpacks, 10.0), others=(0.0, 0.0, 4.0, 0.0), node=ROOMY._replace(cores=4.0)) == [50.0]


def test_the_tightest_stage_sets_the_pace() -> None:
    asks: Needs = (3000.0, 640e6, 5.0, 200e6)
    d4s_v3_ephemeral = NodeLimits(8000.0, 64e6, 4.0, 250e6)
    assert ends(Job(0.0, asks, 6.0), node=d4s_v3_ephemeral) == [10.0]
    assert ends(Job(0.0, asks, 6.0), node=d4s_v3_ephemeral._replace(bytes_per_second=96e6)) == [6.667]


def test_a_serial_kubelet_pulls_one_image_after_the_other() -> None:
    two = (Job(0.0, NOTHING, 10.0), Job(1.0, NOTHING, 3.0))
    assert ends(*two) == [10.0, 4.0]
    assert ends(*two, serial=True) == [10.0, 13.0]


def test_burst_credits_help_until_they_are_gone() -> None:
    """500 IOPS that burst to 3,500: full credits last 30 minutes, those of a minute a minute."""
    p10 = ROOMY._replace(iops=500.0, burst_iops=3500.0)
    asks: Needs = (60 * 3500.0 + 500.0, 0.0, 0.0, 0.0)
    assert ends(Job(0.0, asks, 1.0), node=p10) == [round(60 + 500 / 3500, 3)]
    assert ends(Job(0.0, asks, 1.0), node=p10._replace(io_credits=60 / BURST_SECONDS)) == [61.0]
    assert ends(Job(0.0, asks, 1.0), node=p10._replace(io_credits=0.0)) == [421.0]


def test_a_disk_that_is_busy_beyond_its_baseline_has_no_credits() -> None:
    p10 = ROOMY._replace(iops=500.0, burst_iops=3500.0)
    assert ends(Job(0.0, WRITES, 1.0), others=(510.0, 0.0, 0.0, 0.0), node=p10) == [24.0]


limits = st.floats(10, 1e4)
needs = st.tuples(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 50), st.floats(0, 1e5))
jobs = st.lists(st.builds(Job, st.floats(0, 600), needs, st.floats(1, 60)), min_size=1, max_size=12).map(lambda found: sorted(found, key=lambda j: j.arrives))
nodes = st.builds(NodeLimits, limits, limits, st.floats(1, 64), limits, limits | st.none(), limits | st.none(), st.floats(0, 1), st.floats(0, 1))


@given(jobs, needs, nodes, st.booleans())
def test_no_pull_ends_before_its_own_best_nor_before_the_disk_could_have_served_it(
    planned: list[Job], others: Needs, node: NodeLimits, serial: bool,
) -> None:
    for job, end in zip(planned, play(planned, others, node, serial=serial), strict=True):
        fastest_disk = max(node.iops or 0, node.burst_iops or 0)
        assert end - job.arrives >= 0.999 * max(job.fastest_seconds, job.needs[0] / fastest_disk) - 1e-3


@given(jobs, needs, nodes)
def test_a_node_without_other_work_that_doubles_all_its_limits_is_never_done_later(planned: list[Job], others: Needs, node: NodeLimits) -> None:
    together = [job._replace(arrives=0.0) for job in planned]
    twice = node._replace(iops=2 * (node.iops or 0), bytes_per_second=2 * (node.bytes_per_second or 0), cores=2 * (node.cores or 0),
                          received_bytes_per_second=2 * (node.received_bytes_per_second or 0), burst_iops=None, burst_bytes_per_second=None)
    steady = node._replace(burst_iops=None, burst_bytes_per_second=None)
    assert max(play(together, NOTHING, twice, serial=False)) <= max(play(together, NOTHING, steady, serial=False)) * 1.001 + 1e-3


@pytest.mark.parametrize("serial", [False, True])
def test_nothing_to_pull_takes_no_time(serial: bool) -> None:
    assert play([], NOTHING, ROOMY, serial=serial) == []
