"""Another disk or another VM for the pool's nodes: what each would make of p95, and the command to get it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from shared.diagnose import pool_change
from shared.diagnose.forecast import Forecast
from shared.diagnose.node_limits import NodeLimits, ephemeral, managed
from shared.diagnose.view import View
from shared.model import Case, Cause, DiskTier, Remedy, VmLimits
from shared.units import about, bit_rate, data_rate, number

BETTER_BY = 0.9
"""A remedy must cut p95 to this part or less to be worth proposing."""
SMALLEST_OS_DISK_GIB = 30
LARGEST_PROPOSED_GIB = 2048
LITTLE_GAINED = 1.2
"""A smaller disk whose p95 is within this factor of the best one's is as good, and cheaper."""
MOST_REMEDIES = 4


class _Option(NamedTuple):
    title: str
    vm: VmLimits
    os_disk_type: str
    os_disk_gib: int
    limits: NodeLimits
    note: str = ""
    disk_bursts: bool = False
    """Whether the disk has burst credits of its own, besides those of the VM."""


def node_remedies(view: View, cause: Cause, p95_seconds: float | None) -> tuple[Remedy, ...]:
    """Best first, those of the same VM size before others; what would make it worse last, marked so.

    Burst credits are a gift, not a plan: what is better is judged without them, and told with them.
    """
    forecast = Forecast(view)
    options = _disk_options(view.case, forecast) if cause.layer == "disk" else _vm_options(view.case, forecast, cause)
    rated = [(option, forecast.sustained_p95_seconds(option.limits)) for option in options if pool_change.can_be_had(view.case, _nodes(option))]
    good = [(o, p) for o, p in rated if p is None or p95_seconds is None or p <= BETTER_BY * p95_seconds]
    good.sort(key=lambda pair: (pair[1] is None, pair[0].vm.size != view.case.pool.vm_size, pair[1] or 0.0))
    bad = [(o, p) for o, p in rated if p and p95_seconds and p > p95_seconds / BETTER_BY and o.vm.size == view.case.pool.vm_size]
    return (*(_remedy(view.case, forecast, o, p) for o, p in good[:MOST_REMEDIES]), *(_warning(forecast, o, p) for o, p in bad[:1]))


def _disk_options(case: Case, forecast: Forecast) -> Iterator[_Option]:
    yield from _ephemeral(case, case.pool.vm)
    yield from _bigger_disk(case, forecast)
    yield from _vm_options(case, forecast)


def _vm_options(case: Case, forecast: Forecast, cause: Cause | None = None) -> Iterator[_Option]:
    """The best size of as many vCPUs, and the best of twice as many, each with the disk it can have.

    ``cause``: the culprit, if it is none of the disk's; what the size has of what is short is told first.
    """
    best: dict[int, VmLimits] = {}
    for vm in case.other_vms:
        if vm.network_bits_per_second or cause is not Cause.NETWORK_NIC:
            best.setdefault(vm.vcpus or 0, vm)
    for vm in best.values():
        more = _short_of(cause, vm)
        yield from _same_disk_on(case, vm, forecast, more)
        yield from _ephemeral(case, vm, more)


def _short_of(cause: Cause | None, vm: VmLimits) -> str:
    if cause is Cause.NETWORK_NIC:
        return bit_rate(vm.network_bits_per_second)
    return f"{vm.vcpus} vCPUs" if cause is Cause.CPU_UNPACK and vm.vcpus else ""


