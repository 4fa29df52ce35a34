"""Microsoft.ContainerRegistry beyond plain resources: how much of a registry is used."""

from local.azure.arm import require_api_version
from local.azure.http import Answer, Request
from local.azure.inventory import Inventory
from local.azure.metric_series import MetricStore

GIB = 1024**3
INCLUDED_STORAGE_GIB = {"basic": 10, "standard": 100, "premium": 500}
WEBHOOKS = {"basic": 2, "standard": 10, "premium": 500}


def list_usages(inventory: Inventory, metrics: MetricStore, request: Request) -> Answer:
    """``GET …/registries/{name}/listUsages``: storage and webhooks against the SKU's limits
    ("Azure Container Registry SKU features and limits"); storage is the last ``StorageUsed``."""
    registry = inventory.require(request.path.rpartition("/")[0])
    require_api_version(request, "Microsoft.ContainerRegistry/registries")
    sku = registry.get("sku", {}).get("name", "Basic").lower()
    return Answer(
        body={
            "value": [
                {
                    "name": "Size",
                    "limit": INCLUDED_STORAGE_GIB[sku] * GIB,
                    "currentValue": int(metrics.latest(registry["id"], "StorageUsed") or 0),
                    "unit": "Bytes",
                },
                {"name": "Webhooks", "limit": WEBHOOKS[sku], "currentValue": 0, "unit": "Count"},
            ]
        }
    )
