"""VM sizes and managed disk tiers: the limits nature obeys in the simulated Azure.

Numbers from Microsoft's size pages and "Select a disk type", bytes and bits per second in plain
units. Where the Compute SKU API states another value than the page (D4s_v3: 65536000 B/s cached,
not 64 MB/s), the API's is taken: it is what the host enforces.
"""

import msgspec

MB = 1_000_000
GIB = 1 << 30


class VmSize(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one VM size. ``cached`` means host cache and temp disk together, as Azure counts."""

    name: str
    vcpus: int
    memory_gib: int
    uncached_iops: float
    uncached_bytes_per_second: float
    uncached_burst_iops: float = 0
    uncached_burst_bytes_per_second: float = 0
    cached_iops: float
    cached_bytes_per_second: float
    temp_gib: int = 0
    cache_gib: int = 0
    nvme_gib: int = 0
    network_bits_per_second: float
    family: str

    @property
    def placements(self) -> str:
        """Where an ephemeral OS disk can live, as the SKU API spells it; empty: nowhere."""
        if self.nvme_gib:
            return "NvmeDisk"
        if self.cache_gib:
            return "ResourceDisk,CacheDisk"
        return "ResourceDisk" if self.temp_gib else ""


class DiskTier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of managed disk. Without ``burst_iops`` it has no credits."""

    sku: str
    tier: str
    max_gib: int
    iops: float
    bytes_per_second: float
    burst_iops: float = 0
    burst_bytes_per_second: float = 0
    io_bucket: float = 0
    """Credits of a full bucket, in I/Os beyond the baseline."""
    gib_bucket: float = 0
    """Credits of a full bucket, in GiB beyond the baseline."""


def _size(
    name: str, vcpus: int, memory: int, uncached: tuple[float, float], burst: tuple[float, float],
    cached: tuple[float, float], network_mbps: float, *, temp: int = 0, cache: int = 0, nvme: int = 0, family: str,
) -> VmSize:
    """Pairs are (IOPS, MB/s) as the size pages print them."""
    return VmSize(
        name=f"Standard_{name}", vcpus=vcpus, memory_gib=memory,
        uncached_iops=uncached[0], uncached_bytes_per_second=uncached[1] * MB,
        uncached_burst_iops=burst[0], uncached_burst_bytes_per_second=burst[1] * MB,
        cached_iops=cached[0], cached_bytes_per_second=cached[1] * MB,
        temp_gib=temp, cache_gib=cache, nvme_gib=nvme, network_bits_per_second=network_mbps * MB, family=f"standard{family}Family",
    )


_NO_BURST = (0.0, 0.0)

VM_SIZES = {size.name: size for size in (
    _size("D2s_v3", 2, 8, (3200, 48), (4000, 200), (4000, 32.768), 1000, temp=16, cache=50, family="DSv3"),
    _size("D4s_v3", 4, 16, (6400, 96), (8000, 200), (8000, 65.536), 2000, temp=32, cache=100, family="DSv3"),
    _size("D8s_v3", 8, 32, (12800, 192), (16000, 400), (16000, 131.072), 2000, temp=64, cache=200, family="DSv3"),
    _size("DS2_v2", 2, 7, (6400, 96), _NO_BURST, (8000, 65.536), 1500, temp=14, cache=86, family="DSv2"),
    _size("DS3_v2", 4, 14, (12800, 192), _NO_BURST, (16000, 131.072), 3000, temp=28, cache=172, family="DSv2"),
    _size("F8s_v2", 8, 16, (12800, 190), (16000, 400), (16000, 131.072), 12500, temp=64, cache=128, family="FSv2"),
    _size("D2s_v5", 2, 8, (3750, 85), (10000, 1200), (9000, 125), 12500, family="DSv5"),
    _size("D4s_v5", 4, 16, (6400, 145), (20000, 1200), (19000, 250), 12500, family="DSv5"),
    _size("D8s_v5", 8, 32, (12800, 290), (20000, 1200), (38000, 500), 12500, family="DSv5"),
    _size("D2ds_v5", 2, 8, (3750, 85), (10000, 1200), (9000, 125), 12500, temp=75, family="DDSv5"),
    _size("D4ds_v5", 4, 16, (6400, 145), (20000, 1200), (19000, 250), 12500, temp=150, family="DDSv5"),
    _size("D8ds_v5", 8, 32, (12800, 290), (20000, 1200), (38000, 500), 12500, temp=300, family="DDSv5"),
    _size("D4as_v5", 4, 16, (6400, 144), (20000, 600), (19000, 250), 12500, family="DASv5"),
    _size("D4ads_v5", 4, 16, (6400, 144), (20000, 600), (19000, 250), 12500, temp=150, family="DADSv5"),
    _size("E4s_v5", 4, 32, (6400, 145), (20000, 1200), (19000, 250), 12500, family="ESv5"),
    _size("D4s_v6", 4, 16, (6400, 212), (40000, 1250), (19000, 250), 12500, family="Dsv6"),
    # NVMe: the pages give reads 75,000 / 360 and writes 30,000 / 180; pulls write.
    _size("D4ds_v6", 4, 16, (6400, 212), (40000, 1250), (30000, 180), 12500, nvme=220, family="Ddsv6"),
)}

FIREWALL_BITS_PER_SECOND = {"Basic": 250e6, "Standard": 30e9, "Premium": 100e9}
"""Azure Firewall by tier ("Choose the right Azure Firewall SKU")."""


def _premium(tier: str, max_gib: int, iops: float, mbps: float, io_bucket: float = 0, gib_bucket: float = 0) -> DiskTier:
    burst = (3500.0, 170.0 * MB) if io_bucket else (0.0, 0.0)
    return DiskTier(
        sku="Premium_LRS", tier=tier, max_gib=max_gib, iops=iops, bytes_per_second=mbps * MB,
        burst_iops=burst[0], burst_bytes_per_second=burst[1], io_bucket=io_bucket, gib_bucket=gib_bucket,
    )


def _standard_ssd(tier: str, max_gib: int, iops: float = 500, mbps: float = 60) -> DiskTier:
    return DiskTier(sku="StandardSSD_LRS", tier=tier, max_gib=max_gib, iops=iops, bytes_per_second=mbps * MB)


DISK_TIERS = (
    _premium("P1", 4, 120, 25, 6_084_000, 255),
    _premium("P2", 8, 120, 25, 6_084_000, 255),
    _premium("P3", 16, 120, 25, 6_084_000, 255),
    _premium("P4", 32, 120, 25, 6_084_000, 255),
    _premium("P6", 64, 240, 50, 5_868_000, 211),
    _premium("P10", 128, 500, 100, 5_400_000, 123),
    _premium("P15", 256, 1100, 125, 4_320_000, 79),
    _premium("P20", 512, 2300, 150, 2_160_000, 35),
    _premium("P30", 1024, 5000, 200),
    _premium("P40", 2048, 7500, 250),
    _premium("P50", 4096, 7500, 250),
    _premium("P60", 8192, 16000, 500),
    _premium("P70", 16384, 18000, 750),
    _premium("P80", 32767, 20000, 900),
    *(_standard_ssd(f"E{number}", max_gib) for number, max_gib in (
        (1, 4), (2, 8), (3, 16), (4, 32), (6, 64), (10, 128), (15, 256), (20, 512), (30, 1024), (40, 2048), (50, 4096))),
    _standard_ssd("E60", 8192, 2000, 400),
    _standard_ssd("E70", 16384, 4000, 600),
    _standard_ssd("E80", 32767, 6000, 750),
)


def disk_tier(sku: str, size_gib: int) -> DiskTier:
    """The smallest tier of ``sku`` that holds ``size_gib``, which is how Azure bills and limits."""
    return next(tier for tier in DISK_TIERS if tier.sku == sku and tier.max_gib >= size_gib)
