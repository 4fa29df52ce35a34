"""What a node could do with one disk or another: the disk's own limits, as the VM lets them through."""

from typing import NamedTuple

from shared.model import DiskTier, NodeModel, NodePool, OsDisk, VmLimits


class NodeLimits(NamedTuple):
    """Rates a second that a node cannot exceed; None: not known, or none."""

    iops: float | None
    bytes_per_second: float | None
    cores: float | None = None
    received_bytes_per_second: float | None = None
    burst_iops: float | None = None
    burst_bytes_per_second: float | None = None
    io_credits: float = 1.0
    """0..1: how full the disk's bucket of burst credits is when pulls begin; a new disk starts with all of them."""
    byte_credits: float = 1.0

    @property
    def can_burst(self) -> bool:
        return (self.burst_iops or 0.0) > (self.iops or 0.0) or (self.burst_bytes_per_second or 0.0) > (self.bytes_per_second or 0.0)


def managed(disk: OsDisk | DiskTier, vm: VmLimits, io_credits: float = 1.0, byte_credits: float = 1.0) -> NodeLimits:
    """A managed OS disk on ``vm``: the tighter of their limits, burst or not."""
    return NodeLimits(
        _least(disk.iops, vm.uncached_iops), _least(disk.bytes_per_second, vm.uncached_bytes_per_second), *_cores_and_link(vm),
        _least(disk.burst_iops or disk.iops, vm.uncached_burst_iops or vm.uncached_iops),
        _least(disk.burst_bytes_per_second or disk.bytes_per_second, vm.uncached_burst_bytes_per_second or vm.uncached_bytes_per_second),
        io_credits, byte_credits,
    )


def ephemeral(vm: VmLimits) -> NodeLimits:
    """An ephemeral OS disk: what the VM's cache or temp disk gives."""
    return NodeLimits(vm.cached_iops, vm.cached_bytes_per_second, *_cores_and_link(vm))


def of_pool(pool: NodePool | NodeModel, io_credits: float = 1.0, byte_credits: float = 1.0) -> NodeLimits:
    """The nodes as they are."""
    return ephemeral(pool.vm) if pool.os_disk.kind == "ephemeral" else managed(pool.os_disk, pool.vm, io_credits, byte_credits)


def _cores_and_link(vm: VmLimits) -> tuple[float | None, float | None]:
    return (float(vm.vcpus) if vm.vcpus else None, vm.network_bits_per_second / 8 if vm.network_bits_per_second else None)


def _least(*values: float | None) -> float | None:
    return min((v for v in values if v is not None), default=None)
