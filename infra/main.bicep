// Pullwatch in one resource group, its reader roles on the watched subscriptions, and the events that wake it.
targetScope = 'subscription'

@description('Name of the azd environment: part of every resource name.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of the function app; any that offers Flex Consumption. The clusters may be elsewhere.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Resource ids of the AKS clusters to watch, comma-separated; empty: all of this subscription.')
param clusterIds string = ''

@secure()
@description('Teams Workflows webhook URL.')
param teamsUrl string = ''

@secure()
@description('Slack incoming webhook URL.')
param slackUrl string = ''

@secure()
@description('URL that receives signed CloudEvents.')
param webhookUrl string = ''

@secure()
@description('Signing key of that webhook: whsec_ and base64.')
param webhookSecret string = ''

@secure()
@description('Key that report links are signed with. New at every deployment: older links end then.')
param linkSecret string = newGuid()

@description('Upgrade events. queue: Event Grid writes to the storage queue with its identity. function: it calls the Event Grid trigger, as it does for all other events.')
@allowed(['queue', 'function'])
param eventDelivery string = 'queue'

@description('Where scale events are listened for. none leaves scale-outs to the screening timer.')
@allowed(['subscription', 'nodeResourceGroups', 'none'])
param scaleEvents string = 'subscription'

@description('Listen for planned maintenance and auto-upgrades of the whole subscription.')
param maintenanceEvents bool = true

@description('Private endpoints for storage and Key Vault, and a virtual network for the function app.')
param vnetEnabled bool = false

@description('Instances kept warm for the events, against cold starts. Each is billed all the time.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 0

var tags = {
  'azd-env-name': environmentName
}
var token = toLower(uniqueString(subscription().id, environmentName, location))
var watchedClusters = filter(split(replace(clusterIds, ' ', ''), ','), id => !empty(id))
var clusterSubscriptions = union(map(watchedClusters, id => toLower(split(id, '/')[2])), [])
var subscriptionIds = empty(watchedClusters) ? [subscription().subscriptionId] : clusterSubscriptions

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'app/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    principalId: identities.outputs.appPrincipalId
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    appPrincipalId: identities.outputs.appPrincipalId
    eventsPrincipalId: identities.outputs.eventsPrincipalId
    openToAll: !vnetEnabled
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    principalId: identities.outputs.appPrincipalId
    openToAll: !vnetEnabled
    teamsUrl: teamsUrl
    slackUrl: slackUrl
    webhookUrl: webhookUrl
    webhookSecret: webhookSecret
    linkSecret: linkSecret
  }
}

var reference = '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName='
var secretReferences = {
  PULLWATCH_TEAMS_URL: empty(teamsUrl) ? '' : '${reference}pullwatch-teams-url)'
  PULLWATCH_SLACK_URL: empty(slackUrl) ? '' : '${reference}pullwatch-slack-url)'
  PULLWATCH_WEBHOOK_URL: empty(webhookUrl) ? '' : '${reference}pullwatch-webhook-url)'
  PULLWATCH_WEBHOOK_SECRET: empty(webhookSecret) ? '' : '${reference}pullwatch-webhook-secret)'
  PULLWATCH_LINK_SECRET: '${reference}pullwatch-link-secret)'
}

module network 'app/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module app 'app/function.bicep' = {
  name: 'function'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityId: identities.outputs.appId
    identityClientId: identities.outputs.appClientId
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    insightsConnectionString: monitoring.outputs.connectionString
    subnetId: vnetEnabled ? network.outputs.appSubnetId : ''
    alwaysReadyInstances: alwaysReadyInstances
    eventDelivery: eventDelivery
    subscriptionIds: join(subscriptionIds, ',')
    clusterIds: join(watchedClusters, ',')
    secrets: secretReferences
  }
}

module readers 'app/reader-roles.bicep' = [for id in subscriptionIds: {
  name: 'pullwatch-readers-${token}'
  scope: subscription(id)
  params: {
    principalId: identities.outputs.appPrincipalId
  }
}]

// What calls the function is subscribed once its code is there: infra/events/subscribe.sh.
module events 'events/events.bicep' = if (eventDelivery == 'queue') {
  name: 'pullwatch-events-${token}'
  params: {
    environmentName: environmentName
    clusterIds: clusterIds
    scaleEvents: scaleEvents
    maintenanceEvents: maintenanceEvents
    identityId: identities.outputs.eventsId
    storageId: storage.outputs.id
    functionAppId: app.outputs.id
    resourceGroupName: group.name
    upgradeDelivery: eventDelivery
    part: 'queue'
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SERVICE_PULLWATCH_NAME string = app.outputs.name
output PULLWATCH_EVENTS_IDENTITY_ID string = identities.outputs.eventsId
output PULLWATCH_STORAGE_ID string = storage.outputs.id
output PULLWATCH_FUNCTION_APP_ID string = app.outputs.id
output PULLWATCH_HEALTH_URL string = '${app.outputs.url}/api/health'
