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

from collections.abc import Iterator

from shared.diagnose.pressure import Claim, Pressure, culprit_or_cleared, not_seen
from shared.diagnose.view import Spot, View
from shared.model import Cause, Chart, Evidence, Finding
from shared.units import data_rate, number, percent

QUEUE = "OS Disk Queue Depth"
OPERATIONS = ("OS Disk Read Operations/Sec", "OS Disk Write Operations/Sec")
BYTES = ("OS Disk Read Bytes/sec", "OS Disk Write Bytes/sec")
IOPS_PERCENT = "OS Disk IOPS Consumed Percentage"
BANDWIDTH_PERCENT = "OS Disk Bandwidth Consumed Percentage"
CREDITS = ("OS Disk Used Burst IO Credits Percentage", "OS Disk Used Burst BPS Credits Percentage")
VM_PERCENT = {
    "uncached IOPS": "VM Uncached IOPS Consumed Percentage",
    "uncached bandwidth": "VM Uncached Bandwidth Consumed Percentage",
    "cached IOPS": "VM Cached IOPS Consumed Percentage",
    "cached bandwidth": "VM Cached Bandwidth Consumed Percentage",
}
QUEUE_LOWERS_BAR_TO = 80.0
BURSTING_FROM = 1.1
"""More than this times the provisioned limit means the disk is bursting: the burst limit counts then."""
CREDITS_SPENT, CREDITS_LEFT = 99.0, 95.0
NOUNS = {
    Cause.DISK_IOPS: "OS disk IOPS", Cause.DISK_BANDWIDTH: "OS disk bandwidth", Cause.DISK_BURST: "OS disk limit",
    Cause.DISK_VM_CAP: "VM disk limit",
}
CAUSES = (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_BURST, Cause.DISK_VM_CAP)


def pressure(view: View, spot: Spot) -> Pressure | None:
    """The disk limit that was used up in this minute; None: none, or not measured."""
    ratios = {cause: ratio for cause, ratio in _used(view, spot) if ratio is not None}
    if not ratios:
        return None
    cause = max(ratios, key=lambda c: ratios[c])
    used = ratios[cause]
    depth = view.value(QUEUE, spot)
    queueing = depth is not None and depth > view.limits.queue_depth
    bar = min(view.limits.saturated_percent, QUEUE_LOWERS_BAR_TO) if queueing else view.limits.saturated_percent
    if used * 100 < bar:
        return None
    if cause in (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH) and _ran_out_before(view, spot):
        cause = Cause.DISK_BURST
    return Pressure(cause, used)


def _used(view: View, spot: Spot) -> Iterator[tuple[Cause, float | None]]:
    """Part used of each limit; the dictionary keeps the last of equals, so VM caps come first."""
    disk = view.case.pool.os_disk
    if disk.kind == "ephemeral":
        yield Cause.DISK_IOPS, _own(view, spot, VM_PERCENT["cached IOPS"], OPERATIONS, disk.iops, None)
        yield Cause.DISK_BANDWIDTH, _own(view, spot, VM_PERCENT["cached bandwidth"], BYTES, disk.bytes_per_second, None)
        return
    yield Cause.DISK_VM_CAP, _most(*(_percent(view, metric, spot) for metric in VM_PERCENT.values()))
    yield Cause.DISK_IOPS, _own(view, spot, IOPS_PERCENT, OPERATIONS, disk.iops, disk.burst_iops)
    yield Cause.DISK_BANDWIDTH, _own(
        view, spot, BANDWIDTH_PERCENT, BYTES, disk.bytes_per_second, disk.burst_bytes_per_second)


def _own(view: View, spot: Spot, percent_metric: str, metrics: tuple[str, str], limit: float | None, burst: float | None) -> float | None:
    """Part used of a managed disk's own limit: of the burst limit while it bursts, else of the provisioned one.

    Azure's percentage goes before our own division: reads and writes also count what the host cache served.
    """
    used = view.total(metrics, spot)
    if used is not None and limit and burst and used > BURSTING_FROM * limit and _credits_left(view, spot):
        return used / burst
    share = _percent(view, percent_metric, spot)
    return share if share is not None else _rate(view, metrics, spot, limit)


