"""What the disk's limits mean, in words and numbers: one finding for each of its four causes."""

from shared.diagnose import disk
from shared.diagnose.believable import highest_of_each
from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import Spot, View
from shared.model import Cause, Chart, Evidence, Finding
from shared.units import data_rate, number, percent, rough

NOUNS = {Cause.DISK_IOPS: "OS disk IOPS", Cause.DISK_BANDWIDTH: "OS disk bandwidth"}
_SHOWN_BY = {
    Cause.DISK_IOPS: (disk.IOPS_PERCENT, disk.CACHED_IOPS, disk.OPERATIONS[1]), Cause.DISK_BURST: disk.CREDITS, Cause.DISK_VM_CAP: disk.VM_PERCENT,
    Cause.DISK_BANDWIDTH: (disk.BANDWIDTH_PERCENT, disk.CACHED_BANDWIDTH, disk.BYTES[1]),
}
_NO_LIMIT = {Cause.DISK_IOPS: "IOPS", Cause.DISK_BANDWIDTH: "bandwidth"}
"""What a limit is called whose value is not published."""


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    """One finding a disk cause."""
    return [_finding(view, cause, claims.get(cause)) for cause in disk.CAUSES]


def _finding(view: View, cause: Cause, claim: Claim | None) -> Finding:
    if claim is None and not _measured(view, cause):
        return not_seen(cause, _why_not_seen(view, cause))
    if claim is None and not view.pulls_seen and _was_used_up(view, cause):
        return not_seen(cause, f"{_noun(view, cause)} used up, but pulls cannot be seen")
    evidence = _culprit_evidence(view, cause, claim) if claim else (_cleared_evidence(view, cause), *_busy_note(view, cause))
    return culprit_or_cleared(cause, claim, evidence)


def _measured(view: View, cause: Cause) -> bool:
    """Whether the metrics that would show this limit were there, and it is known which limit that is."""
    os_disk = view.case.pool.os_disk
    if not (os_disk.sku or os_disk.iops):
        return False
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
    return any(model.os_disk.kind == "managed" and model.os_disk.burst_iops for model in view.models)


def _why_not_seen(view: View, cause: Cause) -> str:
    if view.coverage("metrics") in ("failed", "missing"):
        return "disk metrics could not be read"
    os_disk = view.case.pool.os_disk
    if not (os_disk.sku or os_disk.iops):
        return "the nodes' OS disks are of several kinds" if view.case.models else "which disk the nodes have is not known"
    return f"use was {view.unseen(*_SHOWN_BY[cause])}"


# --- to blame ---


def limit_text(view: View, cause: Cause) -> str:
    """``500 IOPS``, ``64 MB/s``, ``3,500 IOPS of burst``: the limit that binds, in words."""
    kind, (limit, burst) = _binding(view, cause), _limit(view, cause)
    if not limit:
        return _NO_LIMIT[kind]
    amount = data_rate(limit) if kind is Cause.DISK_BANDWIDTH else f"{number(limit)} IOPS"
    return f"{amount} of burst" if burst else amount


def _limit(view: View, cause: Cause) -> tuple[float | None, bool]:
    """The limit that binds, a second, and whether it is one of bursting."""
    if cause is Cause.DISK_VM_CAP:
        metric, burst = _tightest_cap(view)
        return disk.vm_limits(view.case.pool.vm, metric)[burst], burst
    burst = cause is not Cause.DISK_BURST and disk.mostly_bursting(view, cause)
    return disk.own_limits(view.case.pool.os_disk, _binding(view, cause))[burst], burst


def _binding(view: View, cause: Cause) -> Cause:
    """Whether operations or bytes are what the limit counts: of credits those that ran out, of a VM's caps the tightest."""
    match cause:
        case Cause.DISK_VM_CAP:
            return Cause.DISK_BANDWIDTH if "Bandwidth" in _tightest_cap(view)[0] else Cause.DISK_IOPS
        case Cause.DISK_BURST:
            return Cause.DISK_BANDWIDTH if disk.only_byte_credits_ran_out(view) else Cause.DISK_IOPS
        case _:
            return cause


def _tightest_cap(view: View) -> tuple[str, bool]:
    """The metric of the VM's cap that was used most, and whether the VM burst then."""
    if "tightest_cap" not in view.notes:
        tops = ((p, metric, p != view.column(metric, node)[minute]) for metric in disk.VM_PERCENT for node, minutes in view.minutes_of_interest.items()
                for minute, p in zip(minutes, disk.vm_percent(view, metric, node, minutes), strict=False) if p is not None)
        view.notes["tightest_cap"] = max(tops, key=lambda top: top[0], default=(0.0, disk.VM_PERCENT[0], False))[1:]
    metric, burst = view.notes["tightest_cap"]
    return metric, burst


