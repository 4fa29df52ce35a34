// Receiver URLs and keys. The app holds references; the values stand here only.
param location string
param tags object
param token string
param principalId string

@description('false: only the private endpoint.')
param openToAll bool

@secure()
param teamsUrl string
@secure()
param slackUrl string
@secure()
param webhookUrl string
@secure()
param webhookSecret string
@secure()
param linkSecret string

var roles = loadJsonContent('../roles.json')

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-pw-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    networkAcls: {
      defaultAction: openToAll ? 'Allow' : 'Deny'
      bypass: 'AzureServices'
    }
  }
}

resource teams 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(teamsUrl)) {
  parent: vault
  name: 'pullwatch-teams-url'
  properties: {
    value: teamsUrl
  }
}

resource slack 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(slackUrl)) {
  parent: vault
  name: 'pullwatch-slack-url'
  properties: {
    value: slackUrl
  }
}

resource webhook 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(webhookUrl)) {
  parent: vault
  name: 'pullwatch-webhook-url'
  properties: {
    value: webhookUrl
  }
}

resource webhookKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(webhookSecret)) {
  parent: vault
  name: 'pullwatch-webhook-secret'
  properties: {
    value: webhookSecret
  }
}

resource linkKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'pullwatch-link-secret'
  properties: {
    value: linkSecret
  }
}

// App Service resolves the references in the app's settings with the app's identity.
resource secretsUser 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, roles.KeyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.KeyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output id string = vault.id
output name string = vault.name