def _credits_left(view: View, spot: Spot) -> bool:
    """Whether the disk can burst now: credits are reported every fifth minute, so the last report counts."""
    reports = [_history(view, metric, spot) for metric in CREDITS]
    return not any(known and known[-1] >= CREDITS_SPENT for known in reports)


def _rate(view: View, metrics: tuple[str, str], spot: Spot, limit: float | None) -> float | None:
    used = view.total(metrics, spot)
    return None if used is None or not limit else used / limit


def _percent(view: View, metric: str, spot: Spot) -> float | None:
    value = view.value(metric, spot)
    return None if value is None else value / 100


def _most(*ratios: float | None) -> float | None:
    return max((r for r in ratios if r is not None), default=None)


def _ran_out_before(view: View, spot: Spot) -> bool:
    """Whether the node still had credits earlier in the window and has none by now."""
    return any(_out_of(view, metric, spot) for metric in CREDITS)


def _out_of(view: View, metric: str, spot: Spot) -> bool:
    known = _history(view, metric, spot)
    return bool(known) and known[-1] >= CREDITS_SPENT and known[0] < CREDITS_LEFT


def _history(view: View, metric: str, spot: Spot) -> list[float]:
    """The node's known values of a metric from the window's start to this minute."""
    values = (view.value(metric, Spot(spot.node, minute)) for minute in range(spot.minute + 1))
    return [v for v in values if v is not None]


# --- findings ---


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    """One finding a disk cause."""
    return [_finding(view, cause, claims.get(cause)) for cause in CAUSES]


def _finding(view: View, cause: Cause, claim: Claim | None) -> Finding:
    if claim is None and not _measured(view, cause):
        return not_seen(cause, _why_not_seen(view, cause))
    evidence = _culprit_evidence(view, cause, claim) if claim else (_cleared_evidence(view, cause), *_busy_note(view, cause))
    return culprit_or_cleared(cause, claim, evidence)


def _measured(view: View, cause: Cause) -> bool:
    """Whether the metrics that would show this limit were there."""
    if cause is Cause.DISK_BURST:
        return not _can_burst(view) or any(view.seen(m) for m in CREDITS)
    if view.case.pool.os_disk.kind == "ephemeral":
        shown = {Cause.DISK_IOPS: (VM_PERCENT["cached IOPS"], OPERATIONS), Cause.DISK_BANDWIDTH: (VM_PERCENT["cached bandwidth"], BYTES)}
    else:
        shown = {Cause.DISK_IOPS: (IOPS_PERCENT, OPERATIONS), Cause.DISK_BANDWIDTH: (BANDWIDTH_PERCENT, BYTES)}
    if cause is Cause.DISK_VM_CAP:
        return view.case.pool.os_disk.kind == "ephemeral" or any(view.seen(m) for m in VM_PERCENT.values())
    percent_metric, absolute = shown[cause]
    limit = view.case.pool.os_disk.iops if cause is Cause.DISK_IOPS else view.case.pool.os_disk.bytes_per_second
    return view.seen(percent_metric) or (bool(limit) and all(view.seen(m) for m in absolute))


def _can_burst(view: View) -> bool:
    disk = view.case.pool.os_disk
    return disk.kind == "managed" and bool(disk.burst_iops)


def _why_not_seen(view: View, cause: Cause) -> str:
    if view.coverage("metrics") in ("failed", "missing"):
        return "disk metrics could not be read"
    return f"Azure sent no value that shows {cause.value}"


