"""Azure Resource Manager: api-versions, paging, and reading resources one by one or as lists."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from local.azure.http import Answer, RefusedError, Request, arm_error
from local.azure.inventory import Inventory, Resource, resource_type

ARM_FIELDS = (
    "id",
    "name",
    "type",
    "kind",
    "location",
    "tags",
    "identity",
    "managedBy",
    "plan",
    "properties",
    "sku",
    "zones",
)
"""What a resource has in ARM; Resource Graph adds ``tenantId``, ``resourceGroup``, ``subscriptionId``."""

API_VERSIONS: dict[str, tuple[str, ...]] = {
    "microsoft.compute": (
        "2026-04-01",
        "2025-11-01",
        "2025-04-01",
        "2024-11-01",
        "2024-07-01",
        "2024-03-01",
        "2023-09-01",
        "2023-07-01",
        "2023-03-01",
        "2022-11-01",
        "2022-08-01",
        "2022-03-01",
        "2021-11-01",
        "2021-07-01",
        "2019-12-01",
        "2019-07-01",
    ),
    "microsoft.compute/skus": ("2021-07-01", "2019-04-01", "2017-09-01"),
    "microsoft.compute/disks": (
        "2026-03-02",
        "2025-01-02",
        "2024-03-02",
        "2023-10-02",
        "2023-04-02",
        "2022-07-02",
        "2021-12-01",
    ),
    "microsoft.containerregistry": (
        "2025-11-01",
        "2025-04-01",
        "2023-07-01",
        "2022-12-01",
        "2021-09-01",
        "2019-05-01",
        "2017-10-01",
    ),
    "microsoft.containerservice": (
        "2026-05-01",
        "2026-01-01",
        "2025-10-01",
        "2025-07-01",
        "2025-05-01",
        "2025-01-01",
        "2024-09-01",
        "2024-05-01",
        "2024-02-01",
        "2023-10-01",
        "2023-01-01",
    ),
    "microsoft.insights/metrics": ("2024-02-01", "2023-10-01", "2021-05-01", "2019-07-01", "2018-01-01"),
    "microsoft.insights/metricdefinitions": ("2024-02-01", "2023-10-01", "2021-05-01", "2018-01-01"),
    "microsoft.network": (
        "2025-05-01",
        "2025-01-01",
        "2024-10-01",
        "2024-07-01",
        "2024-05-01",
        "2024-01-01",
        "2023-09-01",
        "2022-07-01",
    ),
    "microsoft.operationalinsights": (
        "2025-07-01",
        "2025-02-01",
        "2023-09-01",
        "2022-10-01",
        "2021-06-01",
        "2020-08-01",
    ),
    "microsoft.resourcegraph/resources": ("2024-04-01", "2022-10-01", "2021-03-01", "2019-04-01"),
    "microsoft.resources/subscriptions": (
        "2022-12-01",
        "2022-09-01",
        "2021-01-01",
        "2020-01-01",
        "2019-11-01",
        "2016-06-01",
    ),
}
"""Versions that exist, per namespace, or per type where it has its own. Not all there ever were."""


def require_api_version(request: Request, kind: str) -> str:
    """The ``api-version``. Raises ``RefusedError`` (400) where it is missing or unknown for ``kind``."""
    version = request.query.get("api-version", "")
    if not version:
        raise arm_error(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    namespace, _, rest = kind.lower().partition("/")
    supported = API_VERSIONS.get(kind.lower()) or API_VERSIONS.get(namespace)
    if supported is None:
        raise arm_error(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
    if version not in supported:
        raise arm_error(
            400,
            "InvalidResourceType",
            f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version '{version}'. "
            f"The supported api-versions are '{','.join(supported)}'.",
        )
    return version


def as_arm(resource: Resource) -> Resource:
    """A Resource Graph row as ARM shows the resource: the type in its proper spelling, no derived columns."""
    shown = {field: resource[field] for field in ARM_FIELDS if resource.get(field) is not None}
    return shown | {"type": resource_type(resource["id"])}


def page(request: Request, rows: Sequence[Any], size: int) -> Answer:
    """``{"value": […], "nextLink": …}``: one page, and an absolute link to the next one if there is any."""
    token = request.query.get("$skiptoken", "0")
    if not token.isdigit():
        raise arm_error(400, "InvalidSkipToken", f"The skip token '{token}' is not valid.")
    start = int(token)
    body: dict[str, Any] = {"value": list(rows[start : start + size])}
    if start + size < len(rows):
        kept = "".join(f"&{name}={_quoted(value)}" for name, value in request.query.items() if name != "$skiptoken")
        body["nextLink"] = f"{request.origin}{_quoted(request.path)}?$skiptoken={start + size}{kept}"
    return Answer(body=body)


def read_resources(inventory: Inventory, request: Request, page_size: int) -> Answer:
    """One resource, or all of a type in a subscription, a group or a parent, by the shape of the path."""
    path = request.path.rstrip("/")
    kind = resource_type(path)
    require_api_version(request, kind)
    names = path.rpartition("/providers/")[2].split("/")[1:]
    if len(names) % 2 == 0:
        return Answer(body=as_arm(inventory.require(path)))
    scope = path.rpartition("/")[0] if len(names) > 1 else path.rpartition("/providers/")[0]
    require_parent(inventory, scope)
    return page(request, [as_arm(each) for each in inventory.of_type(kind, scope)], page_size)


def require_parent(inventory: Inventory, scope: str) -> None:
    if "/providers/" in scope:
        inventory.require(scope)
    else:
        parts = scope.strip("/").split("/")
        inventory.require_scope(parts[1], parts[3] if len(parts) > 3 else "")


def list_subscriptions(inventory: Inventory, request: Request, page_size: int) -> Answer:
    require_api_version(request, "Microsoft.Resources/subscriptions")
    return page(
        request,
        [
            {
                "id": f"/subscriptions/{each}",
                "subscriptionId": each,
                "displayName": f"Subscription {each[:8]}",
                "state": "Enabled",
            }
            for each in inventory.subscriptions.values()
        ],
        page_size,
    )


def not_found(request: Request) -> RefusedError:
    return arm_error(404, "InvalidResourceType", f"No service answers {request.method} {request.path} here.")


def _quoted(text: str) -> str:
    return quote(text, safe="/")
