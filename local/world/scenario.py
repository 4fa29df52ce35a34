"""What a scenario is: the frozen description that the model turns into a world."""

import msgspec

from local.world.hardware import MB
from local.world.node import OsDisk

BATCH_BEFORE_START_SECONDS = 180
"""The last batch job before the operation began this long before it."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """The other workloads of one node, on average; each minute and node differs a little.

    ``batch_iops``: every ``batch_every_minutes`` a job writes that fast for a minute and spends
    whatever burst credits have come back. Node pools whose credits are "100 % used" live so.
    """

    write_iops: float
    bytes_per_write: float = 12_000
    read_iops: float = 40
    cpu_share: float = 0.35
    network_in: float = 4 * MB
    outstanding: float = 17
    spread: float = 0.015
    """Standard deviation from minute to minute, as a share."""
    ceiling_iops: float = 0
    """Ordinary minutes stay below this; 0: no ceiling."""
    batch_iops: float = 0
    batch_every_minutes: int = 30


class ImageMix(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of the pool's images, unpacked, drawn between the two bounds."""

    services_mb: tuple[float, float]
    system_mb: tuple[float, float]
    deployment_mb: float
    """The image of the deployment that is scaled."""
    bytes_per_write: float = 30_000
    """Unpacked bytes for each write operation: small for images of many small files."""
    layers: tuple[int, int] = (7, 12)


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """A rolling upgrade: surge nodes first, then batches drained, reimaged and brought back."""

    surge: int = 2
    first_reimage_minutes: float = 8.0
    batch_minutes: float = 5.5
    replicas: int = 48
    """New pods of the deployment that is scaled meanwhile."""
    system_rollout: bool = True
    """The add-ons' DaemonSets get new images on every node, as AKS does with the control plane."""
    evicted_per_node: int = 4
    target: str = "1.33.4"


class ScaleOut(msgspec.Struct, frozen=True, kw_only=True):
    """New nodes in a scale set; pods wait for them. ``minutes`` is how long it is looked at."""

    new_nodes: int
    pods_per_node: int
    replicas: int = 0
    """Pods of the scaled deployment that land on the old nodes."""
    boot_spread_seconds: float = 60
    minutes: float = 16


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str
    cause: str
    """What ``Truth.cause`` must come out as; the model's own accounting decides, tests compare."""
    cluster: str
    pool: str = "apps"
    location: str = "westeurope"
    vm_size: str
    disk: OsDisk = OsDisk()
    nodes: int = 10
    versions: tuple[str, ...] = ("1.33.1",)
    """Kubernetes version before the operation; the seed picks one."""
    workload: Workload
    images: ImageMix
    operation: Upgrade | ScaleOut
    registry_skus: tuple[str, ...] = ("Premium",)
    """The seed picks one."""
    registry_ramp: float = 1.0
    """Part of the published request limit that a sudden herd gets while the registry scales out."""
    registry_bytes_per_second: float = 0
    """Throughput of one pull, if the registry is far away; 0: same region."""
    ordinary_pulls: int = 90
    """Pulls in the hours before, that say what is usual."""
    history_hours: float = 6
    quiet_minutes: float = 3
    normal_kube_events: bool = True
    """Whether Container insights collects ``Normal`` events (``collect_all_kube_events``)."""

