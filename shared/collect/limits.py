"""What a VM size and an OS disk can do: from Compute's resource SKUs, with published tables behind them.

SKU capabilities are strings and sometimes nonsense (77 GB/s for a DC8s_v3): a value is believed only
within bounds, else the transcribed size pages in ``data`` speak, else it is not known.
Sources: "Azure VM sizes", "Scalability and performance targets for VM disks", "Ephemeral OS disks".
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from shared.collect.azure import Row
from shared.model import DiskTier, OsDisk, VmLimits

MEGA = 1_000_000
MOST_IOPS = 2_000_000
MOST_BYTES_PER_SECOND = 30_000 * MEGA
GIB = 1 << 30


def vm_limits(size: str, skus: list[Row]) -> VmLimits:
    """Limits of a VM size; fields that neither source knows stay None."""
    sku = next((s for s in skus if s["type"] == "virtualMachines" and s["name"].lower() == size.lower()), None)
    capability = sku["capabilities"] if sku else {}
    page = _size_pages().get(size.lower(), {})
    return VmLimits(
        size=size,
        vcpus=_whole(capability.get("vCPUs")) or page.get("vcpus"),
        uncached_iops=_within(capability.get("UncachedDiskIOPS"), MOST_IOPS) or _float(page.get("uncached_iops")),
        uncached_bytes_per_second=_rate(capability.get("UncachedDiskBytesPerSecond")) or _mega(page.get("uncached_mbps")),
        uncached_burst_iops=_float(page.get("uncached_burst_iops")),
        uncached_burst_bytes_per_second=_mega(page.get("uncached_burst_mbps")),
        cached_iops=_within(capability.get("CombinedTempDiskAndCachedIOPS"), MOST_IOPS) or _float(page.get("cached_or_temp_iops")),
        cached_bytes_per_second=_rate(capability.get("CombinedTempDiskAndCachedWriteBytesPerSecond")
                                      or capability.get("CombinedTempDiskAndCachedReadBytesPerSecond"))
        or _mega(page.get("cached_or_temp_mbps")),
        cache_gib=_gib(capability.get("CachedDiskBytes"), 1) or _float(page.get("cache_gib")),
        temp_gib=_gib(capability.get("MaxResourceVolumeMB"), 1 << 20) or _float(page.get("temp_gib")),
        nvme_gib=_gib(capability.get("NvmeDiskSizeInMiB"), 1 << 20),
        ephemeral_os_disk=_flag(capability.get("EphemeralOSDiskSupported"), page.get("ephemeral_os_supported")),
        ephemeral_placements=tuple(p for p in capability.get("SupportedEphemeralOSDiskPlacements", "").split(",") if p),
        network_bits_per_second=_mega(page.get("network_mbps")),
    )


def os_disk(disk: Row, vm: VmLimits, skus: list[Row]) -> OsDisk:
    """An OS disk with its limits, from the ``osDisk`` of a scale set's or a machine's storage profile."""
    size_gib, caching = disk.get("diskSizeGB"), disk.get("caching") or ""
    ephemeral = disk.get("diffDiskSettings") or {}
    if str(ephemeral.get("option", "")).lower() == "local":
        return OsDisk(kind="ephemeral", size_gib=size_gib, placement=ephemeral.get("placement") or "", caching=caching,
                      iops=vm.cached_iops, bytes_per_second=vm.cached_bytes_per_second)
    sku = (disk.get("managedDisk") or {}).get("storageAccountType") or ""
    row = _tier_row(sku, size_gib, skus)
    if row is None:
        return OsDisk(kind="managed", sku=sku, size_gib=size_gib, caching=caching)
    return OsDisk(kind="managed", sku=sku, tier=row["tier"], size_gib=size_gib, caching=caching, iops=float(row["iops"]),
                  bytes_per_second=_mega(row["mbps"]), burst_iops=_float(row["burst_iops"]),
                  burst_bytes_per_second=_mega(row["burst_mbps"]))


def disk_tiers(sku: str, skus: list[Row]) -> tuple[DiskTier, ...]:
    """Every size of a managed disk SKU, smallest first: what a bigger OS disk would give."""
    return tuple(DiskTier(sku=sku, tier=r["tier"], size_gib=r["size_gib"], iops=float(r["iops"]),
                          bytes_per_second=float(r["mbps"] * MEGA), burst_iops=_float(r["burst_iops"]),
                          burst_bytes_per_second=_mega(r["burst_mbps"])) for r in _tiers(sku, skus))


def other_vms(current: VmLimits, skus: list[Row], most: int = 12) -> tuple[VmLimits, ...]:
    """Sizes of the region with as many vCPUs as now, or twice, of the same series letter, that lift a disk limit."""
    if not current.vcpus:
        return ()
    names = [s["name"] for s in skus if s["type"] == "virtualMachines" and not s["restricted"]
             and s["capabilities"].get("PremiumIO") == "True"
             and s["capabilities"].get("CpuArchitectureType", "x64") == "x64"
             and _whole(s["capabilities"].get("vCPUs")) in (current.vcpus, 2 * current.vcpus)
             and s["name"].lower() != current.size.lower() and _series(s["name"]) == _series(current.size)]
    sizes = [vm_limits(name, skus) for name in names]
    better = [s for s in sizes if _best_rate(s) > _best_rate(current)]
    return tuple(sorted(better, key=lambda s: (s.vcpus or 0, -_best_rate(s), s.size))[:most])


def _series(size: str) -> str:
    """``D`` of ``Standard_D4s_v3``: what a pool runs on now; no GPU or memory machine is proposed for it."""
    return size.partition("_")[2].rstrip("_")[:1].upper()


def _best_rate(vm: VmLimits) -> float:
    return max(vm.uncached_bytes_per_second or 0.0, vm.cached_bytes_per_second or 0.0)


def _tier_row(sku: str, size_gib: int | None, skus: list[Row]) -> Row | None:
    if size_gib is None:
        return None
    return next((row for row in _tiers(sku, skus) if row["size_gib"] >= size_gib), None)


def _tiers(sku: str, skus: list[Row]) -> list[Row]:
    """Rows ``{tier, size_gib, iops, mbps, burst_iops, burst_mbps}``: the published table, the region's SKUs over it."""
    rows = {t["tier"]: t for t in _tier_table() if t["sku"].lower() == sku.lower()}
    for found in skus:
        if found["type"] == "disks" and found["name"].lower() == sku.lower():
            read = _read_tier(found["size"], found["capabilities"])
            if read:
                rows[found["size"]] = read
    return sorted(rows.values(), key=lambda r: r["size_gib"])


