"""Another disk or another VM for the pool's nodes: what each would make of p95, and the command to get it."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.diagnose.forecast import Limits, Load, floor_seconds, load, predicted_p95, tightness
from shared.diagnose.view import View
from shared.model import Case, Cause, Remedy, VmLimits
from shared.units import data_rate, number

BETTER_BY = 0.9
"""A remedy must cut p95 to this part or less to be worth proposing."""
SMALLEST_OS_DISK_GIB = 30
LARGEST_PROPOSED_GIB = 2048
COMFORTABLE = 0.25
"""Part of a bigger disk's limits that the load may use: more disk than that gains little."""
MOST_REMEDIES = 4


class _Option(NamedTuple):
    title: str
    vm: VmLimits
    os_disk_type: str
    os_disk_gib: int
    limits: Limits
    note: str = ""


def node_remedies(view: View, cause: Cause, p95_seconds: float | None) -> tuple[Remedy, ...]:
    """Best first, those of the same VM size before others; what would make it worse last, marked so."""
    drawn = load(view)
    floor = floor_seconds(view)
    options = _disk_options(view.case, drawn) if cause.layer == "disk" else _vm_options(view.case)
    rated = [(option, predicted_p95(p95_seconds, drawn, option.limits, floor)) for option in options]
    good = [(o, p) for o, p in rated if p is None or p95_seconds is None or p <= BETTER_BY * p95_seconds]
    good.sort(key=lambda pair: (pair[1] is None, pair[0].vm.size != view.case.pool.vm_size, pair[1] or 0.0))
    bad = [(o, p) for o, p in rated if p and p95_seconds and p > p95_seconds / BETTER_BY and o.vm.size == view.case.pool.vm_size]
    return (*(_remedy(view.case, o, p) for o, p in good[:MOST_REMEDIES]), *(_warning(o, p) for o, p in bad[:1]))


def _disk_options(case: Case, drawn: Load) -> Iterator[_Option]:
    yield from _ephemeral(case, case.pool.vm)
    yield from _bigger_disk(case, drawn)
    yield from _vm_options(case)


def _vm_options(case: Case) -> Iterator[_Option]:
    """The best size of as many vCPUs, and the best of twice as many, each with the disk it can have."""
    best: dict[int, VmLimits] = {}
    for vm in case.other_vms:
        best.setdefault(vm.vcpus or 0, vm)
    for vm in best.values():
        yield from _ephemeral(case, vm)
        yield from _same_disk_on(case, vm)


def _ephemeral(case: Case, vm: VmLimits) -> Iterator[_Option]:
    """An ephemeral OS disk on ``vm``, if it has room for the image; not what the pool has already."""
    room = vm.nvme_gib or vm.cache_gib or vm.temp_gib or 0
    same = case.pool.os_disk.kind == "ephemeral" and vm.size == case.pool.vm_size
    if same or not vm.ephemeral_os_disk or room < SMALLEST_OS_DISK_GIB or not vm.cached_iops:
        return
    size = int(min(room, case.pool.os_disk.size_gib or room))
    where = f" on {vm.size}" if vm.size != case.pool.vm_size else ""
    title = f"Ephemeral OS disk{where} ({_told(vm.cached_iops, vm.cached_bytes_per_second)}, needs ≤ {number(room)} GiB)"
    note = "1 GiB less with Trusted Launch" if size == int(room) else ""
    yield _Option(title, vm, "Ephemeral", size, _limits(vm.cached_iops, vm.cached_bytes_per_second, vm), note)


def _bigger_disk(case: Case, drawn: Load) -> Iterator[_Option]:
    """The smallest managed disk that carries the load with room to spare, else the one that carries most of it."""
    vm, now = case.pool.vm, 0 if case.pool.os_disk.kind == "ephemeral" else case.pool.os_disk.size_gib or 0
    larger = [t for t in case.disk_tiers if max(now + 1, SMALLEST_OS_DISK_GIB) <= t.size_gib <= LARGEST_PROPOSED_GIB]
    limits = [_through(t.iops, t.bytes_per_second, vm) for t in larger]  # bursts are a gift, not a plan
    tight = [tightness(drawn, each) for each in limits]
    if not larger:
        return
    chosen = next(i for i, part in enumerate(tight) if part <= max(min(tight), COMFORTABLE))
    tier, through = larger[chosen], limits[chosen]
    capped = " and no more, the VM's own cap" if (through.iops, through.bytes_per_second) != (tier.iops, tier.bytes_per_second) else ""
    title = f"{number(tier.size_gib)} GiB OS disk ({tier.tier}, {_told(through.iops, through.bytes_per_second)}{capped})"
    yield _Option(title, vm, "Managed", tier.size_gib, through)


def _same_disk_on(case: Case, vm: VmLimits) -> Iterator[_Option]:
    """A VM whose own caps, cores or link let the same managed disk do more."""
    disk = case.pool.os_disk
    if disk.kind != "managed" or not disk.size_gib:
        return
    through = _through(disk.iops, disk.bytes_per_second, vm)
    yield _Option(f"{vm.size} with the same disk ({_told(through.iops, through.bytes_per_second)}{_cores(vm)})", vm, "Managed", disk.size_gib, through)


def _through(iops: float | None, bytes_per_second: float | None, vm: VmLimits) -> Limits:
    """A managed disk's limits as the VM lets them through."""
    return _limits(_least(iops, vm.uncached_iops), _least(bytes_per_second, vm.uncached_bytes_per_second), vm)


def _limits(iops: float | None, bytes_per_second: float | None, vm: VmLimits) -> Limits:
    return Limits(iops, bytes_per_second, float(vm.vcpus) if vm.vcpus else None, vm.network_bits_per_second)


def _least(*values: float | None) -> float | None:
    return min((v for v in values if v is not None), default=None)


def _told(iops: float | None, bytes_per_second: float | None) -> str:
    told = ([f"{number(iops)} IOPS"] if iops else []) + ([data_rate(bytes_per_second)] if bytes_per_second else [])
    return ", ".join(told) or "limits not published"


def _cores(vm: VmLimits) -> str:
    return f", {vm.vcpus} vCPUs" if vm.vcpus else ""


def _remedy(case: Case, option: _Option, predicted: float | None) -> Remedy:
    note = "; ".join(filter(None, (f"then drain and delete pool {case.pool.name}", option.note)))
    return Remedy(option.title, _add_pool(case, option), predicted and round(predicted, 1), note)


def _warning(option: _Option, predicted: float | None) -> Remedy:
    return Remedy(option.title, "", predicted and round(predicted, 1), "often advised", worse=True)


def _add_pool(case: Case, option: _Option) -> str:
    """An OS disk or VM size cannot be changed in place: the pool is replaced by a new one."""
    return (f"az aks nodepool add --resource-group {case.cluster.resource_group} --cluster-name {case.cluster.name} "
            f"--name {case.pool.name[:11]}2 --node-count {max(1, case.pool.node_count)} --node-vm-size {option.vm.size} "
            f"--node-osdisk-type {option.os_disk_type} --node-osdisk-size {option.os_disk_gib}")
