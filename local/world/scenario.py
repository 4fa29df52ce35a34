"""What a scenario is: the frozen description that the model turns into a world."""

from typing import Literal

import msgspec

from local.world.hardware import MB
from local.world.node import OsDisk

BATCH_BEFORE_START_SECONDS = 180
"""The last batch job before the operation began this long before it."""
HUB = "docker.io"

type PoolKind = Literal["scale_set", "virtual_machines", "auto_provisioned"]


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


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """What runs instead of the ordinary workload for a while, on all nodes or the first few."""

    workload: Workload
    first_nodes: int = 0
    """0: all."""
    at_minutes: float = -1
    """From the start of the operation."""
    minutes: float = 600


class ImageMix(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of the pool's images, unpacked, drawn between the two bounds."""

    services_mb: tuple[float, float]
    system_mb: tuple[float, float]
    deployment_mb: float
    """The image of the deployment that is scaled."""
    bytes_per_write: float = 30_000
    """Unpacked bytes for each write operation: small for images of many small files."""
    layers: tuple[int, int] = (7, 12)


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """Pods that come beside those of the operation, some on each node."""

    name: str
    mb: float
    """Unpacked size of each image, within 5 %."""
    pods_per_node: int = 1
    images: int = 1
    """The pods of a node take turns among so many images."""
    at_minutes: float = 1.0
    """From the start of the operation, or later if the node is not there yet."""
    over_seconds: float = 10
    on: Literal["all", "old", "new"] = "old"
    first_nodes: int = 0
    """0: all of them."""
    registry: str = ""
    """Empty: the cluster's own."""
    tag: str = ""
    always_pull: bool = False
    job: bool = False
    """Its pods end: garbage collection may take the image away."""
    moves_tag: bool = False
    """Each time the same tag stands for new layers."""
    times: int = 1
    every_minutes: float = 5.0
    layers: int = 9
    compressed: float = 0.38
    """Download by unpacked size."""
    bytes_per_write: float = 0
    """0: as the other images."""
    unpack_mbps: float = 120


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


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """No node comes or goes and Azure sends no event; what happens is in the scenario's rollouts."""

    minutes: float = 30


class LeftCredits(msgspec.Struct, frozen=True, kw_only=True):
    """How full the old nodes' buckets are when the world begins, drawn between the two bounds."""

    io: tuple[float, float] = (1.0, 1.0)
    bytes: tuple[float, float] = (1.0, 1.0)
    vm: tuple[float, float] = (1.0, 1.0)


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """How the cluster reaches the outside. Connections are the ports that the other workloads of one node hold."""

    type: Literal["loadBalancer", "managedNATGateway", "userAssignedNATGateway", "userDefinedRouting"] = "loadBalancer"
    public_ips: int = 1
    ports_per_node: int = 0
    """``allocatedOutboundPorts`` of the load balancer; 0: by the number of nodes."""
    connections: float = 40
    storm_connections: float = 0
    """From a minute before the operation on; 0: as ever."""
    firewall_tier: Literal["", "Basic", "Standard", "Premium"] = ""
    """The Azure Firewall that ``userDefinedRouting`` leads through."""
    other_bits_per_second: float = 0
    """What everybody else sends through it."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str
    cause: str
    """What ``Truth.cause`` must come out as; the model's own accounting decides, tests compare."""
    cluster: str
    pool: str = "apps"
    location: str = "westeurope"
    pool_kind: PoolKind = "scale_set"
    """Single machines are a resource each; node auto-provisioning makes them one by one."""
    vm_size: str
    other_sizes: tuple[str, ...] = ()
    """Single machines may differ: the nodes take turns, ``vm_size`` first."""
    disk: OsDisk = OsDisk()
    nodes: int = 10
    versions: tuple[str, ...] = ("1.33.1",)
    """Kubernetes version before the operation; the seed picks one."""
    serial_pulls: bool = False
    """The subscription has the feature ``DisableParallelImagePulls``: one by one from 1.31 on, too."""
    workload: Workload
    neighbour: Neighbour | None = None
    images: ImageMix
    always_pull: bool = False
    """``imagePullPolicy: Always`` on every pod."""
    operation: Upgrade | ScaleOut | Steady
    rollouts: tuple[Rollout, ...] = ()
    image_gc_minutes: tuple[float, ...] = ()
    """When the kubelets collect images, from the start of the operation."""
    old_credits: LeftCredits | None = None
    """None: full, or next to nothing where a batch job spends them."""
    registry_skus: tuple[str, ...] = ("Premium",)
    """The seed picks one."""
    registry_ramp: float = 1.0
    """Part of the published request limit that a sudden herd gets while the registry scales out."""
    registry_locations: tuple[str, ...] = ()
    """Home region of the registry, then its replicas'; empty: the cluster's region."""
    registry_attached: bool = True
    """Whether the kubelets' identity may pull from it. If not, another right (a pull secret) lets them."""
    mcr_reads_per_minute: float | None = None
    """None: the Microsoft registry refuses nobody."""
    outbound: Outbound = Outbound()
    ordinary_pulls: int = 90
    """Pulls in the hours before, that say what is usual."""
    history_hours: float = 6
    quiet_minutes: float = 3
    normal_kube_events: bool = True
    """Whether Container insights collects ``Normal`` events (``collect_all_kube_events``)."""