def limit_text(view: View, cause: Cause) -> str:
    """``500 IOPS``, ``64 MB/s``: the limit that binds, in words."""
    disk, vm = view.case.pool.os_disk, view.case.pool.vm
    if cause is Cause.DISK_VM_CAP:
        caps = [data_rate(vm.uncached_bytes_per_second)] if vm.uncached_bytes_per_second else []
        return " and ".join([*([f"{number(vm.uncached_iops)} IOPS"] if vm.uncached_iops else []), *caps]) or "disk limit"
    if cause is Cause.DISK_BANDWIDTH:
        return data_rate(disk.bytes_per_second) if disk.bytes_per_second else "bandwidth"
    return f"{number(disk.iops)} IOPS" if disk.iops else "IOPS"


def _culprit_evidence(view: View, cause: Cause, claim: Claim) -> tuple[Evidence, ...]:
    found = [Evidence(_what_binds(view, cause, claim)), _used_evidence(view, cause, claim)]
    depth = view.peak(QUEUE)
    if depth is not None:
        usual = view.usual(QUEUE)
        known = f"usually {number(round(usual))}, " if usual is not None else ""
        found.append(Evidence(
            f"Queue depth {number(round(depth.value))} ({known}limit {number(view.limits.queue_depth)})",
            metric=QUEUE, value=depth.value, unit="Count", limit=view.limits.queue_depth, node=depth.node, at=depth.at))
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
    ratio, spot = max((_ratio_for(view, cause, spot) or 0.0, spot) for spot in view.slow_spots)
    noun = NOUNS[cause]
    return Evidence(
        f"{noun} {percent(ratio)} used, for {claim.minutes} of the {view.slow_minutes} minutes with slow pulls",
        metric=noun, value=round(ratio * 100, 1), unit="Percent", limit=view.limits.saturated_percent,
        node=spot.node, at=view.time(spot.minute))


def chart(view: View, cause: Cause) -> Chart:
    """Part of the binding limit that the worst node used, minute by minute."""
    values = []
    for minute in range(view.minutes):
        ratios = [r for node in view.nodes if (r := _ratio_for(view, cause, Spot(node, minute))) is not None]
        values.append(round(max(ratios) * 100, 1) if ratios else None)
    return Chart(f"{NOUNS[cause]} used", "Percent", view.start, 60, tuple(values), limit=100.0)


def _ratio_for(view: View, cause: Cause, spot: Spot) -> float | None:
    wanted = (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH) if cause is Cause.DISK_BURST else (cause,)
    return _most(*(ratio for found, ratio in _used(view, spot) if found in wanted))


def _cleared_evidence(view: View, cause: Cause) -> Evidence:
    if cause is Cause.DISK_BURST:
        return Evidence("the disk does not burst" if not _can_burst(view) else "burst credits did not run out")
    if cause is Cause.DISK_VM_CAP and view.case.pool.os_disk.kind == "ephemeral":
        return Evidence("an ephemeral disk has no limit besides the VM's own, judged as its IOPS and bandwidth")
    ratios = [(r, spot) for spot in view.spots_of_interest if (r := _ratio_for(view, cause, spot)) is not None]
    if not ratios:
        return Evidence("not used up in any minute")
    ratio, spot = max(ratios)
    noun = {Cause.DISK_IOPS: "of the IOPS", Cause.DISK_BANDWIDTH: "of the bandwidth"}.get(cause, "of the VM's disk limits")
    return Evidence(f"at most {percent(ratio)} {noun}", metric=cause.value, value=round(ratio * 100, 1),
                    unit="Percent", limit=view.limits.saturated_percent, node=spot.node, at=view.time(spot.minute))


def _busy_note(view: View, cause: Cause) -> tuple[Evidence, ...]:
    """A deep queue is worth a remark where pulls are fine all the same."""
    depth = view.peak(QUEUE)
    if cause is not Cause.DISK_IOPS or view.slow or depth is None or depth.value <= view.limits.queue_depth:
        return ()
    return (Evidence(
        f"OS disk queue depth reached {number(round(depth.value))} (limit {number(view.limits.queue_depth)}) without slowing any pull",
        metric=QUEUE, value=depth.value, unit="Count", limit=view.limits.queue_depth, node=depth.node, at=depth.at),)
