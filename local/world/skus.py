"""Rows of Compute's resourceSkus. All capability values are strings, as the API returns them.

``resource_skus.json`` holds rows as recorded from the live API (June 2025), dirty values included;
sizes it lacks are written from ``hardware``.
"""

import json
from pathlib import Path
from typing import Any

from local.world.hardware import DISK_TIERS, GIB, MB, VM_SIZES, DiskTier, VmSize

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("resource_skus.json").read_text())


UNPUBLISHED_NETWORK_BITS_PER_SECOND = 8e9
"""Of sizes whose pages were not read: the API does not tell."""


def vm_size(name: str) -> VmSize:
    """The limits of a size, from its page or else from its row. Raises ``ValueError`` that lists the sizes there are."""
    if name in VM_SIZES:
        return VM_SIZES[name]
    found = next((row for row in RECORDED if row["name"] == name), None)
    if found is None:
        names = sorted({*VM_SIZES, *(row["name"] for row in RECORDED)})
        raise ValueError(f"The model has no VM size {name!r}; it has: {', '.join(names)}.")
    return _recorded_size(found)


def _recorded_size(row: dict[str, Any]) -> VmSize:
    values = {capability["name"]: capability["value"] for capability in row["capabilities"]}

    def number(name: str) -> float:
        return float(values.get(name, 0))

    local = values.get("EphemeralOSDiskSupported") == "True"
    return VmSize(
        name=row["name"], family=row.get("family", ""), vcpus=int(number("vCPUs")), memory_gib=int(number("MemoryGB")),
        uncached_iops=number("UncachedDiskIOPS"), uncached_bytes_per_second=number("UncachedDiskBytesPerSecond"),
        cached_iops=number("CombinedTempDiskAndCachedIOPS"),
        cached_bytes_per_second=number("CombinedTempDiskAndCachedWriteBytesPerSecond"),
        temp_gib=int(number("MaxResourceVolumeMB") / 1024) if local else 0,
        cache_gib=int(number("CachedDiskBytes") / GIB) if local else 0,
        nvme_gib=int(number("NvmeDiskSizeInMiB") / 1024) if local and "Nvme" in values.get("SupportedEphemeralOSDiskPlacements", "") else 0,
        network_bits_per_second=UNPUBLISHED_NETWORK_BITS_PER_SECOND,
    )


def resource_skus(location: str) -> list[dict[str, Any]]:
    """Every VM size and disk tier, as offered in ``location``."""
    recorded = {row["name"] for row in RECORDED}
    written = [_vm_row(size) for size in VM_SIZES.values() if size.name not in recorded]
    return [_in(location, row) for row in [*RECORDED, *written, *map(_disk_row, DISK_TIERS)]]


def _in(location: str, row: dict[str, Any]) -> dict[str, Any]:
    zones = {"location": location, "zones": ["1", "2", "3"], "zoneDetails": []}
    return row | {"locations": [location], "locationInfo": [zones]}


def _vm_row(size: VmSize) -> dict[str, Any]:
    values = {
        "vCPUs": size.vcpus, "MemoryGB": size.memory_gib, "MaxResourceVolumeMB": size.temp_gib * 1024,
        "CombinedTempDiskAndCachedIOPS": int(size.cached_iops),
        "CombinedTempDiskAndCachedReadBytesPerSecond": int(size.cached_bytes_per_second),
        "CombinedTempDiskAndCachedWriteBytesPerSecond": int(size.cached_bytes_per_second),
        "UncachedDiskIOPS": int(size.uncached_iops), "UncachedDiskBytesPerSecond": int(size.uncached_bytes_per_second),
        "EphemeralOSDiskSupported": bool(size.placements), "PremiumIO": True, "CpuArchitectureType": "x64",
        "HyperVGenerations": "V1,V2", "AcceleratedNetworkingEnabled": True,
    }
    if size.cache_gib:
        values["CachedDiskBytes"] = size.cache_gib * GIB
    if size.placements:
        values["SupportedEphemeralOSDiskPlacements"] = size.placements
    if size.nvme_gib:
        values |= {"NvmeDiskSizeInMiB": size.nvme_gib * 1024, "DiskControllerTypes": "NVMe"}
    short = size.name.removeprefix("Standard_")
    return {"resourceType": "virtualMachines", "name": size.name, "tier": "Standard", "size": short, "family": size.family,
            "capabilities": _capabilities(values), "restrictions": []}


def _disk_row(tier: DiskTier) -> dict[str, Any]:
    smaller = [t.max_gib for t in DISK_TIERS if t.sku == tier.sku and t.max_gib < tier.max_gib]
    mbps = int(tier.bytes_per_second / MB)
    values = {
        "MaxSizeGiB": tier.max_gib, "MinSizeGiB": max(smaller, default=0), "MaxIOps": int(tier.iops), "MinIOps": int(tier.iops),
        "MaxBandwidthMBps": mbps, "MinBandwidthMBps": mbps, "MaxValueOfMaxShares": 1,
    }
    if tier.io_bucket:
        values |= {
            "MaxBurstIops": int(tier.burst_iops), "MaxBurstBandwidthMBps": int(tier.burst_bytes_per_second / MB),
            "MaxBurstDurationInMin": 30, "BurstCreditBucketSizeInIO": int(tier.io_bucket),
            "BurstCreditBucketSizeInGiB": int(tier.gib_bucket),
        }
    return {"resourceType": "disks", "name": tier.sku, "tier": tier.sku.partition("_")[0].removesuffix("SSD"), "size": tier.tier,
            "capabilities": _capabilities(values), "restrictions": []}


def _capabilities(values: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]
