"""What is proposed for which culprit, in which order, and what is said of it."""


import pytest
from msgspec.structs import replace

from shared.diagnose import diagnose
from shared.model import (
    Cause,
    Registry,
    Thresholds,
)

from .cases import (
    BANDWIDTH_STORM,
    EPHEMERAL,
    EPHEMERAL_QUIET,
    NODES,
    SLOW,
    STORM,
    case,
    pull,
    remedies_of,
    verdict,
)


def test_an_iops_bound_pool_gains_from_ephemeral_and_a_bigger_disk() -> None:
    d = verdict(case(storm=STORM))
    assert d.culprit is not None
    first, second, *_ = d.culprit.remedies
    assert "--node-osdisk-type Ephemeral --node-osdisk-size 100" in first.command + second.command
    assert "8,000 IOPS, 64 MB/s, needs ≤ 100 GiB" in first.title + second.title
    assert all(r.p95_seconds is not None and r.p95_seconds < 70 for r in (first, second))


def test_a_bandwidth_bound_ephemeral_pool_is_told_a_managed_disk_up_to_the_vm_cap_then_a_bigger_vm() -> None:
    d = verdict(case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM))
    assert d.culprit is not None
    managed, *others = d.culprit.remedies
    assert "96 MB/s, the VM's cap" in managed.title
    assert managed.p95_seconds is not None
    assert 150 < managed.p95_seconds < 170
    assert any("Standard_D4ds_v5" in r.title and r.p95_seconds is not None and r.p95_seconds < 70 for r in others)


def test_a_managed_pool_bound_by_bandwidth_is_warned_of_ephemeral() -> None:
    storm = {"VM Uncached Bandwidth Consumed Percentage": 100, "OS Disk Bandwidth Consumed Percentage": 96, "OS Disk Write Bytes/sec": 95e6}
    d = verdict(case(storm=storm, pulls=SLOW))
    assert d.culprit is not None
    (warning,) = [r for r in d.culprit.remedies if r.worse]
    assert "Ephemeral OS disk (8,000 IOPS, 64 MB/s" in warning.title
    assert warning.command == ""
    assert warning.p95_seconds is not None
    assert warning.p95_seconds > 240


def test_what_a_size_has_of_what_is_short_is_told_first() -> None:
    cpu, nic = verdict(case(storm={"Percentage CPU": 98})), verdict(case(storm={"Network In Total": 14e9}))
    assert any("Standard_D4ds_v5 (4 vCPUs, 19,000 IOPS" in r.title for r in remedies_of(cpu))
    assert any("Standard_D4ds_v5 (12.5 Gbit/s, 19,000 IOPS" in r.title for r in remedies_of(nic))


def test_a_size_whose_link_is_not_published_is_none_for_a_full_link() -> None:
    unpublished = tuple(replace(vm, network_bits_per_second=None) for vm in case().other_vms)
    assert not any("Standard_D4ds_v5" in r.title for r in remedies_of(verdict(case(storm={"Network In Total": 14e9}, other_vms=unpublished))))


def test_one_full_core_is_no_question_of_what_else_uses_the_cpu() -> None:
    d = verdict(case(storm={"Percentage CPU": 56}))
    assert d.cause is Cause.CPU_UNPACK
    assert not any(r.title.startswith("CPU limits") for r in remedies_of(d))


def test_a_full_cpu_is_first_a_question_of_what_else_uses_it() -> None:
    first = remedies_of(verdict(case(storm={"Percentage CPU": 98})))[0]
    assert (first.title, first.p95_seconds) == ("CPU limits for what else runs on these nodes", None)
    assert first.command == "kubectl top pods --all-namespaces --sort-by=cpu"


@pytest.mark.parametrize(("disk_burst_iops", "whose"), [(None, "the VM's burst credits"), (3500.0, "burst credits")])
def test_a_prediction_says_on_whose_burst_credits_it_counts(disk_burst_iops: float | None, whose: str) -> None:
    """The disk's 150 or 200 MB/s go through the VM's 96 only while it bursts to 200."""
    bound = case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM)
    vm = replace(bound.pool.vm, uncached_burst_iops=8000.0, uncached_burst_bytes_per_second=200e6)
    tiers = tuple(replace(tier, burst_iops=disk_burst_iops) for tier in bound.disk_tiers)
    bursting = replace(bound, pool=replace(bound.pool, vm=vm), disk_tiers=tiers)
    assert f"That is while {whose} last" in next(r.note for r in remedies_of(verdict(bursting)) if "Managed" in r.command)


def test_a_remedy_that_leaves_p95_where_it_is_says_so() -> None:
    """A replica nearby ends the distance, but the pull is as slow as it was: one core unpacks no faster."""
    far = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus", "westus"))
    nearly_all_unpacking = tuple(pull(node, 6, 12.5 + 1) for node in NODES)
    limits = Thresholds(slow_pull_seconds=10.0)
    (replica,) = remedies_of(diagnose(case(registries=(far,), pulls=nearly_all_unpacking), limits))
    assert replica.p95_seconds == 13.0
    assert replica.note.endswith("the slowest pulls would then be held up by something else")
