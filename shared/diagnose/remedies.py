"""What to do about a culprit: exact commands, their predicted effect, and what would make it worse."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.diagnose.forecast import Limits, Load, load, predicted_p95
from shared.diagnose.registry import throttled_hosts
from shared.diagnose.view import View
from shared.model import Case, Cause, Remedy, VmLimits
from shared.units import data_rate, number

DISK_CAUSES = (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_BURST, Cause.DISK_VM_CAP)
BETTER_BY = 0.9
"""A remedy must cut p95 to this part or less to be worth proposing."""
SMALLEST_OS_DISK_GIB = 30
TRUSTED_LAUNCH_GIB = 1
MOST_REMEDIES = 4


class _Option(NamedTuple):
    title: str
    vm_size: str
    os_disk_type: str
    os_disk_gib: int
    limits: Limits
    note: str


def remedies(view: View, cause: Cause, p95_seconds: float | None) -> tuple[Remedy, ...]:
    """Best first; what would make it worse comes last and is marked so."""
    if cause in DISK_CAUSES:
        return _disk_remedies(view, p95_seconds)
    if cause is Cause.REGISTRY_THROTTLED:
        return tuple(_registry_remedies(view))
    return ()


# --- disk ---


def _disk_remedies(view: View, p95_seconds: float | None) -> tuple[Remedy, ...]:
    drawn = load(view)
    floor = view.case.baseline.p50_seconds if view.case.baseline else None
    rated = [(option, predicted_p95(p95_seconds, drawn, option.limits, floor)) for option in _options(view.case, drawn)]
    good = [(o, p) for o, p in rated if p is None or p95_seconds is None or p <= BETTER_BY * p95_seconds]
    bad = [(o, p) for o, p in rated if p is not None and p95_seconds is not None and p > p95_seconds / BETTER_BY
           and o.vm_size == view.case.pool.vm_size]
    good.sort(key=lambda pair: (pair[1] is None, _effort(view.case, pair[0]), pair[1] or 0.0))
    kept = [_remedy(view.case, o, p) for o, p in good[:MOST_REMEDIES]]
    return (*kept, *(_warning(o, p) for o, p in bad[:1]))


def _effort(case: Case, option: _Option) -> int:
    """The same VM size before another one: cheaper to try, no quota to ask for."""
    return int(option.vm_size != case.pool.vm_size)


def _options(case: Case, drawn: Load) -> Iterator[_Option]:
    yield from _ephemeral(case, case.pool.vm)
    yield from _bigger_disk(case, drawn)
    for vm in _vms_worth_a_look(case):
        yield from _ephemeral(case, vm) or ()
        yield from _same_disk_on(case, vm)


def _ephemeral(case: Case, vm: VmLimits) -> Iterator[_Option]:
    """An ephemeral OS disk on ``vm``, if it has room for the image; not what the pool has already."""
    room = vm.nvme_gib or vm.cache_gib or vm.temp_gib or 0
    same = case.pool.os_disk.kind == "ephemeral" and vm.size == case.pool.vm_size
    if same or not vm.ephemeral_os_disk or room < SMALLEST_OS_DISK_GIB or not vm.cached_iops:
        return
    size = int(min(room, case.pool.os_disk.size_gib or room))
    where = f" on {vm.size}" if vm.size != case.pool.vm_size else ""
    yield _Option(
        f"Ephemeral OS disk{where} ({_told(vm.cached_iops, vm.cached_bytes_per_second)}, needs ≤ {number(room)} GiB)",
        vm.size, "Ephemeral", size, Limits(vm.cached_iops, vm.cached_bytes_per_second),
        f"{TRUSTED_LAUNCH_GIB} GiB less with Trusted Launch" if size == int(room) else "")


def _bigger_disk(case: Case, drawn: Load) -> Iterator[_Option]:
    """The smallest managed disk that carries the load, else the one that carries most of it."""
    tiers = [(t, _capped(Limits(t.iops, t.bytes_per_second), case.pool.vm)) for t in case.disk_tiers]
    larger = [(t, limits) for t, limits in tiers if case.pool.os_disk.kind == "ephemeral" or t.size_gib > (case.pool.os_disk.size_gib or 0)]
    larger = [(t, limits) for t, limits in larger if t.size_gib <= 2048 and t.size_gib >= SMALLEST_OS_DISK_GIB]
    if not larger:
        return
    tightness = [_tightness(drawn, limits) for _, limits in larger]
    target = max(min(tightness), 0.25)
    tier, limits = next(pair for pair, tight in zip(larger, tightness, strict=True) if tight <= target)
    capped = " and no more, the VM's own cap" if limits != Limits(tier.iops, tier.bytes_per_second) else ""
    yield _Option(f"{number(tier.size_gib)} GiB OS disk ({tier.tier}, {_told(limits.iops, limits.bytes_per_second)}{capped})",
                  case.pool.vm_size, "Managed", tier.size_gib, limits, "")


def _same_disk_on(case: Case, vm: VmLimits) -> Iterator[_Option]:
    """A VM whose own cap lets more of a managed disk through."""
    disk = case.pool.os_disk
    if disk.kind != "managed" or not disk.size_gib:
        return
    limits = _capped(Limits(disk.iops, disk.bytes_per_second), vm)
    if limits == _capped(Limits(disk.iops, disk.bytes_per_second), case.pool.vm):
        return
    yield _Option(f"{vm.size} with the same disk ({_told(limits.iops, limits.bytes_per_second)})",
                  vm.size, "Managed", disk.size_gib, limits, "")


def _vms_worth_a_look(case: Case) -> list[VmLimits]:
    """The best of as many vCPUs, and the best of twice as many."""
    best: dict[int, VmLimits] = {}
    for vm in case.other_vms:
        best.setdefault(vm.vcpus or 0, vm)
    return list(best.values())


def _capped(limits: Limits, vm: VmLimits) -> Limits:
    return Limits(_least(limits.iops, vm.uncached_iops), _least(limits.bytes_per_second, vm.uncached_bytes_per_second))


def _least(*values: float | None) -> float | None:
    return min((v for v in values if v is not None), default=None)


def _tightness(drawn: Load, limits: Limits) -> float:
    """Part of the new limits that today's load would use: below 1 it fits."""
    parts = [used / limit for used, limit in zip(drawn[:2], limits, strict=True) if used and limit]
    return max(parts, default=1.0)


