// What wakes Pullwatch: upgrades of the given clusters, growth of their scale sets, planned maintenance.
// Deployed twice: with the rest, for what goes to the queue; after the code, for what calls the function.
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

@description('Where upgrade events go. The others are of global topics, which can only call the function.')
@allowed(['queue', 'function'])
param upgradeDelivery string

@description('What of it is deployed now.')
@allowed(['queue', 'function'])
param part string

var watchedClusters = filter(split(replace(clusterIds, ' ', ''), ','), id => !empty(id))
var clusterSubscriptions = union(map(watchedClusters, id => toLower(split(id, '/')[2])), [])
var ownSubscription = toLower(subscription().subscriptionId)
var subscriptionIds = empty(watchedClusters) ? [ownSubscription] : clusterSubscriptions
// A topic lives in its source's subscription: in our resource group, elsewhere in that of the first cluster there.
var homeGroups = map(subscriptionIds, id => id == ownSubscription ? resourceGroupName : split(filter(watchedClusters, one => toLower(split(one, '/')[2]) == id)[0], '/')[4])
var kinds = loadJsonContent('kinds.json')
var calling = part == 'function'
var scaleSubscriptions = calling && scaleEvents == 'subscription' ? subscriptionIds : []
var maintenanceSubscriptions = calling && maintenanceEvents ? subscriptionIds : []
var route = {
  identityId: identityId
  storageId: storageId
  functionAppId: functionAppId
  delivery: part
}

// An AKS topic lives in its cluster's region and resource group. All clusters of a subscription cannot be
// listed here: there, upgrades are seen by their maintenance notices, their agent pool writes and the timer.
module clusters 'cluster.bicep' = [for id in watchedClusters: {
  name: 'pullwatch-${part}-${uniqueString(environmentName, id)}'
  scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
  params: {
    clusterName: last(split(id, '/'))
    withUpgrades: upgradeDelivery == part
    withNodeResourceGroup: calling && scaleEvents == 'nodeResourceGroups'
    route: route
  }
}]

module subscriptions 'topic.bicep' = [for (id, i) in scaleSubscriptions: {
  name: 'pullwatch-scale-${uniqueString(environmentName, id)}'
  scope: resourceGroup(id, homeGroups[i])
  params: {
    name: 'evgt-pullwatch-scale-${uniqueString(id)}'
    location: 'global'
    source: '/subscriptions/${id}'
    kind: kinds.subscription
    route: route
  }
}]

module maintenance 'topic.bicep' = [for (id, i) in maintenanceSubscriptions: {
  name: 'pullwatch-maintenance-${uniqueString(environmentName, id)}'
  scope: resourceGroup(id, homeGroups[i])
  params: {
    name: 'evgt-pullwatch-maintenance-${uniqueString(id)}'
    location: 'global'
    source: '/subscriptions/${id}'
    kind: kinds.maintenance
    route: route
  }
}]
