// The events of one cluster; deployed to the cluster's resource group.
param clusterName string
param withUpgrades bool
param withNodeResourceGroup bool
param route object

var kinds = loadJsonContent('kinds.json')

resource cluster 'Microsoft.ContainerService/managedClusters@2024-09-01' existing = {
  name: clusterName
}

module upgrades 'topic.bicep' = if (withUpgrades) {
  name: 'pullwatch-upgrades-${uniqueString(cluster.id)}'
  params: {
    name: 'evgt-pullwatch-${uniqueString(cluster.id)}'
    location: cluster.location
    source: cluster.id
    kind: kinds.cluster
    route: route
  }
}

// A template of its own, because the name of the node resource group is known only once the cluster is read.
module scaling 'node-resource-group.bicep' = if (withNodeResourceGroup) {
  name: 'pullwatch-scaling-${uniqueString(cluster.id)}'
  params: {
    nodeResourceGroup: cluster.properties.nodeResourceGroup
    route: route
  }
}