def _told(iops: float | None, bytes_per_second: float | None) -> str:
    told = ([f"{number(iops)} IOPS"] if iops else []) + ([data_rate(bytes_per_second)] if bytes_per_second else [])
    return ", ".join(told) or "limits not published"


def _remedy(case: Case, option: _Option, predicted: float | None) -> Remedy:
    note = "; ".join(filter(None, (f"then drain and delete pool {case.pool.name}", option.note)))
    return Remedy(option.title, _add_pool(case, option), predicted and round(predicted, 1), note)


def _warning(option: _Option, predicted: float | None) -> Remedy:
    return Remedy(option.title, "", predicted and round(predicted, 1), "often advised", worse=True)


def _add_pool(case: Case, option: _Option) -> str:
    return (f"az aks nodepool add --resource-group {case.cluster.resource_group} --cluster-name {case.cluster.name} "
            f"--name {_new_name(case.pool.name)} --node-count {max(1, case.pool.node_count)} --node-vm-size {option.vm_size} "
            f"--node-osdisk-type {option.os_disk_type} --node-osdisk-size {option.os_disk_gib}")


def _new_name(pool: str) -> str:
    """A pool name is at most 12 lower-case letters and digits."""
    return f"{pool[:11]}2"


# --- registry ---


def _registry_remedies(view: View) -> Iterator[Remedy]:
    host = next(iter(throttled_hosts(view)), "")
    registry = next((r for r in view.case.registries if r.login_server == host and r.id), None)
    if registry is None:
        ours = next((r.login_server.split(".")[0] for r in view.case.registries if r.id), "REGISTRY")
        yield Remedy(f"Pull the images of {host} through a cache in your own registry",
                     f"az acr cache create --registry {ours} --name {host.split('.')[0]}-cache --source-repo {host}/* --target-repo {host.split('.')[0]}/*",
                     note="the registry fetches each image once, whatever the number of nodes")
        return
    name = registry.login_server.split(".")[0]
    if registry.sku.lower() != "premium":
        yield Remedy("Premium registry (twice the requests a minute for each identity)", f"az acr update --name {name} --sku Premium",
                     note="all kubelets of a cluster normally share one identity: a scale-out meets its limit first")
    yield Remedy("Fewer nodes at a time", f"az aks nodepool update --resource-group {view.case.cluster.resource_group} "
                 f"--cluster-name {view.case.cluster.name} --name {view.case.pool.name} --max-surge 10%",
                 note="slows upgrades; scale out in steps")
    yield Remedy("Images with fewer layers", note="each layer is one request; 5 to 10 are advised")
