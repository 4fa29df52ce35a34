"""What the nodes of a pool are: size, OS disk and limits, Kubernetes version, and how they pull.

A scale set is one model for all its nodes. Single machines may differ: then each kind of them is told, and the
pool holds what they have in common.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.collect import limits
from shared.collect.azure import Azure, Row
from shared.collect.fleet import Machine, PoolRef, with_its_machines
from shared.model import Cluster, NodeModel, NodePool, PoolKind, in_common

PARALLEL_FROM = (1, 31)
"""AKS pulls images in parallel from this Kubernetes version on (release notes of 2024-10-06)."""


class Described(NamedTuple):
    """A pool as it is now, and the model of its scale set if it is one."""

    ref: PoolRef
    model: Row


def describe(azure: Azure, cluster: Cluster, ref: PoolRef) -> Described:
    """The scale set itself, or the machines: Resource Graph's listing of the fleet lags behind a scale or an upgrade."""
    if ref.vmss_id:
        return Described(ref, azure.scale_set(ref.vmss_id))
    return Described(with_its_machines(azure, cluster, ref), {})


def node_pool(found: Described, cluster: Cluster, skus: list[Row]) -> tuple[NodePool, tuple[NodeModel, ...]]:
    """The pool, and where its nodes differ, what each is."""
    if found.ref.vmss_id:
        return _scale_set(found, cluster, skus), ()
    return _single_machines(found.ref, cluster, skus)


def _scale_set(found: Described, cluster: Cluster, skus: list[Row]) -> NodePool:
    """The pool as its scale set says now; where that cannot be read, as Resource Graph last knew it."""
    ref, sku = found.ref, found.model.get("sku") or {}
    size, capacity = sku.get("name") or ref.vm_size, sku.get("capacity")
    tags = {k.lower(): v for k, v in (found.model.get("tags") or {}).items()}
    version = str(tags.get("aks-managed-orchestrator", "")).rpartition(":")[2] or ref.kubernetes_version or cluster.kubernetes_version
    vm = limits.vm_limits(size, skus)
    return NodePool(
        name=ref.name, vmss_id=ref.vmss_id, location=ref.location, vm_size=size,
        node_count=ref.capacity if capacity is None else int(capacity),
        os_disk=limits.os_disk(_os_disk_of(found.model) or ref.os_disk or {}, vm, skus), vm=vm,
        kubernetes_version=version, pull_mode=pull_mode(version),
    )


def _os_disk_of(scale_set: Row) -> Row:
    profile = (scale_set.get("properties") or {}).get("virtualMachineProfile") or {}
    found: Row = (profile.get("storageProfile") or {}).get("osDisk") or {}
    return found


def _single_machines(ref: PoolRef, cluster: Cluster, skus: list[Row]) -> tuple[NodePool, tuple[NodeModel, ...]]:
    models = _models(ref.machines, skus)
    shared = in_common(models) if models else NodeModel((), limits.vm_limits(ref.vm_size, skus), limits.os_disk({}, limits.vm_limits("", []), []))
    version, size = ref.kubernetes_version or cluster.kubernetes_version, _sizes(ref.machines)
    pool = NodePool(
        name=ref.name, vmss_id="", location=ref.location, vm_size=size, node_count=len(ref.machines), os_disk=shared.os_disk,
        vm=replace(shared.vm, size=size), kubernetes_version=version, pull_mode=pull_mode(version, ref.kind), kind=ref.kind,
    )
    return pool, models if len(models) > 1 else ()


def _models(machines: Sequence[Machine], skus: list[Row]) -> tuple[NodeModel, ...]:
    """The machines by size and OS disk."""
    alike: dict[bytes, list[Machine]] = defaultdict(list)
    for machine in machines:
        alike[msgspec.json.encode((machine.vm_size, machine.os_disk), order="sorted")].append(machine)
    return tuple(_model(group, skus) for _, group in sorted(alike.items()))


def _model(alike: Sequence[Machine], skus: list[Row]) -> NodeModel:
    vm = limits.vm_limits(alike[0].vm_size, skus)
    return NodeModel(tuple(machine.node for machine in alike), vm, limits.os_disk(alike[0].os_disk or {}, vm, skus))


def _sizes(machines: Sequence[Machine]) -> str:
    """``Standard_D4s_v3 and 2 other sizes``: the commonest first."""
    counted = Counter(machine.vm_size for machine in machines)
    if not counted:
        return ""
    commonest, others = max(counted, key=lambda size: (counted[size], size)), len(counted) - 1
    return commonest + (f" and {others} other size{'s' if others > 1 else ''}" if others else "")


def pull_mode(version: str, kind: PoolKind = "scale_set") -> Literal["serial", "parallel", "unknown"]:
    """How the kubelet of an AKS node pulls by default, by Kubernetes version; auto-provisioned nodes pull one by one."""
    if kind == "auto_provisioned":
        return "serial"
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return "unknown"
    return "parallel" if (int(parts[0]), int(parts[1])) >= PARALLEL_FROM else "serial"
