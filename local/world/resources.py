"""The resources as Azure Resource Graph lists them: types in lower case, ids as Azure mixes them."""

from typing import Any

from local.world.arm import TENANT, guid, resource_id, row
from local.world.network_resources import network_profile, network_resources, node_network, own_network, subnet_id
from local.world.run import Story
from local.world.scenario import ScaleOut, Scenario, Upgrade

WORKSPACE_ID = "4c8a51f0-9b1d-4c63-8a7e-2f1b6f0d3c55"
"""``customerId``: what the log query API calls the workspace."""


def resource_group(story: Story) -> str:
    return f"rg-{story.scenario.cluster}"


def node_resource_group(story: Story) -> str:
    return story.names.node_resource_group


def cluster_id(story: Story) -> str:
    return resource_id(resource_group(story), "Microsoft.ContainerService/managedClusters", story.scenario.cluster)


def scale_set_id(story: Story) -> str:
    return resource_id(node_resource_group(story), "Microsoft.Compute/virtualMachineScaleSets", story.names.vmss)


def registry_id(story: Story) -> str:
    return resource_id(resource_group(story), "Microsoft.ContainerRegistry/registries", registry_name(story))


def workspace_id(story: Story) -> str:
    return resource_id("rg-monitoring", "Microsoft.OperationalInsights/workspaces", f"logs-{story.scenario.location}")


def registry_name(story: Story) -> str:
    return story.names.registry.split(".", 1)[0]


def final_version(story: Story) -> str:
    """Kubernetes version of the pool at the end of the world."""
    operation = story.scenario.operation
    return operation.target if isinstance(operation, Upgrade) else story.version


def capacity(story: Story) -> int:
    """Instances that live at the end."""
    return sum(1 for life in story.plan.lives if life.gone > story.end)


def list_resources(story: Story) -> list[dict[str, Any]]:
    registry = _registry(story)
    return [
        _cluster(story), _scale_set(story), registry, *_replications(story, registry),
        *network_resources(story), _workspace(story),
    ]


def _cluster(story: Story) -> dict[str, Any]:
    scenario, version = story.scenario, final_version(story)
    client = guid(scenario.cluster, "kubelet")
    properties = {
        "provisioningState": "Succeeded", "powerState": {"code": "Running"},
        "kubernetesVersion": version, "currentKubernetesVersion": version,
        "nodeResourceGroup": node_resource_group(story), "enableRBAC": True,
        "agentPoolProfiles": [_agent_pool(story)],
        "networkProfile": network_profile(story),
        "nodeProvisioningProfile": {"mode": "Auto" if scenario.serial_pulls == "node-provisioning" else "Manual"},
        "addonProfiles": {"omsagent": {"enabled": True, "config": {
            "logAnalyticsWorkspaceResourceID": workspace_id(story), "useAADAuth": "true"}}},
        "identityProfile": {"kubeletidentity": {
            "clientId": client, "objectId": guid(scenario.cluster, "object"),
            "resourceId": resource_id(node_resource_group(story), "Microsoft.ManagedIdentity/userAssignedIdentities",
                              f"{scenario.cluster}-agentpool")}},
    }
    identity = {"type": "SystemAssigned", "principalId": guid(scenario.cluster, "principal"), "tenantId": TENANT}
    return row(cluster_id(story), scenario.location, properties, identity=identity,
                sku={"name": "Base", "tier": "Standard"}, tags={"env": scenario.cluster.split("-", 1)[0]})


