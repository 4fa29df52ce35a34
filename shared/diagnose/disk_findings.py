"""What the disk's limits mean, in words and numbers: one finding for each of its four causes."""

from shared.diagnose import disk
from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import Spot, View
from shared.model import Cause, Chart, Evidence, Finding
from shared.units import data_rate, number, percent

NOUNS = {
    Cause.DISK_IOPS: "OS disk IOPS", Cause.DISK_BANDWIDTH: "OS disk bandwidth", Cause.DISK_BURST: "OS disk limit",
    Cause.DISK_VM_CAP: "VM disk limit",
}


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    """One finding a disk cause."""
    return [_finding(view, cause, claims.get(cause)) for cause in disk.CAUSES]


def _finding(view: View, cause: Cause, claim: Claim | None) -> Finding:
    if claim is None and not _measured(view, cause):
        return not_seen(cause, _why_not_seen(view, cause))
    if claim is None and not view.pulls_seen and _was_used_up(view, cause):
        return not_seen(cause, f"{NOUNS[cause]} was used up, but pulls cannot be seen")
    evidence = _culprit_evidence(view, cause, claim) if claim else (_cleared_evidence(view, cause), *_busy_note(view, cause))
    return culprit_or_cleared(cause, claim, evidence)


def _measured(view: View, cause: Cause) -> bool:
    """Whether the metrics that would show this limit were there, and it is known which limit that is."""
    if not (view.case.pool.os_disk.sku or view.case.pool.os_disk.iops):
        return False
    os_disk = view.case.pool.os_disk
    ephemeral = os_disk.kind == "ephemeral"
    match cause:
        case Cause.DISK_BURST:
            return not _can_burst(view) or any(view.seen(m) for m in disk.CREDITS)
        case Cause.DISK_VM_CAP:
            return ephemeral or view.seen_where_slow(*disk.VM_PERCENT)
        case Cause.DISK_IOPS:
            rates = disk.OPERATIONS[1:] if os_disk.iops else ()
            return view.seen_where_slow(disk.CACHED_IOPS if ephemeral else disk.IOPS_PERCENT, *rates)
        case _:
            rates = disk.BYTES[1:] if os_disk.bytes_per_second else ()
            return view.seen_where_slow(disk.CACHED_BANDWIDTH if ephemeral else disk.BANDWIDTH_PERCENT, *rates)


def _was_used_up(view: View, cause: Cause) -> bool:
    peak = None if cause is Cause.DISK_BURST else _peak_ratio(view, cause)
    return peak is not None and peak[0] * 100 >= min(disk.QUEUE_LOWERS_BAR_TO, view.limits.saturated_percent)


def _can_burst(view: View) -> bool:
    return view.case.pool.os_disk.kind == "managed" and bool(view.case.pool.os_disk.burst_iops)


def _why_not_seen(view: View, cause: Cause) -> str:
    if view.coverage("metrics") in ("failed", "missing"):
        return "disk metrics could not be read"
    return f"Azure sent no value that shows {cause.value}"


# --- to blame ---


def limit_text(view: View, cause: Cause) -> str:
    """``500 IOPS``, ``64 MB/s``: the limit that binds, in words."""
    os_disk, vm = view.case.pool.os_disk, view.case.pool.vm
    if cause is Cause.DISK_VM_CAP:
        caps = [f"{number(vm.uncached_iops)} IOPS"] if vm.uncached_iops else []
        caps += [data_rate(vm.uncached_bytes_per_second)] if vm.uncached_bytes_per_second else []
        return " and ".join(caps) or "disk limit"
    if cause is Cause.DISK_BANDWIDTH:
        return data_rate(os_disk.bytes_per_second) if os_disk.bytes_per_second else "bandwidth"
    return f"{number(os_disk.iops)} IOPS" if os_disk.iops else "IOPS"


def _culprit_evidence(view: View, cause: Cause, claim: Claim) -> tuple[Evidence, ...]:
    found = [Evidence(_what_binds(view, cause, claim)), _used_evidence(view, cause, claim)]
    depth, limit = view.peak(disk.QUEUE), view.limits.queue_depth
    if depth is not None:
        usual = view.usual(disk.QUEUE)
        known = f"usually {number(round(usual))}, " if usual is not None else ""
        found.append(Evidence(f"Queue depth {number(round(depth.value))} ({known}limit {number(limit)})", metric=disk.QUEUE,
                              value=depth.value, unit="Count", limit=limit, node=depth.node, at=depth.at))
    return tuple(found)


