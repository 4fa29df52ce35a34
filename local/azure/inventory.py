"""The resources of a world, found as Azure Resource Manager finds them."""

from collections.abc import Iterable, Iterator
from typing import Any

from local.azure.http import arm_error
from shared.azure_ids import id_key, segment

type Resource = dict[str, Any]


def resource_type(resource_id: str) -> str:
    """``Microsoft.Compute/virtualMachineScaleSets`` of an id, in the id's own spelling; empty without a provider."""
    _, _, tail = resource_id.rstrip("/").rpartition("/providers/")
    if not tail or tail == resource_id:
        return ""
    namespace, *rest = tail.split("/")
    return "/".join([namespace, *rest[::2]])


class Inventory:
    """All resources by id. Ids, types and group names compare without regard to case."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_id = {id_key(resource["id"]): resource for resource in resources}
        self._by_type: dict[str, list[Resource]] = {}
        self.subscriptions: dict[str, str] = {}
        self.groups: dict[str, dict[str, str]] = {}
        """Resource group → location of its first resource, per subscription."""
        for resource in self._by_id.values():
            self._add(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_id.values())

    def find(self, resource_id: str) -> Resource | None:
        return self._by_id.get(id_key(resource_id))

    def require(self, resource_id: str) -> Resource:
        """The resource. Raises ``RefusedError`` (404) saying which part of the id is unknown."""
        found = self.find(resource_id)
        if found is not None:
            return found
        group = segment(resource_id, "resourceGroups")
        self.require_scope(segment(resource_id, "subscriptions"), group)
        name = resource_id.rstrip("/").rpartition("/")[2]
        raise arm_error(
            404,
            "ResourceNotFound",
            f"The Resource '{resource_type(resource_id)}/{name}' under resource group '{group}' was not found. "
            "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )

    def require_scope(self, subscription: str, group: str = "") -> None:
        """Raises ``RefusedError`` (404) unless the subscription, and the group if given, exist."""
        key = subscription.lower()
        if key not in self.subscriptions:
            raise arm_error(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        if group and group.lower() not in self.groups[key]:
            raise arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def of_type(self, kind: str, scope: str) -> list[Resource]:
        """Resources of a type below ``scope``: a subscription, a group, or a parent resource."""
        below = id_key(scope) + "/"
        return [each for each in self._by_type.get(kind.lower(), []) if id_key(each["id"]).startswith(below)]

    def _add(self, resource: Resource) -> None:
        resource_id = resource["id"]
        self._by_type.setdefault(resource_type(resource_id).lower(), []).append(resource)
        subscription = segment(resource_id, "subscriptions")
        if subscription:
            self.subscriptions.setdefault(subscription.lower(), subscription)
            groups = self.groups.setdefault(subscription.lower(), {})
            group = segment(resource_id, "resourceGroups")
            if group:
                groups.setdefault(group.lower(), resource.get("location", ""))