def _read_tier(tier: str, capability: dict[str, str]) -> Row | None:
    size, iops, mbps = (_whole(capability.get(n)) for n in ("MaxSizeGiB", "MaxIOps", "MaxBandwidthMBps"))
    if not (size and iops and mbps):
        return None
    return {"tier": tier, "size_gib": size, "iops": iops, "mbps": mbps,
            "burst_iops": _whole(capability.get("MaxBurstIops")),
            "burst_mbps": _whole(capability.get("MaxBurstBandwidthMBps"))}


def _rate(text: str | None) -> float | None:
    """Bytes a second. Older sizes count "64 MB/s" as 64,000 KiB (65,536,000): told as the size pages do."""
    value = _within(text, MOST_BYTES_PER_SECOND)
    if value and value % MEGA and value % 1_024_000 == 0:
        return value / 1.024
    return value


def _within(text: str | None, most: float) -> float | None:
    value = _whole(text)
    return float(value) if value and value <= most else None


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except ValueError:
        return None


def _gib(text: str | None, unit_bytes: int) -> float | None:
    value = _whole(text)
    return value * unit_bytes / GIB if value else None


def _float(value: float | None) -> float | None:
    """Limits are floats throughout: a Case read back from JSON must equal the one that was saved."""
    return float(value) if value else None


def _mega(value: float | None) -> float | None:
    return None if value is None else float(value) * MEGA


def _flag(text: str | None, fallback: Any) -> bool | None:
    return text == "True" if text else fallback


@cache
def _size_pages() -> dict[str, Row]:
    return {name.lower(): row for name, row in _data("vm-sizes")["sizes"].items()}


@cache
def _tier_table() -> list[Row]:
    rows: list[Row] = _data("disk-tiers")["tiers"]
    return rows


def _data(name: str) -> Row:
    found: Row = msgspec.json.decode(files("shared.collect").joinpath("data", f"{name}.json").read_bytes())
    return found
