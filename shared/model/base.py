"""What every value builds on: the base class, the closed lists of words, JSON, thresholds."""

from enum import StrEnum

import msgspec


class Value(msgspec.Struct, frozen=True):
    """Base of all values: immutable, compared by content."""


class Cause(StrEnum):
    """Everything that can be said about slow pulls. Closed: consumers branch on it."""

    REGISTRY_THROTTLED = "registry.throttled"
    REGISTRY_DISTANT = "registry.distant"
    NETWORK_NIC = "network.nic"
    NETWORK_SNAT = "network.snat"
    NETWORK_EGRESS = "network.egress"
    DISK_IOPS = "disk.iops"
    DISK_BANDWIDTH = "disk.bandwidth"
    DISK_BURST = "disk.burst"
    DISK_VM_CAP = "disk.vm_cap"
    CPU_UNPACK = "cpu.unpack"
    KUBELET_SERIAL = "kubelet.serial"
    KUBELET_QPS = "kubelet.qps"
    KUBELET_REPULL = "kubelet.repull"
    IMAGE_SIZE = "image.size"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"

    @property
    def layer(self) -> str:
        """``disk`` of ``disk.iops``: the stage of the pull pipeline."""
        return self.value.split(".", 1)[0]


class Verdict(StrEnum):
    CULPRIT = "culprit"
    CONTRIBUTING = "contributing"
    CLEARED = "cleared"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    OK = "ok"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for ok up to 3 for critical."""
        return list(Severity).index(self)


class Thresholds(Value, frozen=True):
    """The numbers that rules compare with; each is a setting (``docs/settings.md``)."""

    slow_pull_seconds: float = 60.0
    slow_factor: float = 3.0
    """A pull this many times the pool's usual p95 is slow, if it also took ``slow_floor_seconds``."""
    slow_floor_seconds: float = 20.0
    queue_depth: float = 20.0
    saturated_percent: float = 95.0
    cpu_percent: float = 90.0
    network_percent: float = 85.0


def encode(value: msgspec.Struct) -> bytes:
    """JSON of a value: the same value gives the same bytes."""
    return msgspec.json.encode(value, order="deterministic")


def decode[T](data: bytes | str, kind: type[T]) -> T:
    """The value back from its JSON. Raises ``msgspec.ValidationError`` naming the field at fault."""
    return msgspec.json.decode(data, type=kind)
