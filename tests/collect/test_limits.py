"""Limits of VM sizes and disks, from the SKUs as Azure really lists them."""

import json
from pathlib import Path

import pytest

from shared.collect.limits import disk_tiers, os_disk, other_vms, vm_limits

MB = 1_000_000


def sku(name: str, **capabilities: str) -> dict[str, object]:
    return {"type": "virtualMachines", "name": name, "size": name, "capabilities": capabilities, "restricted": False}


D4S_V3 = sku("Standard_D4s_v3", vCPUs="4", CachedDiskBytes="107374182400", CombinedTempDiskAndCachedIOPS="8000",
             CombinedTempDiskAndCachedReadBytesPerSecond="65536000", UncachedDiskIOPS="6400", UncachedDiskBytesPerSecond="96000000",
             EphemeralOSDiskSupported="True", PremiumIO="True", MaxResourceVolumeMB="32768")


MANAGED_128 = {"diskSizeGB": 128, "caching": "ReadOnly", "managedDisk": {"storageAccountType": "Premium_LRS"}, "diffDiskSettings": None}
EPHEMERAL = {"diskSizeGB": 100, "caching": "ReadOnly", "diffDiskSettings": {"option": "Local", "placement": "CacheDisk"}}


def test_a_d4s_v3_has_the_limits_of_its_size_page() -> None:
    vm = vm_limits("Standard_D4s_v3", [D4S_V3])
    assert (vm.uncached_iops, vm.uncached_bytes_per_second) == (6400, 96 * MB)
    assert (vm.cached_iops, vm.cached_bytes_per_second) == (8000, 64 * MB)
    assert (vm.cache_gib, vm.temp_gib, vm.ephemeral_os_disk) == (100, 32, True)
    assert vm.network_bits_per_second == 2000 * MB


def test_a_d4s_v3_with_a_128_gib_managed_disk_has_500_iops_and_the_disks_100_mb_s() -> None:
    disk = os_disk(MANAGED_128, vm_limits("Standard_D4s_v3", [D4S_V3]), [])
    assert (disk.kind, disk.tier, disk.iops, disk.bytes_per_second) == ("managed", "P10", 500, 100 * MB)
    assert (disk.burst_iops, disk.burst_bytes_per_second) == (3500, 170 * MB)


def test_a_d4s_v3_with_an_ephemeral_disk_has_8000_iops_and_64_mb_s() -> None:
    disk = os_disk(EPHEMERAL, vm_limits("Standard_D4s_v3", [D4S_V3]), [])
    assert (disk.kind, disk.iops, disk.bytes_per_second, disk.burst_iops) == ("ephemeral", 8000, 64 * MB, None)


def test_an_absurd_value_is_not_believed() -> None:
    vm = vm_limits("Standard_DC8s_v3", [sku("Standard_DC8s_v3", UncachedDiskBytesPerSecond="77000000000", vCPUs="8")])
    assert (vm.vcpus, vm.uncached_bytes_per_second) == (8, None)


def test_a_size_that_nobody_knows_has_unknown_limits_and_no_zeros() -> None:
    vm = vm_limits("Standard_New_v9", [])
    assert {getattr(vm, name) for name in vm.__struct_fields__} == {"Standard_New_v9", None, ()}
    disk = os_disk({}, vm, [])
    assert (disk.kind, disk.iops, disk.bytes_per_second) == ("managed", None, None)


@pytest.mark.parametrize(("gib", "tier"), [(1, "P1"), (128, "P10"), (129, "P15"), (512, "P20"), (1000, "P30")])
def test_a_disk_is_limited_by_the_smallest_tier_that_holds_it(gib: int, tier: str) -> None:
    disk = {"diskSizeGB": gib, "managedDisk": {"storageAccountType": "Premium_LRS"}}
    assert os_disk(disk, vm_limits("x", []), []).tier == tier


def test_the_regions_own_disk_row_goes_before_the_published_table() -> None:
    row = {"type": "disks", "name": "Premium_LRS", "size": "P10", "restricted": False,
           "capabilities": {"MaxSizeGiB": "128", "MaxIOps": "600", "MaxBandwidthMBps": "110"}}
    found = {t.tier: t for t in disk_tiers("Premium_LRS", [row])}
    assert (found["P10"].iops, found["P20"].iops) == (600, 2300)


def test_every_published_limit_is_one_that_can_be_believed() -> None:
    data = Path(__file__).parent.parent.parent / "shared" / "collect" / "data"
    for size, row in json.loads((data / "vm-sizes.json").read_text())["sizes"].items():
        vm = vm_limits(size, [])
        assert vm.vcpus == row["vcpus"]
        assert vm.uncached_iops
        assert vm.uncached_bytes_per_second


def test_other_sizes_named_lift_a_limit_and_are_allowed_in_the_region() -> None:
    better = sku("Standard_D4ds_v5", vCPUs="4", PremiumIO="True", CombinedTempDiskAndCachedReadBytesPerSecond="250000000")
    worse = sku("Standard_D4_slow", vCPUs="4", PremiumIO="True", UncachedDiskBytesPerSecond="1000000")
    barred = {**sku("Standard_D4_barred", vCPUs="4", PremiumIO="True", UncachedDiskBytesPerSecond="900000000"), "restricted": True}
    arm = sku("Standard_D4ps_v5", vCPUs="4", PremiumIO="True", UncachedDiskBytesPerSecond="900000000", CpuArchitectureType="Arm64")
    found = other_vms(vm_limits("Standard_D4s_v3", [D4S_V3]), [D4S_V3, better, worse, barred, arm])
    assert [vm.size for vm in found] == ["Standard_D4ds_v5"]
