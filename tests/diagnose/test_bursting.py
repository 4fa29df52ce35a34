"""Disks and VMs beyond their provisioned limits: while burst credits last, as they run out, and without."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from shared.model import (
    Cause,
    Series,
    Verdict,
)

from .cases import (
    MINUTES,
    QUIET,
    STORM,
    case,
    finding,
    series,
    verdict,
)


def test_credits_that_run_out_in_the_window_are_told_from_a_disk_that_never_burst() -> None:
    used_credits = "OS Disk Used Burst IO Credits Percentage"
    ran_out = tuple(replace(s, values=(40.0, None, 99.5, *[None] * 7)) if s.metric == used_credits else s for s in series(QUIET, STORM))
    assert verdict(case(measured=ran_out)).cause is Cause.DISK_BURST
    assert verdict(case(storm=STORM)).cause is Cause.DISK_IOPS


def test_the_minute_in_which_credits_run_out_counts_as_full_not_as_twice_full() -> None:
    """Its average lies between the burst limit, before, and the provisioned one, after."""
    changed = {"OS Disk Used Burst IO Credits Percentage": (40.0, None, 99.5), "OS Disk IOPS Consumed Percentage": (20.0, 20.0, 205.0, 100.0, 100.0, 100.0),
               "OS Disk Write Operations/Sec": (90.0, 90.0, 1015.0, 490.0, 490.0, 490.0)}
    ran_out = tuple(replace(s, values=(*changed[s.metric], *s.values[len(changed[s.metric]):])) if s.metric in changed else s for s in series(QUIET))
    found = finding(verdict(case(measured=ran_out)), Cause.DISK_BURST)
    assert found.verdict is Verdict.CULPRIT
    assert "at up to 100 % of the limit" in found.evidence[1].text


IO_CREDITS, IOPS, WRITES = "OS Disk Used Burst IO Credits Percentage", "OS Disk IOPS Consumed Percentage", "OS Disk Write Operations/Sec"


def minutes_of(**changed: Sequence[float | None]) -> tuple[Series, ...]:
    """The quiet pool, with other values from the window's first minute on: ``credits``, ``percent``, ``writes``."""
    of = {IO_CREDITS: changed.get("credits", ()), IOPS: changed.get("percent", ()), WRITES: changed.get("writes", ())}
    return tuple(replace(s, values=(*of.get(s.metric, ()), *s.values[len(of.get(s.metric, ())):])) for s in series(QUIET))


BURST_THEN_SPENT = minutes_of(credits=(40.0, None, None, None, 99.5), percent=(20.0, 20.0, 700.0, 700.0, 100.0, 100.0), writes=(90.0, 90.0, 3490.0, 3490.0, 490.0, 490.0))


def test_before_its_credits_ran_out_a_full_disk_was_at_its_burst_limit() -> None:
    d = verdict(case(measured=BURST_THEN_SPENT))
    shares = {f.cause: f.share for f in d.findings if f.share}
    assert shares == {Cause.DISK_IOPS: 0.5, Cause.DISK_BURST: 0.5}
    assert "3,500 IOPS of burst" in finding(d, Cause.DISK_IOPS).evidence[0].text
    assert "the 500 IOPS that are left" in finding(d, Cause.DISK_BURST).evidence[0].text


def test_bytes_are_not_out_of_credits_because_operations_are() -> None:
    out_of_operations = minutes_of(credits=(40.0, None, 99.5))
    full_of_bytes = {"OS Disk Bandwidth Consumed Percentage": 100.0, "OS Disk Write Bytes/sec": 98e6}
    measured = tuple(replace(s, values=tuple(full_of_bytes[s.metric] if m in range(2, 6) else v for m, v in enumerate(s.values)))
                     if s.metric in full_of_bytes else s for s in out_of_operations)
    assert verdict(case(measured=measured)).cause is Cause.DISK_BANDWIDTH


