"""What many scenarios have in common: nodes that are good enough, workloads and images of the usual kind."""

from local.world.node import OsDisk
from local.world.scenario import ImageMix, Workload

TEMP_300 = OsDisk(size_gib=300, placement="ResourceDisk")
"""Ephemeral on the temp disk of a D8ds_v5: 38,000 IOPS, 500 MB/s."""
TEMP_150 = OsDisk(size_gib=150, placement="ResourceDisk")
"""Ephemeral on the temp disk of a D4ds_v5: 19,000 IOPS, 250 MB/s."""
P10, P15, P20, P30 = OsDisk(), OsDisk(size_gib=256), OsDisk(size_gib=512), OsDisk(size_gib=1024)
E10 = OsDisk(sku="StandardSSD_LRS")

CALM = Workload(write_iops=120, spread=0.08, outstanding=6)
LIVELY = Workload(write_iops=300, spread=0.08, outstanding=10)

SMALL = ImageMix(services_mb=(120, 400), system_mb=(90, 300), deployment_mb=400)
TINY = ImageMix(services_mb=(40, 120), system_mb=(40, 110), deployment_mb=100)
MEDIUM = ImageMix(services_mb=(500, 900), system_mb=(100, 300), deployment_mb=700)
LARGE_FILES = ImageMix(services_mb=(900, 1900), system_mb=(200, 500), deployment_mb=1800, bytes_per_write=200_000)
"""Model weights and archives: few write operations for many bytes."""
SMALL_FILES = ImageMix(services_mb=(120, 300), system_mb=(90, 200), deployment_mb=300, bytes_per_write=6_000)
"""Interpreters and their packages: many write operations for few bytes."""
