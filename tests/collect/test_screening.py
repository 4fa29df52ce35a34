"""Every pool's every node against the limits, 50 pools a request; what fails costs itself only."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from local.azure.faults import Fault
from local.bench.worlds import IOPS, Shape, fleet_world, hot_pools
from shared.collect.fleet import Machine, PoolRef, read_fleet
from shared.collect.metric_batch import RawSeries
from shared.collect.metrics import BATCH
from shared.collect.regions import MOST_TRIES, Outcome, RegionalRequests
from shared.collect.screening import NO_VALUE, NODES_A_CALL, Screened, at_limit, batches, screen
from shared.errors import Permanent, PullwatchError, Throttled, Transient
from shared.model import Thresholds
from tests.collect.conftest import NOW, Read

type Serve = Callable[..., Read]


def screened(served: Read) -> Screened:
    pools = read_fleet(served.azure).pools
    served.local.counts.reset()
    return screen(served.azure, pools, served.settings, NOW)


def pool(number: int, subscription: str = "s1", location: str = "westeurope", capacity: int = 3, machines: int = 0) -> PoolRef:
    group = f"/subscriptions/{subscription}/resourceGroups/MC/providers/Microsoft.Compute"
    nodes = tuple(Machine(f"{group}/virtualMachines/vm{number}-{m}", f"vm{number}-{m}", "") for m in range(machines))
    vmss_id = "" if machines else f"{group}/virtualMachineScaleSets/aks-p{number}-12345678-vmss"
    return PoolRef("/c", f"p{number}", vmss_id, location, "", machines or capacity, "virtual_machines" if machines else "scale_set", nodes)


# --- batches ---


def test_a_batch_holds_up_to_50_pools_of_one_subscription_region_and_type() -> None:
    pools = [*map(pool, range(120)), pool(200, "s2"), pool(201, location="eastus"), pool(202, machines=60), pool(203, capacity=0)]
    found = [(b.location, b.namespace.rpartition("/")[2], len(b.resource_ids)) for b in batches(pools)]
    assert sorted(found) == sorted([
        ("westeurope", "virtualMachineScaleSets", 50), ("westeurope", "virtualMachineScaleSets", 50),
        ("westeurope", "virtualMachineScaleSets", 20), ("westeurope", "virtualMachineScaleSets", 1),
        ("eastus", "virtualMachineScaleSets", 1), ("westeurope", "virtualMachines", 50), ("westeurope", "virtualMachines", 10),
    ])


def test_huge_pools_share_a_request_with_fewer_others() -> None:
    sizes = [[pool(int(i.split("-p")[1].split("-")[0])).name for i in b.resource_ids] for b in batches(pool(n, capacity=900) for n in range(5))]
    assert [len(part) for part in sizes] == [NODES_A_CALL // 900] * 2 + [1]


def test_one_pool_larger_than_that_is_asked_about_alone() -> None:
    assert [len(b.resource_ids) for b in batches([pool(1, capacity=NODES_A_CALL + 1), pool(2)])] == [1, 1]


# --- through the real SDK ---


def test_the_one_hot_node_of_300_makes_its_pool_a_suspect(read: Serve) -> None:
    shape = Shape(pools=2, nodes=300, subscriptions=1, regions=1, hot_every=2)
    served = read(fleet_world(shape, NOW))
    assert screened(served) == Screened({hot.vmss_id for hot in hot_pools(shape)}, {})


def test_a_pool_of_300_nodes_yields_300_series(read: Serve) -> None:
    shape = Shape(pools=1, nodes=300, subscriptions=1, regions=1, metrics=(IOPS,))
    served = read(fleet_world(shape, NOW))
    seen: list[int] = []
    asked = served.azure.metrics
    served.azure.metrics = lambda *a, **k: _counted(asked(*a, **k), seen)  # type: ignore[method-assign]
    screened(served)
    assert seen == [300]


def _counted(series: list[RawSeries], seen: list[int]) -> list[RawSeries]:
    seen.append(sum(one.metric == IOPS for one in series))
    return series


def test_pools_of_single_machines_are_screened_through_their_machines(read: Serve) -> None:
    shape = Shape(pools=20, nodes=7, machines_every=2, hot_every=4)
    served = read(fleet_world(shape, NOW))
    found = screened(served)
    assert found.not_seen == {}
    assert found.suspects == {f"{p.cluster_id}/agentPools/{p.name}" for p in hot_pools(shape)}


def test_a_pool_without_any_value_is_not_seen_rather_than_fine(read: Serve) -> None:
    shape = Shape(pools=3, hot_every=1)
    world = fleet_world(shape, NOW)
    silent = next(iter(hot_pools(shape))).vmss_id
    served = read(replace(world, metrics=[m for m in world.metrics if m.resource_id != silent]))
    found = screened(served)
    assert found.not_seen == {silent: NO_VALUE}
    assert len(found.suspects) == 2


def test_1000_pools_cost_no_request_more_than_azure_demands(read: Serve) -> None:
    served = read(fleet_world(Shape(pools=1000, nodes=1, subscriptions=4, regions=5, metrics=(IOPS,)), NOW))
    screened(served)
    assert served.local.counts["metrics_batch"] == 4 * 5 * 1
    assert served.local.counts["scale_sets"] == 0, "Compute's own quota is not touched"


def test_a_throttled_batch_is_asked_again_after_retry_after(read: Serve) -> None:
    shape = Shape(pools=100, nodes=1, subscriptions=1, regions=1, metrics=(IOPS,))
    served = read(fleet_world(shape, NOW))
    served.local.faults.add("metrics_batch", Fault(status=429, retry_after_seconds=1, times=1))
    assert screened(served) == Screened({p.vmss_id for p in hot_pools(shape)}, {})
    assert served.local.counts["metrics_batch"] == 3


def test_a_failing_batch_costs_its_own_pools_and_says_why(read: Serve) -> None:
    shape = Shape(pools=200, nodes=1, subscriptions=1, regions=2, metrics=(IOPS,))
    served = read(fleet_world(shape, NOW))
    read_metrics = served.azure.metrics

    def metrics(location: str, *rest: Any, **options: Any) -> list[RawSeries]:
        if location == "westeurope":
            raise Transient("Azure Monitor metrics failed with 503; ask again later.")
        return read_metrics(location, *rest, **options)

    served.azure.metrics = metrics  # type: ignore[method-assign]
    found = screened(served)
    assert len(found.not_seen) == 100
    assert set(found.not_seen.values()) == {"Azure Monitor metrics failed with 503; ask again later."}
    assert found.suspects == {p.vmss_id for p in hot_pools(shape) if p.location != "westeurope"}


def test_pools_deleted_since_they_were_listed_hide_no_other(read: Serve) -> None:
    shape = Shape(pools=BATCH, nodes=1, subscriptions=1, regions=1, hot_every=10)
    world = fleet_world(shape, NOW)
    served = read(world)
    pools = read_fleet(served.azure).pools
    gone = {pools[3].vmss_id, pools[33].vmss_id}
    served.local.serve(replace(world, resources=[r for r in world.resources if r["id"] not in gone]))
    found = screen(served.azure, pools, served.settings, NOW)
    assert found.not_seen == dict.fromkeys(gone, NO_VALUE)
    assert found.suspects == {p.vmss_id for p in hot_pools(shape)} - gone


def test_a_metric_that_this_azure_does_not_know_costs_only_itself(read: Serve) -> None:
    shape = Shape(pools=60, nodes=1, subscriptions=1, regions=1)
    served = read(fleet_world(shape, NOW))
    read_metrics = served.azure.metrics

    def metrics(location: str, ids: Any, namespace: str, names: list[str], *rest: Any, **options: Any) -> list[RawSeries]:
        if "Percentage CPU" in names:
            raise Permanent("refused (400): Failed to find metric configuration, metric: Percentage CPU, Valid metrics: …")
        return read_metrics(location, ids, namespace, names, *rest, **options)

    served.azure.metrics = metrics  # type: ignore[method-assign]
    assert screened(served) == Screened({p.vmss_id for p in hot_pools(shape)}, {})


# --- at a limit? ---


def node(**values: list[float | None]) -> dict[str, RawSeries]:
    """``iops=…`` and the like, minute by minute."""
    name = {"iops": IOPS, "uncached": "VM Uncached Bandwidth Consumed Percentage", "cpu": "Percentage CPU", "depth": "OS Disk Queue Depth"}
    return {name[k]: RawSeries("r", name[k], "", {}, tuple(NOW + timedelta(minutes=m) for m in range(len(v))), v) for k, v in values.items()}


@pytest.mark.parametrize(("metrics", "suspect"), [
    (node(iops=[None, 95.0, None]), True),
    (node(iops=[94.9], depth=[20.0]), False),
    (node(iops=[80.0], depth=[20.1]), True),
    (node(iops=[80.0, 10.0], depth=[3.0, 60.0]), False),
    (node(iops=[10.0], depth=[60.0]), False),
    (node(depth=[60.0]), True),
    (node(uncached=[95.0], iops=[1.0]), True),
    (node(cpu=[89.9]), False),
    (node(cpu=[90.0]), True),
    (node(iops=[None], cpu=[None]), False),
    ({}, False),
])
def test_a_node_is_at_a_limit_by_the_rules_of_diagnosis(metrics: dict[str, RawSeries], suspect: bool) -> None:
    assert at_limit(metrics, Thresholds()) is suspect


# --- regions ---


class Request:
    def __init__(self, location: str, *answers: PullwatchError | str) -> None:
        self.location = location
        self._answers = list(answers)
        self.asked_at: list[float] = []

    def ask(self, now: float) -> str:
        self.asked_at.append(now)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, PullwatchError):
            raise answer
        return answer


def outcomes(requests: list[Request], budget_seconds: float = 30) -> dict[Request, Outcome[Request, str]]:
    import time

    start = time.monotonic()
    return {o.request: o for o in RegionalRequests(lambda r: r.ask(time.monotonic() - start), requests, budget_seconds)}


def test_a_throttled_region_rests_alone() -> None:
    slow = [Request("westeurope", Throttled("wait", 1), "ok"), *(Request("westeurope", "ok") for _ in range(20))]
    quick = [Request("eastus", "ok") for _ in range(20)]
    found = outcomes([*slow, *quick])
    assert all(o.answer == "ok" for o in found.values())
    assert max(at for r in quick for at in r.asked_at) < 0.5
    assert slow[0].asked_at[1] >= 1
    assert sum(1 for r in slow for at in r.asked_at if at < 1) <= 8, "no more than were under way already"


def test_a_region_that_never_stops_throttling_is_given_up_at_the_budget() -> None:
    stuck = Request("westeurope", Throttled("wait", 60))
    found = outcomes([stuck, Request("eastus", "ok")], budget_seconds=0.3)
    assert "within the 0 s" in str(found[stuck].error)
    assert len(stuck.asked_at) == 1


def test_a_server_fault_is_tried_again_a_few_times_only() -> None:
    passing, lasting = Request("a", Transient("500"), "ok"), Request("b", Transient("500"))
    found = outcomes([passing, lasting])
    assert found[passing].answer == "ok"
    assert str(found[lasting].error) == "500"
    assert len(lasting.asked_at) == MOST_TRIES


def test_a_refusal_is_not_tried_again() -> None:
    refused = Request("a", Permanent("403"))
    outcomes([refused])
    assert len(refused.asked_at) == 1


def test_a_fault_of_our_own_is_not_taken_for_azures() -> None:
    def ask(request: Request) -> str:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        list(RegionalRequests(ask, [Request("a", "ok")], 5))


def test_requests_run_side_by_side() -> None:
    barrier = threading.Barrier(4, timeout=5)

    def ask(request: Request) -> int:
        return barrier.wait()

    assert len(list(RegionalRequests(ask, [Request(str(n), "ok") for n in range(4)], 5))) == 4


# --- a whole large fleet ---


@pytest.mark.slow
def test_10000_pools_with_throttling_and_failures_are_each_screened_or_listed_as_not_seen(read: Serve) -> None:
    shape = Shape(pools=10_000, nodes=1, subscriptions=40, regions=12, metrics=(IOPS,))
    served = read(fleet_world(shape, NOW))
    pools = read_fleet(served.azure).pools
    assert len(pools) == 10_000
    served.local.faults.add("metrics_batch", Fault(status=429, retry_after_seconds=1, share=0.02))
    served.local.faults.add("metrics_batch", Fault(status=500, share=0.01))
    found = screen(served.azure, pools, served.settings, NOW)
    hot = {p.vmss_id for p in hot_pools(shape)}
    assert found.suspects == hot - set(found.not_seen)
    assert all("500" in why for why in found.not_seen.values())
    assert len(found.not_seen) < 100