def _what_binds(view: View, cause: Cause, claim: Claim) -> str:
    where = f"on {len(claim.nodes)} of {max(view.case.pool.node_count, len(claim.nodes))} nodes"
    limit = limit_text(view, cause)
    match cause:
        case Cause.DISK_BURST:
            return f"The OS disk is the bottleneck: its burst credits ran out, and {limit} are left {where}"
        case Cause.DISK_VM_CAP:
            return f"The VM size is the bottleneck: {view.case.pool.vm_size} lets {limit} through to its disks, all used up {where}"
        case _:
            kind = "ephemeral OS disk" if view.case.pool.os_disk.kind == "ephemeral" else "OS disk"
            verb = "is" if cause is Cause.DISK_BANDWIDTH else "are"
            return f"The {kind} is the bottleneck: its {limit} {verb} used up {where}"


def _used_evidence(view: View, cause: Cause, claim: Claim) -> Evidence:
    """How much of the limit was used, and for how many of the minutes in which slow pulls went on."""
    ratio, spot = _peak_ratio(view, cause) or (0.0, None)
    slow = len({minute for minutes in view.slow_minutes.values() for minute in minutes})
    return Evidence(
        f"{NOUNS[cause]} {percent(ratio)} used, for {claim.minutes} of the {slow} minutes with slow pulls",
        metric=NOUNS[cause], value=round(ratio * 100, 1), unit="Percent", limit=view.limits.saturated_percent,
        node=spot.node if spot else "", at=view.time(spot.minute) if spot else None)


def _ratios(view: View, cause: Cause, node: str) -> list[float | None]:
    """Part used of the limit in the node's minutes of interest; of either limit where credits ran out."""
    found = disk.used(view, node)
    if cause is not Cause.DISK_BURST:
        return found.get(cause, [])
    both = zip(found[Cause.DISK_IOPS], found[Cause.DISK_BANDWIDTH], strict=True)
    return [max((r for r in pair if r is not None), default=None) for pair in both]


def _peak_ratio(view: View, cause: Cause) -> tuple[float, Spot] | None:
    """The highest part used, and where; the earliest of equals."""
    tops = []
    for node, minutes in view.minutes_of_interest.items():
        known = [(r, -m) for r, m in zip(_ratios(view, cause, node), minutes, strict=False) if r is not None]
        if known:
            ratio, minute = max(known)
            tops.append((ratio, minute, node))
    if not tops:
        return None
    ratio, minute, node = max(tops)
    return ratio, Spot(node, -minute)


def chart(view: View, cause: Cause) -> Chart:
    """The queue of the worst node, minute by minute; the part of the limit used where no queue was measured."""
    if view.seen(disk.QUEUE):
        return Chart(disk.QUEUE, "Count", view.start, 60, view.worst(disk.QUEUE), limit=view.limits.queue_depth, usual=view.usual(disk.QUEUE))
    columns = [disk.used_in(view, node, range(view.minutes)).get(cause, []) for node in view.nodes]
    worst = (max((r for r in minute if r is not None), default=None) for minute in zip(*filter(None, columns), strict=True))
    return Chart(f"{NOUNS[cause]} used", "Percent", view.start, 60, tuple(None if r is None else round(r * 100, 1) for r in worst), limit=100.0)


# --- not to blame ---


def _cleared_evidence(view: View, cause: Cause) -> Evidence:
    if cause is Cause.DISK_BURST:
        return Evidence("burst credits did not run out" if _can_burst(view) else "the disk does not burst")
    if cause is Cause.DISK_VM_CAP and view.case.pool.os_disk.kind == "ephemeral":
        return Evidence("an ephemeral disk has no limit besides the VM's own, judged as its IOPS and bandwidth")
    peak = _peak_ratio(view, cause)
    if peak is None:
        return Evidence("not used up in any minute")
    ratio, spot = peak
    noun = {Cause.DISK_IOPS: "of the IOPS", Cause.DISK_BANDWIDTH: "of the bandwidth"}.get(cause, "of the VM's disk limits")
    return Evidence(f"at most {percent(ratio)} {noun}", metric=cause.value, value=round(ratio * 100, 1),
                    unit="Percent", limit=view.limits.saturated_percent, node=spot.node, at=view.time(spot.minute))


def _busy_note(view: View, cause: Cause) -> tuple[Evidence, ...]:
    """A deep queue is worth a remark where pulls are fine all the same."""
    depth = view.peak(disk.QUEUE)
    if cause is not Cause.DISK_IOPS or view.slow or depth is None or depth.value <= view.limits.queue_depth:
        return ()
    return (Evidence(
        f"OS disk queue depth reached {number(round(depth.value))} (limit {number(view.limits.queue_depth)}) without slowing any pull",
        metric=disk.QUEUE, value=depth.value, unit="Count", limit=view.limits.queue_depth, node=depth.node, at=depth.at),)