def _noun(view: View, cause: Cause) -> str:
    noun = NOUNS[_binding(view, cause)]
    return noun.replace("OS disk", "VM's disk") if cause is Cause.DISK_VM_CAP else noun


def _culprit_evidence(view: View, cause: Cause, claim: Claim) -> tuple[Evidence, ...]:
    found = [Evidence(_what_binds(view, cause, claim)), _used_evidence(view, cause, claim)]
    depth, limit = view.peak(disk.QUEUE), view.limits.queue_depth
    if depth is not None:
        usual = view.usual(disk.QUEUE)
        known = f"usually {rough(usual)}, " if usual is not None else ""
        found.append(Evidence(f"Queue depth up to {rough(depth.value)} ({known}limit {number(limit)})", metric=disk.QUEUE,
                              value=depth.value, unit="Count", limit=limit, node=depth.node, at=depth.at))
    return tuple(found)


def _what_binds(view: View, cause: Cause, claim: Claim) -> str:
    held = view.of(claim.nodes)
    where, limit = view.on_nodes(claim.nodes), limit_text(held, cause)
    match cause:
        case Cause.DISK_BURST:
            return f"its burst credits ran out, and the {limit} that are left are used up {where}"
        case Cause.DISK_VM_CAP:
            return f"{held.case.pool.vm_size} lets no more than {limit} through to its disks, all used up {where}"
        case _:
            return f"its {limit} are used up {where}"


def _used_evidence(view: View, cause: Cause, claim: Claim) -> Evidence:
    """How much of the limit was used, and for how many of the minutes in which slow pulls went on."""
    ratio, spot = _peak_ratio(view, cause) or (0.0, None)
    slow = len({minute for minutes in view.slow_minutes.values() for minute in minutes})
    return Evidence(
        f"{_noun(view, cause)} at up to {percent(ratio)} of the limit, in {_of_minutes(claim.minutes, slow)} with slow pulls",
        metric=_noun(view, cause), value=round(ratio * 100, 1), unit="Percent", limit=view.limits.saturated_percent,
        node=spot.node if spot else "", at=view.time(spot.minute) if spot else None)


def _of_minutes(count: int, total: int) -> str:
    """``4 of the 7 minutes``, ``all 6 minutes``, ``the one minute``."""
    if count < total:
        return f"{count} of the {total} minutes"
    return f"all {total} minutes" if total > 1 else "the one minute"


def _ratios(view: View, cause: Cause, node: str) -> list[float | None]:
    """Part used of the limit in the node's minutes of interest; of either limit where credits ran out."""
    found = disk.used(view, node)
    if cause is not Cause.DISK_BURST:
        return found.get(cause, [])
    return highest_of_each([found[Cause.DISK_IOPS], found[Cause.DISK_BANDWIDTH]])


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
    worst = highest_of_each(disk.used_in(view, node, range(view.minutes)).get(cause, ()) for node in view.nodes)
    return Chart(f"{_noun(view, cause)} used", "Percent", view.start, 60, tuple(None if r is None else round(r * 100, 1) for r in worst), limit=100.0)


# --- not to blame ---


def _cleared_evidence(view: View, cause: Cause) -> Evidence:
    if cause is Cause.DISK_BURST:
        return Evidence("they did not run out" if _can_burst(view) else "the disk does not burst")
    if cause is Cause.DISK_VM_CAP and view.case.pool.os_disk.kind == "ephemeral":
        return Evidence("an ephemeral disk has no limit besides the VM's own, judged as its IOPS and bandwidth")
    peak = _peak_ratio(view, cause)
    if peak is None:
        return Evidence("not used up in any minute")
    ratio, spot = peak
    noun = {Cause.DISK_IOPS: "of the IOPS", Cause.DISK_BANDWIDTH: "of the bandwidth"}.get(cause, "of the VM's disk limits")
    harmless = f" {view.harmless}" if ratio * 100 >= view.limits.saturated_percent else ""
    return Evidence(f"at most {percent(ratio)} {noun}{harmless}", metric=cause.value, value=round(ratio * 100, 1),
                    unit="Percent", limit=view.limits.saturated_percent, node=spot.node, at=view.time(spot.minute))


def _busy_note(view: View, cause: Cause) -> tuple[Evidence, ...]:
    """A deep queue is worth a remark where pulls are fine all the same."""
    depth = view.peak(disk.QUEUE)
    if cause is not Cause.DISK_IOPS or view.slow or depth is None or depth.value <= view.limits.queue_depth:
        return ()
    return (Evidence(
        f"OS disk queue depth reached {rough(depth.value)} (limit {number(view.limits.queue_depth)}) without slowing a pull",
        metric=disk.QUEUE, value=depth.value, unit="Count", limit=view.limits.queue_depth, node=depth.node, at=depth.at),)
