// What Pullwatch may read in one watched subscription. Nothing here lets it change anything.
targetScope = 'subscription'

param principalId string

var roles = loadJsonContent('../roles.json')

// Azure.graph: clusters, scale sets, registries, load balancers; Azure.scale_set: the model of a pool;
// Azure.skus: limits of VM sizes and disks, which only a reader of the whole subscription gets.
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roles.Reader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.Reader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Azure.metrics: the batch interface asks for the right on the subscription, not on each scale set.
resource monitoringReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roles.MonitoringReader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.MonitoringReader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Azure.logs: KubeEvents of the clusters, and what registries logged, wherever their workspace is.
resource logReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roles.LogAnalyticsReader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.LogAnalyticsReader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
