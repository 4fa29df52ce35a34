"""Remedies done to the model: the same pulls, one condition changed."""

from datetime import UTC, datetime

import pytest

from local.world import SCENARIOS, Change, after, build
from local.world.build import scenario_named, window_pulls
from local.world.change import changed
from local.world.run import run
from local.world.skus import vm_size

NOW = datetime(2026, 3, 4, 10, 42, 17, tzinfo=UTC)


@pytest.mark.parametrize("name", ["disk-iops", "acr-throttled", "latest-always", "firewall-full"])
def test_no_change_is_the_same_world(name: str) -> None:
    assert after(name, 3, NOW, Change()) == build(name, 3, NOW).truths[0]


@pytest.mark.parametrize(("name", "change"), [
    ("disk-iops", Change(os_disk_gib=512)),
    ("disk-iops", Change(os_disk_kind="ephemeral")),
    ("disk-iops", Change(vm_size="Standard_D4ads_v5", os_disk_kind="ephemeral", os_disk_gib=150)),
    ("disk-bandwidth", Change(os_disk_kind="managed", os_disk_gib=1024)),
    ("vm-cap-below-disk", Change(vm_size="Standard_DS3_v2")),
    ("acr-throttled", Change(registry_sku="Premium")),
    ("cross-region", Change(replica_region="westeurope")),
    ("node-provisioning-serial", Change(parallel_pulls=True)),
    ("snat-fixed-ports", Change(outbound_ports=1024)),
    ("nat-gateway-exhausted", Change(public_ips=4)),
    ("firewall-full", Change(firewall_tier="Standard")),
    ("cpu-held-by-neighbour", Change(vm_size="Standard_D8s_v5")),
    ("nic-full", Change(vm_size="Standard_D2s_v5")),
])
def test_a_remedy_for_the_cause_makes_pulls_at_least_a_third_faster(name: str, change: Change) -> None:
    before, then = after(name, 0, NOW, Change()), after(name, 0, NOW, change)
    assert (then.p95_seconds or 0) < 0.67 * (before.p95_seconds or 0)


def test_an_ephemeral_disk_makes_a_pool_slower_whose_bandwidth_binds() -> None:
    before, then = (after("e10-bandwidth", 0, NOW, change) for change in (Change(vm_size="Standard_D2s_v3"), Change(vm_size="Standard_D2s_v3", os_disk_kind="ephemeral", os_disk_gib=48)))
    assert (then.p95_seconds or 0) > 1.2 * (before.p95_seconds or 0)


def test_a_remedy_for_another_cause_changes_little() -> None:
    before, then = (after("firewall-full", 0, NOW, change) for change in (Change(), Change(os_disk_kind="managed", os_disk_gib=1024)))
    assert then.p95_seconds == pytest.approx(before.p95_seconds, rel=0.15)


def test_without_always_only_the_first_fetch_is_left() -> None:
    assert after("latest-always", 0, NOW, Change()).slow_pulls == 96
    assert after("latest-always", 0, NOW, Change(always_pull=False)).slow_pulls == 16


@pytest.mark.parametrize("change", [Change(os_disk_gib=512), Change(registry_sku="Basic"), Change(parallel_pulls=False), Change(vm_size="Standard_D8s_v3")])
def test_the_pods_are_the_same_whatever_is_changed(change: Change) -> None:
    scenario = scenario_named("disk-iops")
    before, then = run(scenario, 1, NOW), run(changed(scenario, change), 1, NOW)
    assert [(p.name, p.node, p.at, p.images) for p in before.plan.pods] == [(p.name, p.node, p.at, p.images) for p in then.plan.pods]
    assert {p.pod.name for p in window_pulls(then)} <= {p.name for p in before.plan.pods}


def test_a_bigger_vm_runs_the_same_work() -> None:
    bigger = changed(scenario_named("cpu-held-by-neighbour"), Change(vm_size="Standard_D8s_v5"))
    assert bigger.neighbour is not None
    assert bigger.neighbour.workload.cpu_share == pytest.approx(0.6)


def test_an_ephemeral_disk_goes_where_azure_puts_it_and_only_if_it_fits() -> None:
    cached = changed(scenario_named("disk-iops"), Change(os_disk_kind="ephemeral"))
    assert (cached.disk.placement, cached.disk.size_gib) == ("CacheDisk", 100)
    assert changed(scenario_named("disk-iops"), Change(vm_size="Standard_D4ds_v6", os_disk_kind="ephemeral")).disk.placement == "NvmeDisk"
    with pytest.raises(ValueError, match="100 GiB"):
        changed(scenario_named("disk-iops"), Change(os_disk_kind="ephemeral", os_disk_gib=128))
    with pytest.raises(ValueError, match="0 GiB"):
        changed(scenario_named("disk-iops"), Change(os_disk_kind="ephemeral", vm_size="Standard_D4s_v5"))


def test_a_size_the_model_lacks_is_answered_with_those_it_has() -> None:
    with pytest.raises(ValueError, match="Standard_D4s_v3"):
        after("disk-iops", 0, NOW, Change(vm_size="Standard_X1"))
    with pytest.raises(ValueError, match=next(iter(SCENARIOS))):
        after("nothing-like-it", 0, NOW, Change())


def test_a_size_whose_page_was_not_read_has_the_limits_that_the_api_lists() -> None:
    size = vm_size("Standard_D2as_v6")
    assert (size.vcpus, size.uncached_iops, size.uncached_bytes_per_second, size.placements) == (2, 4000, 90e6, "")
    assert after("disk-iops", 0, NOW, Change(vm_size="Standard_D2as_v6")).slow_pulls > 0