def _ephemeral(case: Case, vm: VmLimits, more: str = "") -> Iterator[_Option]:
    """An ephemeral OS disk on ``vm``, if it has room for the image; not what the pool has already."""
    room = pool_change.room_gib(vm)
    same = case.pool.os_disk.kind == "ephemeral" and vm.size == case.pool.vm_size
    if same or not vm.ephemeral_os_disk or room < SMALLEST_OS_DISK_GIB or not vm.cached_iops:
        return
    size = int(min(room, case.pool.os_disk.size_gib or room))
    where = f" on {vm.size}" if vm.size != case.pool.vm_size else ""
    title = f"Ephemeral OS disk{where} ({_told(vm.cached_iops, vm.cached_bytes_per_second, more)}, needs ≤ {number(room)} GiB)"
    note = "1 GiB less with Trusted Launch" if size == int(room) else ""
    yield _Option(title, vm, "Ephemeral", size, ephemeral(vm), note)


def _bigger_disk(case: Case, forecast: Forecast) -> Iterator[_Option]:
    """The smallest managed disk from which on more disk gains little."""
    vm, now = case.pool.vm, 0 if case.pool.os_disk.kind == "ephemeral" else case.pool.os_disk.size_gib or 0
    larger = [t for t in case.disk_tiers if max(now + 1, SMALLEST_OS_DISK_GIB) <= t.size_gib <= LARGEST_PROPOSED_GIB]
    if not larger:
        return
    tier, through = _enough([(tier, managed(tier, vm)) for tier in larger], forecast)
    capped = ", the VM's cap" if (through.iops, through.bytes_per_second) != (tier.iops, tier.bytes_per_second) else ""
    title = f"{number(tier.size_gib)} GiB OS disk ({tier.tier}, {_told(through.iops, through.bytes_per_second)}{capped})"
    yield _Option(title, vm, "Managed", tier.size_gib, through, disk_bursts=bool(tier.burst_iops))


def _enough(tiers: list[tuple[DiskTier, NodeLimits]], forecast: Forecast) -> tuple[DiskTier, NodeLimits]:
    """The first from which the next one would gain little."""
    seconds = forecast.sustained_p95_seconds(tiers[0][1])
    for this, following in pairwise(tiers):
        better = forecast.sustained_p95_seconds(following[1])
        if seconds is None or better is None or seconds <= LITTLE_GAINED * better:
            return this
        seconds = better
    return tiers[-1]


def _same_disk_on(case: Case, vm: VmLimits, forecast: Forecast, more: str) -> Iterator[_Option]:
    """A VM whose own caps, cores or link let the same managed disk do more."""
    disk = case.pool.os_disk
    if disk.kind != "managed" or not disk.size_gib:
        return
    through = managed(disk, vm, forecast.today.io_credits, forecast.today.byte_credits)
    yield _Option(f"{vm.size} with the same disk ({_told(through.iops, through.bytes_per_second, more)})", vm, "Managed", disk.size_gib, through,
                  disk_bursts=bool(disk.burst_iops))


def _told(iops: float | None, bytes_per_second: float | None, more: str = "") -> str:
    told = (more, f"{number(iops)} IOPS" if iops else "", data_rate(bytes_per_second) if bytes_per_second else "")
    return ", ".join(filter(None, told)) or "limits not published"


def _remedy(case: Case, forecast: Forecast, option: _Option, sustained: float | None) -> Remedy:
    predicted = forecast.p95_seconds(option.limits)
    on_credit = sustained is not None and predicted is not None and sustained > LITTLE_GAINED * predicted
    whose = "burst credits" if option.disk_bursts else "the VM's burst credits"
    condition = f"that is while {whose} last, without them about {about(sustained)}" if on_credit else ""
    note = " ".join(f"{part[0].upper()}{part[1:]}." for part in (condition, pool_change.then(case, _nodes(option)), option.note) if part)
    return Remedy(option.title, pool_change.command(case, _nodes(option)), predicted, note, rough=predicted is not None and not forecast.close)


def _warning(forecast: Forecast, option: _Option, predicted: float | None) -> Remedy:
    return Remedy(option.title, "", predicted, "often advised", worse=True, rough=not forecast.close)


def _nodes(option: _Option) -> pool_change.Nodes:
    return pool_change.Nodes(option.vm, option.os_disk_type, option.os_disk_gib)
