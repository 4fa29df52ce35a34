"""What the things of a world are called, the same for every seed of a scenario."""

from random import Random

import msgspec

from local.world.scenario import PoolKind

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of which Kubernetes draws the ends of generated names."""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    pool_kind: PoolKind
    stem: str
    """What node names begin with: the scale set's name, or what comes before a single machine's own part."""
    registry: str
    """Login server."""
    node_resource_group: str

    def node(self, instance: int) -> str:
        """As Kubernetes calls it; a single machine is called so by Azure too."""
        match self.pool_kind:
            case "scale_set":
                return node_name(self.stem, instance)
            case "virtual_machines":
                return f"{self.stem}{instance}"
            case _:
                return f"{self.stem}-{''.join(Random(f'{self.stem}/{instance}').choices(LETTERS, k=5))}"


def names_of(cluster: str, pool: str, location: str, pool_kind: PoolKind) -> Names:
    digits = Random(cluster).randint(10_000_000, 99_999_999)
    stem = {"scale_set": f"aks-{pool}-{digits}-vmss", "virtual_machines": f"aks-{pool}-{digits}-vms", "auto_provisioned": f"aks-{pool}"}[pool_kind]
    return Names(
        pool_kind=pool_kind, stem=stem, registry=f"contoso{cluster.replace('-', '')}.azurecr.io",
        node_resource_group=f"MC_rg-{cluster}_{cluster}_{location}",
    )


def instance_name(vmss: str, instance: int) -> str:
    """As the scale set and the metrics' ``VMName`` call it."""
    return f"{vmss}_{instance}"


def node_name(vmss: str, instance: int) -> str:
    """As Kubernetes calls an instance of a scale set: six base-36 digits."""
    digits, number = "", instance
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return vmss + digits.rjust(6, "0")
