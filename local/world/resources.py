"""The resources as Azure Resource Graph lists them: types in lower case, ids as Azure mixes them."""

from collections import Counter
from typing import Any

from local.world.arm import SUBSCRIPTION, TENANT, guid, resource_id, row
from local.world.network_resources import network_profile, network_resources, node_network, own_network, subnet_id
from local.world.node import Node
from local.world.run import Story
from local.world.scenario import ScaleOut, Scenario, Upgrade

WORKSPACE_ID = "4c8a51f0-9b1d-4c63-8a7e-2f1b6f0d3c55"
"""``customerId``: what the log query API calls the workspace."""
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
"""Built-in role AcrPull."""


def resource_group(story: Story) -> str:
    return f"rg-{story.scenario.cluster}"


def node_resource_group(story: Story) -> str:
    return story.names.node_resource_group


def cluster_id(story: Story) -> str:
    return resource_id(resource_group(story), "Microsoft.ContainerService/managedClusters", story.scenario.cluster)


def scale_set_id(story: Story) -> str:
    return resource_id(node_resource_group(story), "Microsoft.Compute/virtualMachineScaleSets", story.names.stem)


def instance_id(story: Story, instance: int) -> str:
    """Of a scale set's instance, or of a single machine."""
    if story.names.pool_kind == "scale_set":
        return f"{scale_set_id(story)}/virtualMachines/{instance}"
    return resource_id(node_resource_group(story), "Microsoft.Compute/virtualMachines", story.names.node(instance))


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
    return len(alive(story))


def alive(story: Story) -> list[Node]:
    """Nodes that are there at the end."""
    return [node for node in story.nodes if node.gone > story.end]


def list_resources(story: Story) -> list[dict[str, Any]]:
    registry = _registry(story)
    return [
        _cluster(story), *_nodes(story), registry, *_replications(story, registry),
        *network_resources(story), _workspace(story), *([_attachment(story)] if story.scenario.registry_attached else []),
    ]


def _cluster(story: Story) -> dict[str, Any]:
    scenario, version = story.scenario, final_version(story)
    client = guid(scenario.cluster, "kubelet")
    properties = {
        "provisioningState": "Succeeded", "powerState": {"code": "Running"},
        "kubernetesVersion": version, "currentKubernetesVersion": version,
        "nodeResourceGroup": node_resource_group(story), "enableRBAC": True,
        "agentPoolProfiles": [_agent_pool(story) | _kind_of_pool(story)],
        "networkProfile": network_profile(story),
        "nodeProvisioningProfile": {"mode": "Auto" if scenario.pool_kind == "auto_provisioned" else "Manual"},
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


def _kind_of_pool(story: Story) -> dict[str, Any]:
    """Single machines are listed by their sizes; auto-provisioned ones in no agent pool: the cluster has one for itself."""
    match story.names.pool_kind:
        case "virtual_machines":
            sizes = Counter(node.vm.name for node in alive(story))
            manual = [{"size": size, "count": count} for size, count in sizes.items()]
            return {"type": "VirtualMachines", "vmSize": "", "virtualMachinesProfile": {"scale": {"manual": manual}}}
        case "auto_provisioned":
            return {"name": "system", "count": 0}
        case _:
            return {}


def _nodes(story: Story) -> list[dict[str, Any]]:
    """The scale set, or the machines."""
    return [_scale_set(story)] if story.names.pool_kind == "scale_set" else [_machine(story, node) for node in alive(story)]


def _pool_tags(story: Story) -> dict[str, str]:
    scenario = story.scenario
    if story.names.pool_kind == "auto_provisioned":
        return {"karpenter.sh_nodepool": scenario.pool, "karpenter.azure.com_cluster": scenario.cluster}
    return {
        "aks-managed-poolName": scenario.pool, "aks-managed-orchestrator": f"Kubernetes:{final_version(story)}",
        "aks-managed-creationSource": f"vmssclient-{story.names.stem}",
        "aks-managed-createOperationID": guid(scenario.cluster, "created"),
        "aks-managed-cluster-name": scenario.cluster, "aks-managed-cluster-rg": resource_group(story),
        "aks-managed-kubeletIdentityClientID": guid(scenario.cluster, "kubelet"),
    }


def _machine(story: Story, node: Node) -> dict[str, Any]:
    name = story.names.node(node.instance)
    interface = resource_id(node_resource_group(story), "Microsoft.Network/networkInterfaces", f"{name}-nic")
    properties = {
        "vmId": guid(story.scenario.cluster, name), "provisioningState": "Succeeded", "hardwareProfile": {"vmSize": node.vm.name},
        "storageProfile": _storage(story.scenario), "osProfile": {"computerName": name, "adminUsername": "azureuser"},
        "networkProfile": {"networkInterfaces": [{"id": interface, "properties": {"primary": True}}]},
        "timeCreated": "2025-04-02T08:11:40.1234567+00:00",
    }
    return row(instance_id(story, node.instance), story.scenario.location, properties, tags=_pool_tags(story))


def _scale_set(story: Story) -> dict[str, Any]:
    scenario = story.scenario
    properties = {
        "singlePlacementGroup": False, "orchestrationMode": "Uniform", "upgradePolicy": {"mode": "Manual"},
        "virtualMachineProfile": {"storageProfile": _storage(scenario), "networkProfile": node_network(story), "priority": "Regular"},
        "provisioningState": "Succeeded", "overprovision": False, "uniqueId": guid(scenario.cluster, "vmss"),
        "timeCreated": "2025-04-02T08:11:40.1234567+00:00",
    }
    sku = {"name": scenario.vm_size, "tier": "Standard", "capacity": capacity(story)}
    return row(scale_set_id(story), scenario.location, properties, sku=sku, tags=_pool_tags(story))


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


def _attachment(story: Story) -> dict[str, Any]:
    """What ``az aks update --attach-acr`` makes: the kubelets' identity may pull."""
    scope, subscription = registry_id(story), f"/subscriptions/{SUBSCRIPTION}"
    properties = {"principalId": guid(story.scenario.cluster, "object"), "principalType": "ServicePrincipal", "scope": scope,
                  "roleDefinitionId": f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"}
    identity = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid(story.scenario.cluster, 'attached')}"
    return row(identity, "", properties, type="microsoft.authorization/roleassignments", name=identity.rpartition("/")[2])


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