def test_a_disk_that_burst_for_one_of_its_full_minutes_is_told_by_its_provisioned_limit() -> None:
    once = minutes_of(credits=(20.0,) * MINUTES, percent=(20.0, 20.0, 700.0, 100.0, 100.0, 100.0), writes=(90.0, 90.0, 3490.0, 490.0, 490.0, 490.0))
    assert verdict(case(measured=once)).headline.endswith("OS disk at its 500 IOPS")


def test_beyond_its_limit_without_credits_a_disk_is_full() -> None:
    """What went beyond was burst in an earlier part of the minute."""
    assert QUIET[IO_CREDITS] == 100
    d = verdict(case(measured=minutes_of(percent=(20.0, 20.0, 205.0, 205.0, 205.0, 205.0), writes=(90.0, 90.0, 1015.0, 1015.0, 1015.0, 1015.0))))
    assert d.cause is Cause.DISK_IOPS
    assert "at up to 100 % of the limit" in finding(d, Cause.DISK_IOPS).evidence[1].text


def test_reads_that_the_hosts_cache_served_are_none_of_the_disks() -> None:
    cached = {"OS Disk Read Operations/Sec": 3400, IO_CREDITS: 20}
    assert finding(verdict(case(storm=cached)), Cause.DISK_IOPS).verdict is Verdict.CLEARED


@pytest.mark.parametrize("percent", [300, 100, 43], ids=["of the provisioned limit", "ending at 100", "of the burst limit"])
def test_a_disk_that_bursts_far_above_its_provisioned_iops_is_not_used_up(percent: float) -> None:
    """Whichever way Azure's percentage is meant: it is not documented."""
    bursting = {"OS Disk IOPS Consumed Percentage": percent, "OS Disk Write Operations/Sec": 1500, "OS Disk Queue Depth": 8,
                "OS Disk Used Burst IO Credits Percentage": 20}
    assert finding(verdict(case(storm=bursting)), Cause.DISK_IOPS).verdict is Verdict.CLEARED


def test_a_disk_without_credits_for_operations_still_bursts_in_bytes() -> None:
    bursting = {"OS Disk Bandwidth Consumed Percentage": 130, "OS Disk Write Bytes/sec": 129e6, "OS Disk Queue Depth": 8}
    assert QUIET["OS Disk Used Burst IO Credits Percentage"] == 100
    assert finding(verdict(case(storm=bursting)), Cause.DISK_BANDWIDTH).verdict is Verdict.CLEARED


@pytest.mark.parametrize("percent", [700, 100], ids=["of the provisioned limit", "of the burst limit"])
def test_a_disk_that_is_full_while_it_bursts_is_told_by_its_burst_limit(percent: float) -> None:
    bursting = {"OS Disk IOPS Consumed Percentage": percent, "OS Disk Write Operations/Sec": 3490, "OS Disk Queue Depth": 34,
                "OS Disk Used Burst IO Credits Percentage": 20}
    d = verdict(case(storm=bursting))
    assert d.headline.endswith("OS disk at its 3,500 IOPS of burst")
    assert "its 3,500 IOPS of burst are used up on 2 of 2 nodes" in finding(d, Cause.DISK_IOPS).evidence[0].text


BURSTING_VM = {"VM Uncached Bandwidth Consumed Percentage": 177, "OS Disk Bandwidth Consumed Percentage": 170, "OS Disk Write Bytes/sec": 169e6}


@pytest.mark.parametrize(("burst_mb", "cause", "told"), [
    (200, Cause.DISK_BANDWIDTH, "its 170 MB/s of burst are used up"),
    (165, Cause.DISK_VM_CAP, "lets no more than 165 MB/s of burst through"),
])
def test_a_vm_that_bursts_is_judged_by_its_burst_limit(burst_mb: int, cause: Cause, told: str) -> None:
    c = case(storm=BURSTING_VM)
    d = verdict(replace(c, pool=replace(c.pool, vm=replace(c.pool.vm, uncached_burst_iops=8000.0, uncached_burst_bytes_per_second=burst_mb * 1e6))))
    assert d.cause is cause
    assert told in finding(d, cause).evidence[0].text
