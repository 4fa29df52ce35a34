"""Names Azure spells in several ways, compared in one.

Resource ids come back as ``resourceGroups`` or ``resourcegroups``, upper-case or not; a node is
``aks-apps-12345678-vmss_10`` to the scale set and ``aks-apps-12345678-vmss00000a`` to Kubernetes.
"""

import re

from shared.errors import Permanent

_INSTANCE = re.compile(r"^(?P<vmss>.+-vmss)_(?P<number>\d+)$")
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def id_key(resource_id: str) -> str:
    """The form in which two spellings of one resource id are equal."""
    return resource_id.strip().rstrip("/").lower()


def same_id(left: str, right: str) -> bool:
    return id_key(left) == id_key(right)


def segment(resource_id: str, name: str) -> str:
    """The value after ``/name/`` in a resource id; empty where there is none."""
    parts = resource_id.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if name.lower() not in lowered[:-1]:
        return ""
    return parts[lowered.index(name.lower()) + 1]


def require_cluster_id(resource_id: str) -> str:
    """The id itself, if it names an AKS cluster. Raises ``Permanent`` with the expected form."""
    if segment(resource_id, "managedClusters") and segment(resource_id, "subscriptions"):
        return resource_id.strip().rstrip("/")
    raise Permanent(
        f"{resource_id[:200]!r} is no AKS cluster id; it looks like "
        "/subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerService/managedClusters/NAME"
    )


def node_name(name: str) -> str:
    """The Kubernetes node name, lower-case, of a scale-set instance or node name.

    ``aks-a-1-vmss_10`` → ``aks-a-1-vmss00000a`` (six base-36 digits). Other names pass unchanged.
    """
    lowered = name.strip().lower()
    match = _INSTANCE.match(lowered)
    return match["vmss"] + _base36(int(match["number"])).rjust(6, "0") if match else lowered


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits or "0"
