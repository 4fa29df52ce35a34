"""A hand-made world, the local Azure that serves it, and the official clients that ask it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.monitor.query import LogsQueryClient
from azure.monitor.querymetrics import MetricsClient

from local.azure import LocalAzure
from local.world.types import MetricSeries, World

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
OTHER_SUBSCRIPTION = "99999999-2222-3333-4444-555555555555"
WORKSPACE = "aaaaaaaa-0000-0000-0000-000000000001"
REGION = "swedencentral"
NODE_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg_prod_{REGION}/providers"
SCALE_SET = f"{NODE_GROUP}/Microsoft.Compute/virtualMachineScaleSets/aks-apps-12345678-vmss"
SYSTEM_SCALE_SET = f"{NODE_GROUP}/Microsoft.Compute/virtualMachineScaleSets/aks-system-12345678-vmss"
LOAD_BALANCER = f"{NODE_GROUP}/Microsoft.Network/loadBalancers/kubernetes"
CLUSTER = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
REGISTRY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso"
FAR_SCALE_SET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_far/providers/Microsoft.Compute/virtualMachineScaleSets/aks-far-12345678-vmss"
OTHER_SCALE_SET = FAR_SCALE_SET.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
START = datetime(2026, 8, 20, 10, 0, tzinfo=UTC)
NOW = START + timedelta(minutes=30)
NODES = 12


def resource(resource_id: str, location: str = REGION, **fields: Any) -> dict[str, Any]:
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "location": location,
        "type": resource_id.partition("/providers/")[2].rpartition("/")[0].lower(),
        **fields,
    }


def scale_set(resource_id: str, location: str = REGION, capacity: int = NODES) -> dict[str, Any]:
    return resource(
        resource_id,
        location,
        sku={"name": "Standard_D4s_v3", "tier": "Standard", "capacity": capacity},
        tags={"aks-managed-poolName": "apps"},
        properties={
            "provisioningState": "Succeeded",
            "orchestrationMode": "Uniform",
            "virtualMachineProfile": {
                "storageProfile": {
                    "osDisk": {
                        "osType": "Linux",
                        "createOption": "FromImage",
                        "caching": "ReadOnly",
                        "diskSizeGB": 128,
                        "managedDisk": {"storageAccountType": "Premium_LRS"},
                    }
                }
            },
        },
    )


def series(
    metric: str,
    values: list[float | None],
    *,
    resource_id: str = SCALE_SET,
    aggregation: str = "Average",
    unit: str = "Percent",
    **dimensions: str,
) -> MetricSeries:
    return MetricSeries(
        resource_id=resource_id,
        metric=metric,
        unit=unit,
        aggregation=aggregation,
        dimensions=dimensions,
        start=START,
        values=values,
    )


def vm(number: int) -> str:
    return f"aks-apps-12345678-vmss_{number}"


def pulled(minute: int, seconds: float) -> dict[str, Any]:
    return {
        "TimeGenerated": START + timedelta(minutes=minute, milliseconds=500),
        "_ResourceId": CLUSTER.lower(),
        "ClusterId": CLUSTER,
        "Computer": "aks-apps-12345678-vmss000000",
        "KubeEventType": "Normal",
        "Reason": "Pulled",
        "Name": "web-1",
        "Namespace": "shop",
        "ObjectKind": "Pod",
        "Count": 1.0,
        "Message": f'Successfully pulled image "contoso.azurecr.io/web:1" in {seconds}s ({seconds}s including waiting). Image size: 1000 bytes.',
    }


def make_world(**changed: Any) -> World:
    skus = [
        {
            "resourceType": "virtualMachines",
            "name": f"Standard_D{n}s_v3",
            "locations": [region],
            "capabilities": [{"name": "vCPUs", "value": str(n)}],
        }
        for region in (REGION, "westus")
        for n in (2, 4, 8, 16, 32)
    ]
    fields: dict[str, Any] = {
        "scenario": "hand-made",
        "seed": 1,
        "description": "",
        "history_start": START,
        "window_start": START,
        "window_end": NOW,
        "end": NOW,
        "events": [],
        "truths": [],
        "resource_skus": skus,
        "resources": [
            resource(CLUSTER, properties={"kubernetesVersion": "1.33.4", "nodeResourceGroup": f"MC_rg_prod_{REGION}"}),
            scale_set(SCALE_SET),
            scale_set(SYSTEM_SCALE_SET, capacity=2),
            scale_set(FAR_SCALE_SET, "westus"),
            scale_set(OTHER_SCALE_SET),
            resource(
                REGISTRY, sku={"name": "Premium", "tier": "Premium"}, properties={"loginServer": "contoso.azurecr.io"}
            ),
            resource(f"{REGISTRY}/replications/westus", "westus", properties={"status": {"displayStatus": "Ready"}}),
            resource(LOAD_BALANCER, sku={"name": "Standard"}, properties={}),
            resource(
                f"{NODE_GROUP}/Microsoft.Compute/disks/data0",
                sku={"name": "Premium_LRS"},
                properties={"diskSizeGB": 64},
            ),
            resource(
                f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs",
                properties={"customerId": WORKSPACE},
            ),
        ],
        "metrics": [
            *(series("Percentage CPU", [float(n)] * 30, VMName=vm(n)) for n in range(NODES)),
            *(
                series("Network In Total", [100.0] * 30, aggregation="Total", unit="Bytes", VMName=vm(n))
                for n in range(NODES)
            ),
            series("OS Disk IOPS Consumed Percentage", [1.0, None, 101.0, *[5.0] * 27], VMName=vm(0), LUN="0"),
            series(
                "SnatConnectionCount",
                [3.0] * 30,
                resource_id=LOAD_BALANCER,
                aggregation="Total",
                unit="Count",
                ConnectionState="Failed",
                BackendIPAddress="10.0.0.4",
            ),
            series(
                "SnatConnectionCount",
                [90.0] * 30,
                resource_id=LOAD_BALANCER,
                aggregation="Total",
                unit="Count",
                ConnectionState="Successful",
                BackendIPAddress="10.0.0.4",
            ),
            series("StorageUsed", [None, 5e9], resource_id=REGISTRY, unit="Bytes"),
        ],
        "tables": {
            "KubeEvents": [pulled(minute, 10.0 + minute) for minute in range(20)],
            "ContainerRegistryRepositoryEvents": [
                {
                    "TimeGenerated": START,
                    "_ResourceId": REGISTRY.lower(),
                    "LoginServer": "contoso.azurecr.io",
                    "OperationName": "Pull",
                    "ResultDescription": "429",
                    "DurationMs": "12",
                    "Size": 4096,
                }
            ],
        },
    }
    return World(**fields | changed)


class Clients:
    """The official clients, pointed at a local Azure as the product points them, but impatient."""

    def __init__(self, azure: LocalAzure, credential: Any, subscription: str = SUBSCRIPTION) -> None:
        common = {"credential": credential, "retry_backoff_factor": 0.01, "connection_verify": azure.ca_pem_path}
        self.graph = ResourceGraphClient(base_url=azure.url, **common)
        self.compute = ComputeManagementClient(subscription_id=subscription, base_url=azure.url, **common)
        self.logs = LogsQueryClient(
            endpoint=azure.environ["AZURE_MONITOR_LOGS_ENDPOINT"], audience="https://api.loganalytics.io", **common
        )
        self.metrics_of: Callable[..., MetricsClient] = lambda region=REGION, **more: MetricsClient(
            azure.environ["AZURE_MONITOR_METRICS_ENDPOINT"].format(region=region), **common | more
        )
        self.metrics = self.metrics_of()

    def close(self) -> None:
        for client in (self.graph, self.compute, self.logs, self.metrics):
            client.close()


@pytest.fixture(scope="module")
def shared_azure() -> Iterator[LocalAzure]:
    with LocalAzure(make_world(), clock=lambda: NOW, metrics_lag_seconds=0, page_size=4) as azure:
        yield azure


@pytest.fixture
def azure(shared_azure: LocalAzure) -> Iterator[LocalAzure]:
    yield shared_azure
    shared_azure.faults.clear()
    shared_azure.counts.reset()


@pytest.fixture
def credential(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagedIdentityCredential]:
    for name, value in azure.environ.items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential(retry_total=0) as given:
        yield given


@pytest.fixture
def clients(azure: LocalAzure, credential: ManagedIdentityCredential) -> Iterator[Clients]:
    given = Clients(azure, credential)
    yield given
    given.close()


class StaticCredential:
    """A credential that offers the same token whatever it is asked for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, 4_000_000_000)
