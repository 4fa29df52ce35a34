"""Predictions from the Case alone: the same pulls, played again under other limits."""

from collections.abc import Sequence

from msgspec.structs import replace

from shared.diagnose.forecast import Forecast
from shared.diagnose.node_limits import NodeLimits, ephemeral, managed
from shared.diagnose.view import View
from shared.model import Case, Coverage, DiskTier, Pull, Registry, Thresholds

from .cases import D4DS_V5, D4S_V3, EPHEMERAL, EPHEMERAL_QUIET, NODES, P10, QUIET, STORM, case, failed, pull

P30 = DiskTier("Premium_LRS", "P30", 1024, 5000.0, 200e6)
BANDWIDTH_STORM = {"OS Disk Queue Depth": 30, "VM Cached Bandwidth Consumed Percentage": 100, "OS Disk Write Bytes/sec": 63e6}
AFAR = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus",))


def forecast(of: Case) -> Forecast:
    return Forecast(View(of, Thresholds()))


def p95(of: Case, limits: NodeLimits) -> float:
    found = forecast(of).p95_seconds(limits)
    assert found is not None
    return found


def stormy(pulls: Sequence[Pull] = tuple(pull(node, 6, 240) for node in NODES)) -> Case:
    return case(storm=STORM, pulls=pulls)


def test_today_played_again_takes_what_it_took() -> None:
    found = forecast(stormy())
    assert found.close
    assert 0.7 * 240 < (found.p95_seconds(found.today) or 0) < 1.3 * 240


def test_an_iops_bound_pull_gains_what_the_new_disk_has_more_of() -> None:
    """About 400 operations a second beyond the usual 100, for four minutes: 96,000, which 5,000 IOPS serve in 20 s."""
    assert 15 < p95(stormy(), managed(P30, D4S_V3)) < 35


def test_two_pulls_share_what_one_had() -> None:
    """The same load drawn by two images at once: each asked for half."""
    both = stormy([pull(node, 6, 240, image=f"contoso.azurecr.io/{name}:1") for node in NODES for name in ("web", "api")])
    alone = stormy()
    assert abs(p95(both, managed(P10, D4S_V3, 0.0, 0.0)) - p95(alone, managed(P10, D4S_V3, 0.0, 0.0))) < 15


def test_one_core_unpacks_an_image_whatever_the_disk() -> None:
    """1.2 GB at 100 MB a second, and a second of requests."""
    assert p95(stormy(), NodeLimits(1e6, 1e12, 64.0, 1e12)) == 13.0


def test_a_bandwidth_bound_ephemeral_pool_gains_from_96_mb_s_no_more_than_by_half() -> None:
    bound = case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM)
    assert 150 < p95(bound, managed(P30, D4S_V3)) < 170
    assert p95(bound, ephemeral(D4DS_V5)) < 70


def test_burst_credits_count_only_where_the_disk_had_them() -> None:
    """The pool's own P10 has used them all up; a new one would start with them."""
    found = forecast(stormy())
    assert found.today.io_credits == 0.0
    assert (found.p95_seconds(managed(P10, D4S_V3)) or 0) < 0.3 * (found.p95_seconds(found.today) or 0)


def test_in_parallel_a_small_image_does_not_wait_for_a_big_one() -> None:
    pulls = [pull(node, 6, 200, image="contoso.azurecr.io/big:1") for node in NODES]
    pulls += [pull(node, 6.2, 10, waiting=200, image=f"contoso.azurecr.io/small{n}:1") for node in NODES for n in range(10)]
    found = forecast(case(pulls=pulls))
    one_by_one, parallel = (found.p95_seconds(found.today, serial=serial) for serial in (None, False))
    assert one_by_one is not None
    assert parallel is not None
    assert one_by_one > 100
    assert parallel < 0.5 * one_by_one


def test_a_pull_from_afar_is_no_faster_on_a_faster_disk_but_with_a_replica() -> None:
    far = case(pulls=[pull(node, 6, 90) for node in NODES], registries=(AFAR,))
    found = forecast(far)
    assert found.p95_seconds(managed(P30, D4S_V3)) == 90.0
    assert (found.p95_seconds(found.today, near=True) or 0) < 45


def test_without_failures_a_pull_starts_when_it_first_asked() -> None:
    refused = [failed(NODES[0], 1, 5, "timeout", pod="shop/a"), pull(NODES[0], 6, 10, pod="shop/a"), pull(NODES[1], 3, 10, pod="shop/b")]
    found = forecast(case(pulls=refused))
    assert (found.p95_seconds(found.today) or 0) > 290
    assert (found.p95_seconds(found.today, admitted=True) or 0) < 20


def test_a_pull_that_never_ended_counts_for_as_long_as_it_was_tried() -> None:
    pulls = [pull(NODES[0], 6, 10, pod="shop/a"), failed(NODES[1], 1, 9, "timeout", pod="shop/b")]
    found = forecast(case(pulls=pulls))
    assert (found.p95_seconds(found.today) or 0) >= 480
    assert (found.p95_seconds(found.today, admitted=True) or 0) < 20


def test_nothing_is_predicted_from_nothing() -> None:
    unmeasured = case(measured=(), coverage=(Coverage("metrics", "failed"), Coverage("pulls", "ok")))
    assert forecast(unmeasured).p95_seconds(managed(P30, D4S_V3)) is None
    assert forecast(case(pulls=())).p95_seconds(managed(P30, D4S_V3)) is None
    assert forecast(stormy()).p95_seconds(NodeLimits(None, 96e6)) is None


def test_a_neighbour_of_this_window_is_not_taken_for_the_pulls() -> None:
    """Another workload has most of the cores throughout, pulls or not: more cores help, and unpacking is not blamed for all of it."""
    busy = case(values={**QUIET, "Percentage CPU": 95})
    more = replace(D4DS_V5, vcpus=8)
    assert p95(busy, managed(P30, more)) < 30


def test_a_large_pool_is_judged_by_nodes_from_the_slowest_to_the_fastest() -> None:
    nodes = [f"aks-apps-12345678-vmss{n:06}" for n in range(300)]
    pulls = [pull(node, 6, 30 + n, image=f"contoso.azurecr.io/web{i}:1") for n, node in enumerate(nodes) for i in range(4)]
    played = list(forecast(case(pulls=pulls))._waits)
    assert len(played) == 25
    assert played[0] == nodes[-1]
    assert min(nodes.index(node) for node in played) < 15
