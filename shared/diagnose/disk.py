"""The OS disk: image layers are written there, and four different limits can hold them up.

* ``disk.iops`` and ``disk.bandwidth``: the disk's own limits (for an ephemeral disk: what the VM's cache
  or temp disk gives);
* ``disk.burst``: the same limits, reached because burst credits ran out in the window;
* ``disk.vm_cap``: the VM's cached or uncached limit, where that is below the disk's own.

Queue depth alone proves nothing: 10 to 17 is an ordinary working load, and a deep queue on a disk below
its limits costs nothing. It only lowers the bar from 95 % to 80 %, because a minute's average hides the
seconds in which the limit was reached.
Sources: "Disk metrics", "Managed disk bursting", "Virtual machine and disk performance".
"""

from collections.abc import Sequence
from operator import add
from typing import cast

from shared.diagnose.believable import highest_of_each
from shared.diagnose.pressure import Pressure, Pressures
from shared.diagnose.view import Column, Ratios, View
from shared.model import Cause, OsDisk, VmLimits

QUEUE = "OS Disk Queue Depth"
OPERATIONS = ("OS Disk Read Operations/Sec", "OS Disk Write Operations/Sec")
BYTES = ("OS Disk Read Bytes/sec", "OS Disk Write Bytes/sec")
IOPS_PERCENT = "OS Disk IOPS Consumed Percentage"
BANDWIDTH_PERCENT = "OS Disk Bandwidth Consumed Percentage"
CREDITS = ("OS Disk Used Burst IO Credits Percentage", "OS Disk Used Burst BPS Credits Percentage")
CACHED_IOPS, CACHED_BANDWIDTH = "VM Cached IOPS Consumed Percentage", "VM Cached Bandwidth Consumed Percentage"
UNCACHED_IOPS, UNCACHED_BANDWIDTH = "VM Uncached IOPS Consumed Percentage", "VM Uncached Bandwidth Consumed Percentage"
VM_PERCENT = (UNCACHED_IOPS, UNCACHED_BANDWIDTH, CACHED_IOPS, CACHED_BANDWIDTH)
ANY_SIGN = (IOPS_PERCENT, OPERATIONS[1], *VM_PERCENT)
"""Any of these shows that the disk was measured in a minute."""
QUEUE_LOWERS_BAR_TO = 80.0
BURSTING_FROM = 1.1
"""More than this times its limit means that a disk or a VM is bursting: the burst limit counts then."""
CREDITS_SPENT, CREDITS_LEFT = 99.0, 95.0
CAUSES = (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_BURST, Cause.DISK_VM_CAP)
_OWN_PERCENT = {Cause.DISK_IOPS: IOPS_PERCENT, Cause.DISK_BANDWIDTH: BANDWIDTH_PERCENT}
_CACHED_PERCENT = {Cause.DISK_IOPS: CACHED_IOPS, Cause.DISK_BANDWIDTH: CACHED_BANDWIDTH}
"""An ephemeral disk's: it has what the VM's cache or temp disk gives."""
_RATES = {Cause.DISK_IOPS: OPERATIONS, Cause.DISK_BANDWIDTH: BYTES}
_CREDITS = dict(zip(_RATES, CREDITS, strict=True))
"""Two buckets: one may be empty while the other is full."""


def pressures(view: View, node: str) -> Pressures:
    """The disk limit that was used up, for the minutes of interest in which one was; worked out once."""
    if node not in view.disk_pressures:
        view.disk_pressures[node] = _pressures(view, node)
    return view.disk_pressures[node]


def _pressures(view: View, node: str) -> Pressures:
    ratios, depth = used(view, node), view.column(QUEUE, node)
    ran_out = {cause: minute for cause, metric in _CREDITS.items() if (minute := _spent(view, node, metric)) is not None}
    queue_depth, columns = view.limits.queue_depth, tuple(ratios.items())
    found: Pressures = {}
    bar, lower = view.limits.saturated_percent / 100, min(view.limits.saturated_percent, QUEUE_LOWERS_BAR_TO) / 100
    for index, (minute, most) in enumerate(zip(view.minutes_of_interest[node], highest_of_each(ratios.values()), strict=False)):
        if most is None or most < lower:
            continue
        cause, ratio = _most_used(columns, index)
        queue = depth[minute] if depth else None
        if ratio >= (lower if queue is not None and queue > queue_depth else bar):
            burst_gone = cause in ran_out and minute >= ran_out[cause]
            found[minute] = Pressure(Cause.DISK_BURST if burst_gone else cause, ratio)
    return found


