"""Microsoft.Compute beyond plain resources: resource SKUs and the instances of a scale set."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from local.azure.arm import as_arm, page, require_api_version
from local.azure.http import Answer, Request, arm_error
from local.azure.inventory import Inventory, Resource
from shared.azure_ids import node_name, segment

_LOCATION_FILTER = re.compile(r"\s*location\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
INSTANCE_TYPE = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"


def list_skus(inventory: Inventory, skus: Sequence[dict[str, Any]], request: Request, page_size: int) -> Answer:
    """``GET /subscriptions/…/providers/Microsoft.Compute/skus``; only a location can be filtered for."""
    require_api_version(request, "Microsoft.Compute/skus")
    inventory.require_scope(segment(request.path, "subscriptions"))
    return page(request, _in_location(skus, request.query.get("$filter", "")), page_size)


def _in_location(skus: Sequence[dict[str, Any]], condition: str) -> list[dict[str, Any]]:
    if not condition:
        return list(skus)
    match = _LOCATION_FILTER.fullmatch(condition)
    if not match:
        raise arm_error(400, "InvalidParameter", f"The filter '{condition}' is not supported: only 'location eq' is.")
    wanted = match[1].replace(" ", "").lower()
    return [sku for sku in skus if wanted in (location.replace(" ", "").lower() for location in sku["locations"])]


def list_instances(inventory: Inventory, vm_names: Iterable[str], request: Request, page_size: int) -> Answer:
    """``GET …/virtualMachineScaleSets/{name}/virtualMachines``: those the world lists, or else one per
    instance name seen in ``vm_names`` and at least the scale set's capacity."""
    require_api_version(request, INSTANCE_TYPE)
    scale_set = inventory.require(request.path.rstrip("/").rpartition("/")[0])
    listed = inventory.of_type(INSTANCE_TYPE, scale_set["id"])
    if listed:
        return page(request, [as_arm(each) for each in listed], page_size)
    numbers = _instance_numbers(scale_set["name"], vm_names) or range(int(scale_set.get("sku", {}).get("capacity", 0)))
    return page(request, [_instance(scale_set, number) for number in sorted(numbers)], page_size)


def _instance_numbers(scale_set: str, vm_names: Iterable[str]) -> set[int]:
    prefix = scale_set.lower() + "_"
    return {
        int(name[len(prefix) :])
        for name in map(str.lower, vm_names)
        if name.startswith(prefix) and name[len(prefix) :].isdigit()
    }


def _instance(scale_set: Resource, number: int) -> Resource:
    name = f"{scale_set['name']}_{number}"
    profile = scale_set.get("properties", {}).get("virtualMachineProfile", {})
    return {
        "name": name,
        "id": f"{scale_set['id']}/virtualMachines/{number}",
        "type": INSTANCE_TYPE,
        "instanceId": str(number),
        "location": scale_set.get("location"),
        "tags": scale_set.get("tags"),
        "sku": {key: value for key, value in scale_set.get("sku", {}).items() if key in ("name", "tier")},
        "properties": {
            "latestModelApplied": True,
            "provisioningState": "Succeeded",
            "osProfile": {"computerName": node_name(name)},
            "storageProfile": profile.get("storageProfile", {}),
        },
    }
