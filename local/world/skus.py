"""Rows of Compute's resourceSkus. All capability values are strings, as the API returns them.

``resource_skus.json`` holds rows as recorded from the live API (June 2025), dirty values included;
sizes it lacks are written from ``hardware``.
"""

import json
from pathlib import Path
from typing import Any

from local.world.hardware import DISK_TIERS, GIB, MB, VM_SIZES, DiskTier, VmSize

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("resource_skus.json").read_text())


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
