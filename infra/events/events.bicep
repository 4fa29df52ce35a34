// What wakes Pullwatch: upgrades of the given clusters, growth of their scale sets, planned maintenance.
// Deployed with the rest when events go to the queue; after the code when they go to the function.
targetScope = 'subscription'

param environmentName string
param clusterIds string

@allowed(['subscription', 'nodeResourceGroups', 'none'])
param scaleEvents string
param maintenanceEvents bool
param identityId string
param storageId string
param functionAppId string
param resourceGroupName string

@allowed(['queue', 'function'])
param delivery string

var watchedClusters = filter(split(replace(clusterIds, ' ', ''), ','), id => !empty(id))
var clusterSubscriptions = union(map(watchedClusters, id => split(id, '/')[2]), [])
var subscriptionIds = empty(watchedClusters) ? [subscription().subscriptionId] : clusterSubscriptions
var kinds = loadJsonContent('kinds.json')
var scaleSubscriptions = scaleEvents == 'subscription' ? subscriptionIds : []
var maintenanceSubscriptions = maintenanceEvents ? subscriptionIds : []
var route = {
  identityId: identityId
  storageId: storageId
  functionAppId: functionAppId
  delivery: delivery
}

// An AKS topic lives in its cluster's region and resource group. All clusters of a subscription cannot be
// listed here: there, upgrades are seen by their maintenance notices, their agent pool writes and the timer.
module clusters 'cluster.bicep' = [for id in watchedClusters: {
  name: 'pullwatch-events-${uniqueString(environmentName, id)}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  params: {
    clusterName: last(split(id, '/'))
    withNodeResourceGroup: scaleEvents == 'nodeResourceGroups'
    route: route
  }
}]

module subscriptions 'topic.bicep' = [for id in scaleSubscriptions: {
  name: 'pullwatch-scale-${uniqueString(environmentName, id)}'
  scope: resourceGroup(resourceGroupName)
  params: {
    name: 'evgt-pullwatch-scale-${uniqueString(id)}'
    location: 'global'
    source: '/subscriptions/${id}'
    kind: kinds.subscription
    route: route
  }
}]

module maintenance 'topic.bicep' = [for id in maintenanceSubscriptions: {
  name: 'pullwatch-maintenance-${uniqueString(environmentName, id)}'
  scope: resourceGroup(resourceGroupName)
  params: {
    name: 'evgt-pullwatch-maintenance-${uniqueString(id)}'
    location: 'global'
    source: '/subscriptions/${id}'
    kind: kinds.maintenance
    route: route
  }
}]
