// The function app on Flex Consumption: scales to nothing between events.
param location string
param tags object
param token string
param identityId string
param identityClientId string
param storageName string
param packageContainer string
param insightsConnectionString string
param subnetId string
param alwaysReadyInstances int
param eventDelivery string
param subscriptionIds string
param clusterIds string

@description('Settings that are Key Vault references.')
param secrets object

// The function that events reach first: the one worth keeping warm.
var eventFunction = eventDelivery == 'queue' ? 'on_queued_azure_event' : 'on_azure_event'
var warm = [
  {
    name: 'function:${eventFunction}'
    instanceCount: alwaysReadyInstances
  }
]
var host = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}
var ours = {
  AZURE_CLIENT_ID: identityClientId
  AZURE_CLOUD: environment().name
  PULLWATCH_SUBSCRIPTIONS: subscriptionIds
  PULLWATCH_CLUSTERS: clusterIds
  PULLWATCH_PUBLIC_URL: 'https://${site.properties.defaultHostName}'
}
// Any other setting of docs/settings.md goes into this file; secrets do not.
var chosen = loadJsonContent('../settings.json')

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-pullwatch-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-pullwatch-${token}'
  location: location
  tags: union(tags, serviceTag)
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainer
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
        alwaysReady: alwaysReadyInstances > 0 ? warm : []
      }
    }
  }
}

var serviceTag = {
  'azd-service-name': 'pullwatch'
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union(chosen, host, ours, secrets)
}

output id string = site.id
output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
