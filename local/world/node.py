"""A node: its disk, link and cores, the pulls under way, and what Azure would measure of it."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from local.world.flow import RESERVED_SHARE, Flow, Limit, Resource, share
from local.world.hardware import GIB, VmSize, disk_tier
from local.world.pulls import Image, Pull

MINUTE = 60.0
VM_BURST_SECONDS = 1800
DONE = 1 - 1e-9
OUTSTANDING_PER_PULL = 2.0
"""I/Os that one unpacking pull keeps in the disk's queue while the disk is saturated."""
STILL_CHARGED = 0.05
"""A bucket that holds more than this when it is first watched can *run out*; with less it was gone before."""


class OsDisk(msgspec.Struct, frozen=True, kw_only=True):
    """``placement`` empty: a managed disk of ``sku``; else ephemeral on CacheDisk, ResourceDisk or NvmeDisk."""

    sku: str = "Premium_LRS"
    size_gib: int = 128
    placement: str = ""

    @property
    def ephemeral(self) -> bool:
        return bool(self.placement)


class Credits(msgspec.Struct, frozen=True, kw_only=True):
    """How full a node's buckets of burst credits are, 0 to 1."""

    io: float = 1.0
    bytes: float = 1.0
    vm: float = 1.0
    """Both of the VM's own, for its uncached operations and bytes."""