def _most_used(columns: Sequence[tuple[Cause, Column]], index: int) -> tuple[Cause, float]:
    """The tightest limit; of equals the first in the order of ``used``: a VM's cap before the disk's own."""
    best, most = Cause.DISK_IOPS, -1.0
    for cause, column in columns:
        ratio = column[index]
        if ratio is not None and ratio > most:
            best, most = cause, ratio
    return best, most


def used(view: View, node: str) -> Ratios:
    """Part used of each limit of the node's disk in its minutes of interest; worked out once."""
    if node not in view.disk_use:
        view.disk_use[node] = used_in(view, node, view.minutes_of_interest[node])
    return view.disk_use[node]


def used_in(view: View, node: str, minutes: Sequence[int]) -> Ratios:
    """Part used of each limit of the node's disk."""
    disk = view.model(node).os_disk
    known = bool(disk.sku or disk.iops)  # else the scale set could not be read: only what Azure says of the disk itself counts
    percents = _CACHED_PERCENT if known and disk.kind == "ephemeral" else _OWN_PERCENT
    own = {cause: _own(view, node, minutes, cause, metric) for cause, metric in percents.items()}
    return {Cause.DISK_VM_CAP: _vm_cap(view, node, minutes)} | own if known and disk.kind != "ephemeral" else own


def _vm_cap(view: View, node: str, minutes: Sequence[int]) -> list[float | None]:
    percents = highest_of_each(vm_percent(view, metric, node, minutes) for metric in VM_PERCENT)
    return [None if p is None else p / 100 for p in percents] or [None] * len(minutes)


def vm_percent(view: View, metric: str, node: str, minutes: Sequence[int]) -> list[float | None]:
    """One of the VM's percentages: of its burst limit where it is beyond the other. Azure does not say which it means."""
    column = view.column(metric, node)
    percents = [column[m] for m in minutes] if column else []
    base, burst = vm_limits(view.model(node).vm, metric)
    if not (base and burst and _goes_beyond(percents, 100.0)):
        return percents
    return [p * base / burst if p is not None and p > 100 * BURSTING_FROM else p for p in percents]


def vm_limits(vm: VmLimits, metric: str) -> tuple[float | None, float | None]:
    """What is 100 % of one of the VM's percentages: without bursting, and with it (not published for the cache)."""
    return {
        UNCACHED_IOPS: (vm.uncached_iops, vm.uncached_burst_iops),
        UNCACHED_BANDWIDTH: (vm.uncached_bytes_per_second, vm.uncached_burst_bytes_per_second),
        CACHED_IOPS: (vm.cached_iops, None),
        CACHED_BANDWIDTH: (vm.cached_bytes_per_second, None),
    }[metric]


def _own(view: View, node: str, minutes: Sequence[int], cause: Cause, percent_metric: str) -> list[float | None]:
    """Part used of the disk's own limit: of the burst limit while it bursts, else of the provisioned one.

    Azure's percentage goes before our own division: reads and writes also count what the host cache served.
    """
    column, (limit, burst) = view.column(percent_metric, node), own_limits(view.model(node).os_disk, cause)
    percents = [column[m] for m in minutes] if column else [None] * len(minutes)
    found = both(view, node, _RATES[cause]) if limit and (burst or None in percents) else ()
    bursts = limit and burst and (_goes_beyond(found, limit) or _goes_beyond(percents, 100.0))
    rates: list[float | None] = []
    if limit and found and (bursts or None in percents):
        rates = [None if (rate := found[m]) is None else rate * 100 / limit for m in minutes]
        percents = [rate if p is None else p for p, rate in zip(percents, rates, strict=True)]
    if limit and burst and bursts:
        left = _credits_left(view, node, _CREDITS[cause])
        measured = zip(percents, rates or percents, (left[m] for m in minutes), strict=True)
        percents = [_while_it_bursts(*minute, limit / burst) for minute in measured]
    return [None if p is None else p / 100 for p in percents]


