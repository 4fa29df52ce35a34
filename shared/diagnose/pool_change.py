"""How a pool comes by another VM size or OS disk: neither can be changed in place.

A pool of AKS is replaced by a new one. Auto-provisioned nodes follow their NodePool's requirements and its
AKSNodeClass, and are replaced by themselves when these change; whether their OS disk is ephemeral follows from
its size: it is wherever the VM has room for it.
Sources: "az aks nodepool add"; "Use Virtual Machines node pools in AKS"; "Configure node pools" and "Configure
AKSNodeClass resources" for node auto-provisioning.
"""

from typing import NamedTuple

from shared.model import Case, VmLimits


class Nodes(NamedTuple):
    """What the nodes shall be."""

    vm: VmLimits
    os_disk_type: str
    """``Managed`` or ``Ephemeral``."""
    os_disk_gib: int


def room_gib(vm: VmLimits) -> float:
    """For an ephemeral OS disk; 0: none, or not known."""
    return vm.nvme_gib or vm.cache_gib or vm.temp_gib or 0.0


def can_be_had(case: Case, wanted: Nodes) -> bool:
    """Whether the pool can have a disk of that kind and size on that VM."""
    if case.pool.kind != "auto_provisioned":
        return True
    vms = [model.vm for model in case.models] if case.models and wanted.vm.size == case.pool.vm.size else [wanted.vm]
    fits = [bool(vm.ephemeral_os_disk) and room_gib(vm) >= wanted.os_disk_gib for vm in vms]
    return all(fits) if wanted.os_disk_type == "Ephemeral" else not any(fits)


def command(case: Case, wanted: Nodes) -> str:
    """What to run."""
    if case.pool.kind == "auto_provisioned":
        return " && ".join(_patches(case, wanted))
    cluster, pool = case.cluster, case.pool
    as_now = case.models and wanted.vm.size == pool.vm.size
    size = max(case.models, key=lambda m: (len(m.nodes), m.vm.size)).vm.size if as_now else wanted.vm.size
    by_size = f"--vm-set-type VirtualMachines --vm-sizes {size}" if pool.kind == "virtual_machines" else f"--node-vm-size {size}"
    return (f"az aks nodepool add --resource-group {cluster.resource_group} --cluster-name {cluster.name} "
            f"--name {pool.name[:11]}2 --node-count {max(1, pool.node_count)} {by_size} "
            f"--node-osdisk-type {wanted.os_disk_type} --node-osdisk-size {wanted.os_disk_gib}")


def then(case: Case, wanted: Nodes) -> str:
    """What follows the command."""
    if case.pool.kind == "auto_provisioned":
        more = "" if wanted.vm.size == case.pool.vm.size else "the list of sizes may hold more that are as good; "
        return f"{more}nodes that no longer match are replaced one by one"
    more = "one “az aks nodepool manual-scale add” for each further size, " if len({m.vm.size for m in case.models}) > 1 else ""
    return f"{more}give it the mode, zones, labels and taints of {case.pool.name}, then drain and delete {case.pool.name}"


def _patches(case: Case, wanted: Nodes) -> list[str]:
    """The node class for the disk's size, the NodePool for another VM size."""
    found, name = [], case.pool.name
    if wanted.os_disk_gib != case.pool.os_disk.size_gib:
        node_class = f"$(kubectl get nodepools.karpenter.sh {name} -o jsonpath='{{.spec.template.spec.nodeClassRef.name}}')"
        found.append(f'kubectl patch aksnodeclasses {node_class} --type merge -p \'{{"spec":{{"osDiskSizeGB":{wanted.os_disk_gib}}}}}\'')
    if wanted.vm.size != case.pool.vm.size:
        requirement = f'{{"key":"karpenter.azure.com/sku-name","operator":"In","values":["{wanted.vm.size}"]}}'
        found.append(f"kubectl patch nodepools.karpenter.sh {name} --type json "
                     f'-p \'[{{"op":"add","path":"/spec/template/spec/requirements/-","value":{requirement}}}]\'')
    return found