def _agent_pool(story: Story) -> dict[str, Any]:
    scenario, version = story.scenario, final_version(story)
    surge = str(scenario.operation.surge) if isinstance(scenario.operation, Upgrade) else None
    return {
        "name": scenario.pool, "count": capacity(story), "vmSize": scenario.vm_size, "maxPods": 110, "mode": "System",
        "type": "VirtualMachineScaleSets", "osType": "Linux", "osSKU": "Ubuntu",
        "osDiskSizeGB": scenario.disk.size_gib, "osDiskType": "Ephemeral" if scenario.disk.ephemeral else "Managed",
        "kubeletDiskType": "OS", "orchestratorVersion": version, "currentOrchestratorVersion": version,
        "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202511.07.0", "enableAutoScaling": isinstance(scenario.operation, ScaleOut),
        "provisioningState": "Succeeded", "powerState": {"code": "Running"}, "upgradeSettings": {"maxSurge": surge},
        **({"vnetSubnetID": subnet_id(story)} if own_network(story) else {}),
    }


def _scale_set(story: Story) -> dict[str, Any]:
    scenario = story.scenario
    tags = {
        "aks-managed-poolName": scenario.pool, "aks-managed-orchestrator": f"Kubernetes:{final_version(story)}",
        "aks-managed-creationSource": f"vmssclient-{story.names.vmss}",
        "aks-managed-createOperationID": guid(scenario.cluster, "created"),
        "aks-managed-cluster-name": scenario.cluster, "aks-managed-cluster-rg": resource_group(story),
        "aks-managed-kubeletIdentityClientID": guid(scenario.cluster, "kubelet"),
    }
    properties = {
        "singlePlacementGroup": False, "orchestrationMode": "Uniform", "upgradePolicy": {"mode": "Manual"},
        "virtualMachineProfile": {"storageProfile": _storage(scenario), "networkProfile": node_network(story), "priority": "Regular"},
        "provisioningState": "Succeeded", "overprovision": False, "uniqueId": guid(scenario.cluster, "vmss"),
        "timeCreated": "2025-04-02T08:11:40.1234567+00:00",
    }
    sku = {"name": scenario.vm_size, "tier": "Standard", "capacity": capacity(story)}
    return row(scale_set_id(story), scenario.location, properties, sku=sku, tags=tags)


def _storage(scenario: Scenario) -> dict[str, Any]:
    disk = scenario.disk
    os_disk: dict[str, Any] = {
        "osType": "Linux", "createOption": "FromImage", "diskSizeGB": disk.size_gib,
        "caching": "ReadOnly" if disk.ephemeral or disk.sku.startswith("Premium") else "None",
        "managedDisk": {"storageAccountType": "Standard_LRS" if disk.ephemeral else disk.sku},
    }
    if disk.ephemeral:
        os_disk["diffDiskSettings"] = {"option": "Local", "placement": disk.placement}
    controller = "NVMe" if disk.placement == "NvmeDisk" else "SCSI"
    return {"osDisk": os_disk, "diskControllerType": controller}


def _registry(story: Story) -> dict[str, Any]:
    scenario, sku = story.scenario, story.registry_sku
    location = scenario.registry_locations[0] if scenario.registry_locations else scenario.location
    properties = {
        "loginServer": story.names.registry, "creationDate": "2024-02-11T09:30:12.1234567Z", "provisioningState": "Succeeded",
        "adminUserEnabled": False, "publicNetworkAccess": "Enabled", "dataEndpointEnabled": False,
    }
    return row(registry_id(story), location, properties, sku={"name": sku, "tier": sku})


def _replications(story: Story, registry: dict[str, Any]) -> list[dict[str, Any]]:
    """One for the home region and each other; only Premium registries have the resource at all."""
    if story.registry_sku != "Premium":
        return []
    properties = {"provisioningState": "Succeeded", "status": {"displayStatus": "Ready"}, "regionEndpointEnabled": True}
    locations = story.scenario.registry_locations or (story.scenario.location,)
    return [row(f"{registry['id']}/replications/{location}", location, properties) for location in locations]


def _workspace(story: Story) -> dict[str, Any]:
    properties = {"customerId": WORKSPACE_ID, "provisioningState": "Succeeded", "sku": {"name": "PerGB2018"}, "retentionInDays": 30}
    return row(workspace_id(story), story.scenario.location, properties)
