"""Ids and rows as Azure Resource Graph has them: types in lower case, ids as Azure mixes them."""

from random import Random
from typing import Any
from uuid import UUID

SUBSCRIPTION = "6f1e0d2c-51a8-4a07-9d3e-0c9d6c1b7a10"
TENANT = "b7a3c1de-2f64-4c1c-8f0e-5a4c2f8d9e01"


def guid(*parts: object) -> str:
    """A GUID that is the same for the same parts."""
    return str(UUID(int=Random("/".join(map(str, parts))).getrandbits(128), version=4))


def resource_id(group: str, kind: str, name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}"


def row(identity: str, location: str, properties: dict[str, Any], /, **more: Any) -> dict[str, Any]:
    """One row of the ``resources`` table; type and name come from the id."""
    parts = identity.strip("/").split("/")
    kind = "/".join([parts[5], *parts[6::2]])
    return {
        "id": identity, "name": parts[-1], "type": kind.lower(), "tenantId": TENANT, "kind": "", "location": location,
        "resourceGroup": parts[3].lower(), "subscriptionId": SUBSCRIPTION, "managedBy": "", "sku": None, "plan": None,
        "tags": {}, "identity": None, "zones": None, "extendedLocation": None, "properties": properties,
    } | more