def _goes_beyond(values: Column, limit: float) -> bool:
    """Whether it bursts in any minute."""
    return max(filter(None, values), default=0.0) > BURSTING_FROM * limit


def _while_it_bursts(percent: float | None, rate_percent: float | None, credits_left: bool, base_to_burst: float) -> float | None:
    """Percent of the burst limit, if that is in force; ``rate_percent``: what was measured, of the provisioned limit.

    Azure does not say which limit its percentage means while a disk bursts, nor whether it ends at 100; the host's cache adds to
    the rate only: so the lower of the two counts. In the minute in which the credits ran out, the disk was full at one limit and
    then at the other.
    """
    if percent is None:
        return None
    beyond = 100 * BURSTING_FROM
    if max(percent, rate_percent or 0.0) <= beyond:
        return percent
    if not credits_left:
        return min(percent, 100.0)
    of_burst = percent * base_to_burst if percent > beyond else percent
    return of_burst if rate_percent is None or rate_percent <= beyond else min(of_burst, rate_percent * base_to_burst)


def both(view: View, node: str, metrics: tuple[str, str]) -> Column:
    """Reads and writes together, minute by minute; a minute that misses one of them is missing."""
    reads, writes = (view.column(m, node) for m in metrics)
    if not (reads and writes):
        return ()
    if None in reads or None in writes:
        return [None if r is None or w is None else r + w for r, w in zip(reads, writes, strict=True)]
    return list(map(add, cast("Sequence[float]", reads), cast("Sequence[float]", writes)))


def own_limits(disk: OsDisk, cause: Cause) -> tuple[float | None, float | None]:
    """Of operations or of bytes a second: the provisioned one, and that of bursting."""
    return (disk.iops, disk.burst_iops) if cause is Cause.DISK_IOPS else (disk.bytes_per_second, disk.burst_bytes_per_second)


def mostly_bursting(view: View, cause: Cause) -> bool:
    """Whether it was mostly while bursting that the disk's operations or bytes were used up."""
    key = f"{cause} while bursting"
    if key not in view.notes:
        minutes = [_minutes_full(view, node, cause) for node in view.minutes_of_interest]
        view.notes[key] = 2 * sum(bursting for _, bursting in minutes) > sum(full for full, _ in minutes)
    return bool(view.notes[key])


def _minutes_full(view: View, node: str, cause: Cause) -> tuple[int, int]:
    """(minutes in which the limit was used up, those of them in which the disk was bursting)."""
    full = [minute for minute, pressure in pressures(view, node).items() if pressure.cause is cause]
    base, burst = own_limits(view.model(node).os_disk, cause)
    rates = both(view, node, _RATES[cause]) if base and burst else ()
    if not base or not _goes_beyond(rates, base):
        return len(full), 0
    return len(full), sum((rates[minute] or 0.0) > BURSTING_FROM * base for minute in full)


def _credits_left(view: View, node: str, metric: str) -> list[bool]:
    """Whether the disk can burst, by minute: credits are reported every fifth minute, so the last report counts."""
    left, last = [True] * view.minutes, 0.0
    for minute, value in enumerate(view.column(metric, node)):
        last = last if value is None else value
        left[minute] = last < CREDITS_SPENT
    return left


def _spent(view: View, node: str, metric: str) -> int | None:
    """The minute from which the node's credits are gone, if it still had some earlier in the window."""
    column = view.column(metric, node)
    first = next((v for v in column if v is not None), None)
    if first is None or first >= CREDITS_LEFT:
        return None
    return next((minute for minute, v in enumerate(column) if v is not None and v >= CREDITS_SPENT), None)


def only_byte_credits_ran_out(view: View) -> bool:
    """Whether nodes ran out of credits for bytes, and none of credits for operations."""
    operations, bytes_ = (any(_spent(view, node, metric) is not None for node in view.nodes) for metric in CREDITS)
    return bytes_ and not operations