FULL = Credits()


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the other workloads of a node want in one minute, per second. Reads are cache hits."""

    write_iops: float
    write_bytes: float
    read_iops: float
    read_bytes: float
    cpu_cores: float
    network_in: float
    network_out: float
    outstanding: float
    """I/Os they would keep in the queue of a saturated disk."""


@dataclass(slots=True, kw_only=True)
class Transfer(Flow):
    """One image on its way to one node; pulls of the same image share it."""

    image: Image
    unhindered: float
    """Progress per second that the size alone allows; ``fastest`` is less for what unpacks badly or comes from afar."""
    own_limit: str = ""
    """Cause that keeps ``fastest`` below ``unhindered``."""
    progress: float = 0.0
    pulls: list[Pull] = field(default_factory=list)


@dataclass(slots=True)
class Minute:
    """Integrals over the seconds of one minute that the node existed."""

    seconds: float = 0.0
    write_operations: float = 0.0
    write_bytes: float = 0.0
    read_operations: float = 0.0
    read_bytes: float = 0.0
    cpu_seconds: float = 0.0
    network_in: float = 0.0
    network_out: float = 0.0
    queue_depth: float = 0.0
    iops_of_limit: float = 0.0
    """Share of the disk's limit in force, burst included; the baseline's share follows from the operations."""
    bytes_of_limit: float = 0.0
    used_io_credits_percent: float = 0.0
    used_byte_credits_percent: float = 0.0
    vm_iops_of_limit: float = 0.0
    vm_bytes_of_limit: float = 0.0
    used_vm_io_credits_percent: float = 0.0
    used_vm_byte_credits_percent: float = 0.0
    pulled_bytes: float = 0.0
    pulls: float = 0.0


class Node:
    """One life of a scale-set instance: from its boot to its removal or reimage."""

    def __init__(
        self, *, instance: int, born: float, gone: float, version: str, vm: VmSize, disk: OsDisk,
        load: Callable[[int], Load], serial: bool, credit: Credits = FULL, firewalled: bool = False,
    ) -> None:
        self.instance, self.born, self.gone, self.version = instance, born, gone, version
        self.vm, self.disk, self.serial = vm, disk, serial
        self._load_at = load
        self.clock = born
        self.alive = True
        self.images: dict[str, Image] = {}
        """By reference, what is on the node now; ``fetched`` is what ever was."""
        self.fetched: set[str] = set()
        self.in_use: set[str] = set()
        """References of the pods that stay: image garbage collection spares them."""
        self.transfers: list[Transfer] = []
        self.running = 0
        """Pulls that left the kubelet's queue and have not ended."""
        self.waiting: deque[Pull] = deque()
        self.dialing = 0
        """Pulls whose connections nobody answers."""
        self.minutes: dict[int, Minute] = {}
        self.resources = _limits(vm, disk, credit)
        self.egress_level = math.inf
        """Bytes a second that the firewall on the way has for each pull."""
        self._egress = Resource("network.egress", "egress", Limit(math.inf)) if firewalled else None
        if self._egress:
            self.resources.append(self._egress)
        self.next_wake = 0.0
        """Time of the valid wake-up in the simulation's calendar; earlier entries are stale."""
        self._set_load()

    # --- the fluid -------------------------------------------------------------------------

    def advance(self, until: float) -> None:
        """Moves on to ``until``; nothing may finish before it (see ``next_change``)."""
        while self.clock < until:
            step = min(until - self.clock, self._minute_ends - self.clock, self._credits_last())
            burst_changed = self._integrate(max(step, 1e-6))
            if self.clock >= self._minute_ends:
                self._set_load()
            elif burst_changed:
                self.reshare()

    def next_change(self) -> float:
        """When rates change or a transfer ends next, if nothing new is asked before."""
        ends = (self.clock + (1 - t.progress) / t.rate for t in self.transfers)
        return min(*ends, self._minute_ends, self.clock + self._credits_last())

    def finished(self) -> list[Transfer]:
        """Takes out the transfers that are complete."""
        done = [t for t in self.transfers if t.progress >= DONE]
        if done:
            self.transfers = [t for t in self.transfers if t.progress < DONE]
            self.images.update((t.image.reference, t.image) for t in done)
            self.fetched.update(t.image.reference for t in done)
            self.reshare()
        return done

    def add(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)
        self.reshare()

    def collect_images(self) -> None:
        """The kubelet's garbage collection at 85 % of the disk: what no pod uses goes."""
        self.images = {reference: image for reference, image in self.images.items() if reference in self.in_use}

    def reshare(self) -> None:
        if self._egress:
            wanted = (min(t.fastest * t.needs["egress"], self.egress_level) for t in self.transfers)
            self._egress.limit.base = max(sum(wanted), 1.0)
        share(self.resources, [self._others, *self.transfers], self._reserved)

    def watch(self) -> None:
        """From now on, credits that run out count as having run out *during* the operation."""
        for resource in self.resources:
            limit = resource.limit
            limit.ran_dry_while_watched = limit.credits >= STILL_CHARGED * limit.bucket > 0

    def _set_load(self) -> None:
        minute = int(self.clock // MINUTE)
        self._minute_ends = (minute + 1) * MINUTE
        self.load = self._load_at(minute)
        needs = {"operations": self.load.write_iops, "bytes": self.load.write_bytes, "network": 0.0, "egress": 0.0, "cpu": 0.0}
        self._others = Flow(needs=needs, fastest=1.0)
        rest = 1 - RESERVED_SHARE
        self._reserved = {
            "cpu": min(self.load.cpu_cores, rest * self.vm.vcpus),
            "network": min(self.load.network_in, rest * self.vm.network_bits_per_second / 8),
        }
        if self.disk.ephemeral:  # its reads count against the same limit; a managed disk's come from the host cache
            self._reserved |= {"operations": self.load.read_iops, "bytes": self.load.read_bytes}
        self.minutes.setdefault(minute, Minute())
        self.reshare()

    def _credits_last(self) -> float:
        return min(r.limit.seconds_left(r.flowing) for r in self.resources)

    # --- accounting ------------------------------------------------------------------------

    def _integrate(self, seconds: float) -> bool:
        """Books one step of constant rates; True if credits opened or ended a burst with it."""
        self._measure(seconds)
        self._account(seconds)
        for transfer in self.transfers:
            transfer.progress += transfer.rate * seconds
        self.clock += seconds
        changed = [resource.limit.use(resource.flowing, seconds) for resource in self.resources]
        return any(changed)

    def _account(self, seconds: float) -> None:
        """Books what this step cost every pull, to the constraint that held it."""
        for transfer in self.transfers:
            losses = self._losses(transfer, seconds)
            for pull in transfer.pulls:
                pull.lose_all(losses)
        for pull in self.waiting:
            self._account_waiting(pull, seconds)

    def _account_waiting(self, pull: Pull, seconds: float) -> None:
        """A queued pull waits for what holds up the one ahead, and for the rest of the time for the queue."""
        losses = self._losses(self.transfers[0], seconds) if self.transfers else {}  # a serial kubelet has one
        if self.dialing and not losses:
            losses = {"network.snat": seconds}
        pull.lose_all(losses)
        pull.lose("kubelet.serial", seconds - sum(losses.values()))

    def _losses(self, transfer: Transfer, seconds: float) -> dict[str, float]:
        """Cause → seconds: what held it below its own best, and what keeps that below what the size alone takes."""
        if all(pull.again for pull in transfer.pulls):
            return {"kubelet.repull": seconds}
        per_rate = seconds / transfer.unhindered
        own = (transfer.unhindered - transfer.fastest) * per_rate
        held = (transfer.fastest - transfer.rate) * per_rate
        losses = {transfer.own_limit: own} if own > 0 else {}
        if held > 0:
            cause = self._cause(transfer)
            losses[cause] = losses.get(cause, 0.0) + held
        return losses

    def _cause(self, transfer: Transfer) -> str:
        """The cause to book: credits that ran out under our eyes are ``disk.burst``."""
        if transfer.held_by in {"disk.iops", "disk.bandwidth"}:
            limit = next(r.limit for r in self.resources if r.cause == transfer.held_by)
            if limit.ran_dry_while_watched and not limit.bursting:
                return "disk.burst"
        return transfer.held_by

    # --- measurement -----------------------------------------------------------------------

    def _measure(self, seconds: float) -> None:
        minute = self.minutes.setdefault(int(self.clock // MINUTE), Minute())
        operations, byte_rate = self._flowing("operations"), self._flowing("bytes")
        iops, bandwidth = self.resources[0].limit, self.resources[1].limit
        minute.seconds += seconds
        minute.write_operations += (operations - self._reserved.get("operations", 0.0)) * seconds
        minute.write_bytes += (byte_rate - self._reserved.get("bytes", 0.0)) * seconds
        minute.read_operations += self.load.read_iops * seconds
        minute.read_bytes += self.load.read_bytes * seconds
        minute.cpu_seconds += self._flowing("cpu") * seconds
        minute.network_in += self._flowing("network") * seconds
        minute.network_out += self.load.network_out * seconds
        minute.queue_depth += self._queue_depth(operations, byte_rate) * seconds
        minute.iops_of_limit += _of_limit(operations, iops) * seconds
        minute.bytes_of_limit += _of_limit(byte_rate, bandwidth) * seconds
        minute.used_io_credits_percent = iops.used_credits_percent
        minute.used_byte_credits_percent = bandwidth.used_credits_percent
        self._measure_vm(minute, operations, byte_rate, seconds)
        minute.pulled_bytes += (self._flowing("network") - self._reserved["network"]) * seconds
        minute.pulls += len(self.transfers) * seconds

    def _measure_vm(self, minute: Minute, operations: float, byte_rate: float, seconds: float) -> None:
        """The VM's own limits for uncached disks, where the OS disk is one."""
        limits = [resource.limit for resource in self.resources if resource.cause == "disk.vm_cap"]
        if limits:
            minute.vm_iops_of_limit += _of_limit(operations, limits[0]) * seconds
            minute.vm_bytes_of_limit += _of_limit(byte_rate, limits[1]) * seconds
            minute.used_vm_io_credits_percent, minute.used_vm_byte_credits_percent = (one.used_credits_percent for one in limits)

    def _flowing(self, kind: str) -> float:
        return next(r.flowing for r in self.resources if r.kind == kind)

    def _queue_depth(self, operations: float, byte_rate: float) -> float:
        """Little's law at the device's own latency, plus the queue that grows as a limit nears.

        A saturated closed system holds all its outstanding I/Os in the queue; the fourth power keeps
        that part small until about 80 %. The other workloads' own queue goes with the baseline, the
        pulls' with the limit in force: while credits last, pulls do not pile up.
        """
        iops, bandwidth = self.resources[0].limit, self.resources[1].limit
        latency = 0.0005 if self.disk.ephemeral else 0.002
        workload = min(max(operations / iops.base, byte_rate / bandwidth.base), 1.0)
        tightest = min(max(r.flowing / r.limit.now for r in self.resources if r.kind in {"operations", "bytes"}), 1.0)
        pulls = OUTSTANDING_PER_PULL * len(self.transfers)
        return operations * latency + self.load.outstanding * workload**4 + pulls * tightest**4


def _of_limit(rate: float, limit: Limit) -> float:
    """Share of the limit in force: the burst limit only while the disk really goes above its baseline."""
    return rate / (limit.now if rate > limit.base else limit.base)


def _limits(vm: VmSize, disk: OsDisk, credit: Credits) -> list[Resource]:
    """The node's resources; the first two are the OS disk's own operations and bytes."""
    network = Resource("network.nic", "network", Limit(vm.network_bits_per_second / 8))
    cpu = Resource("cpu.unpack", "cpu", Limit(float(vm.vcpus)))
    if disk.ephemeral:
        return [
            Resource("disk.iops", "operations", Limit(vm.cached_iops)),
            Resource("disk.bandwidth", "bytes", Limit(vm.cached_bytes_per_second)),
            network, cpu,
        ]
    tier = disk_tier(disk.sku, disk.size_gib)
    return [
        Resource("disk.iops", "operations", Limit(tier.iops, tier.burst_iops, tier.io_bucket, credit.io)),
        Resource("disk.bandwidth", "bytes",
                 Limit(tier.bytes_per_second, tier.burst_bytes_per_second, tier.gib_bucket * GIB, credit.bytes)),
        Resource("disk.vm_cap", "operations", _vm_limit(vm.uncached_iops, vm.uncached_burst_iops, credit.vm)),
        Resource("disk.vm_cap", "bytes",
                 _vm_limit(vm.uncached_bytes_per_second, vm.uncached_burst_bytes_per_second, credit.vm)),
        network, cpu,
    ]


def _vm_limit(base: float, burst: float, filled: float) -> Limit:
    return Limit(base, burst, max(burst - base, 0.0) * VM_BURST_SECONDS, filled)
