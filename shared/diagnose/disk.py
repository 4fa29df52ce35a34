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
from itertools import repeat
from operator import add
from typing import cast

from shared.diagnose.believable import highest_of_each
from shared.diagnose.pressure import Pressure, Pressures
from shared.diagnose.view import Column, Ratios, View
from shared.model import Cause

QUEUE = "OS Disk Queue Depth"
OPERATIONS = ("OS Disk Read Operations/Sec", "OS Disk Write Operations/Sec")
BYTES = ("OS Disk Read Bytes/sec", "OS Disk Write Bytes/sec")
IOPS_PERCENT = "OS Disk IOPS Consumed Percentage"
BANDWIDTH_PERCENT = "OS Disk Bandwidth Consumed Percentage"
CREDITS = ("OS Disk Used Burst IO Credits Percentage", "OS Disk Used Burst BPS Credits Percentage")
CACHED_IOPS, CACHED_BANDWIDTH = "VM Cached IOPS Consumed Percentage", "VM Cached Bandwidth Consumed Percentage"
VM_PERCENT = ("VM Uncached IOPS Consumed Percentage", "VM Uncached Bandwidth Consumed Percentage", CACHED_IOPS, CACHED_BANDWIDTH)
ANY_SIGN = (IOPS_PERCENT, OPERATIONS[1], *VM_PERCENT)
"""Any of these shows that the disk was measured in a minute."""
QUEUE_LOWERS_BAR_TO = 80.0
BURSTING_FROM = 1.1
"""More than this times the provisioned limit means the disk is bursting: the burst limit counts then."""
CREDITS_SPENT, CREDITS_LEFT = 99.0, 95.0
CAUSES = (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_BURST, Cause.DISK_VM_CAP)

def pressures(view: View, node: str) -> Pressures:
    """The disk limit that was used up, for the minutes of interest in which one was."""
    ratios, depth, ran_out = used(view, node), view.column(QUEUE, node), _ran_out(view, node)
    queue_depth, columns = view.limits.queue_depth, tuple(ratios.items())
    found: Pressures = {}
    bar, lower = view.limits.saturated_percent / 100, min(view.limits.saturated_percent, QUEUE_LOWERS_BAR_TO) / 100
    for index, minute in enumerate(view.minutes_of_interest[node]):
        cause, ratio = _most_used(columns, index)
        queue = depth[minute] if depth else None
        if ratio >= (lower if queue is not None and queue > queue_depth else bar):
            burst_gone = ran_out is not None and minute >= ran_out and cause is not Cause.DISK_VM_CAP
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
    if not (disk.sku or disk.iops):  # the scale set could not be read: only what Azure says of the disk itself counts
        return {
            Cause.DISK_IOPS: _own(view, node, minutes, IOPS_PERCENT, OPERATIONS, None, None),
            Cause.DISK_BANDWIDTH: _own(view, node, minutes, BANDWIDTH_PERCENT, BYTES, None, None),
        }
    if disk.kind == "ephemeral":
        return {
            Cause.DISK_IOPS: _own(view, node, minutes, CACHED_IOPS, OPERATIONS, disk.iops, None),
            Cause.DISK_BANDWIDTH: _own(view, node, minutes, CACHED_BANDWIDTH, BYTES, disk.bytes_per_second, None),
        }
    return {
        Cause.DISK_VM_CAP: _vm_cap(view, node, minutes),
        Cause.DISK_IOPS: _own(view, node, minutes, IOPS_PERCENT, OPERATIONS, disk.iops, disk.burst_iops),
        Cause.DISK_BANDWIDTH: _own(view, node, minutes, BANDWIDTH_PERCENT, BYTES, disk.bytes_per_second, disk.burst_bytes_per_second),
    }


def _vm_cap(view: View, node: str, minutes: Sequence[int]) -> list[float | None]:
    columns = [[c[m] for m in minutes] for metric in VM_PERCENT if (c := view.column(metric, node))]
    return [None if v is None else v / 100 for v in highest_of_each(columns)] or [None] * len(minutes)


def _own(view: View, node: str, minutes: Sequence[int], percent_metric: str, metrics: tuple[str, str], limit: float | None,
         burst: float | None) -> list[float | None]:
    """Part used of the disk's own limit: of the burst limit while it bursts, else of the provisioned one.

    Azure's percentage goes before our own division: reads and writes also count what the host cache served.
    """
    column = view.column(percent_metric, node)
    percent = [column[m] for m in minutes] if column else []
    rates = both(view, node, metrics) if burst or not percent or None in percent else ()
    credits_left = _credits_left(view, node) if burst and limit and max(filter(None, rates), default=0.0) > BURSTING_FROM * limit else []
    if percent and not credits_left and None not in percent:
        return [p / 100 for p in cast("list[float]", percent)]
    ratios: list[float | None] = []
    for minute, share in zip(minutes, percent or repeat(None), strict=False):
        rate = rates[minute] if rates else None
        if rate is not None and credits_left and burst and limit and rate > BURSTING_FROM * limit and credits_left[minute]:
            ratios.append(rate / burst)
        elif share is not None:
            ratios.append(share / 100)
        else:
            ratios.append(rate / limit if rate is not None and limit else None)
    return ratios


def both(view: View, node: str, metrics: tuple[str, str]) -> Column:
    """Reads and writes together, minute by minute; a minute that misses one of them is missing."""
    reads, writes = (view.column(m, node) for m in metrics)
    if not (reads and writes):
        return ()
    if None in reads or None in writes:
        return [None if r is None or w is None else r + w for r, w in zip(reads, writes, strict=True)]
    return list(map(add, cast("Sequence[float]", reads), cast("Sequence[float]", writes)))


def _credits_left(view: View, node: str) -> list[bool]:
    """Whether the disk can burst, by minute: credits are reported every fifth minute, so the last report counts."""
    left = [True] * view.minutes
    for metric in CREDITS:
        last = 0.0
        for minute, value in enumerate(view.column(metric, node)):
            last = last if value is None else value
            if last >= CREDITS_SPENT:
                left[minute] = False
    return left


def _ran_out(view: View, node: str) -> int | None:
    """The minute from which the node's credits are gone, if it still had some earlier in the window."""
    return next((spent for metric in CREDITS if (spent := _spent(view, node, metric)) is not None), None)


def _spent(view: View, node: str, metric: str) -> int | None:
    column = view.column(metric, node)
    first = next((v for v in column if v is not None), None)
    if first is None or first >= CREDITS_LEFT:
        return None
    return next((minute for minute, v in enumerate(column) if v is not None and v >= CREDITS_SPENT), None)


def only_byte_credits_ran_out(view: View) -> bool:
    """Whether nodes ran out of credits for bytes, and none of credits for operations."""
    operations, bytes_ = (any(_spent(view, node, metric) is not None for node in view.nodes) for metric in CREDITS)
    return bytes_ and not operations
