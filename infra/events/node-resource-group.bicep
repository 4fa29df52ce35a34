// Growth of the scale sets in one node resource group. A locked one (AKS Automatic) may refuse the topic:
// use scaleEvents = subscription there.
param nodeResourceGroup string
param route object

var kinds = loadJsonContent('kinds.json')

module topic 'topic.bicep' = {
  name: 'pullwatch-scaling-${uniqueString(nodeResourceGroup)}'
  scope: resourceGroup(nodeResourceGroup)
  params: {
    name: 'evgt-pullwatch-scale-${uniqueString(nodeResourceGroup)}'
    location: 'global'
    source: '/subscriptions/${subscription().subscriptionId}/resourceGroups/${nodeResourceGroup}'
    kind: kinds.nodeResourceGroup
    route: route
  }
}
