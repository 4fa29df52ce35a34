// Two identities: one that the function app reads and stores with, one that Event Grid delivers with.
param location string
param tags object
param token string

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-pullwatch-${token}'
  location: location
  tags: tags
}

resource eventsIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-pullwatch-events-${token}'
  location: location
  tags: tags
}

output appId string = appIdentity.id
output appClientId string = appIdentity.properties.clientId
output appPrincipalId string = appIdentity.properties.principalId
output eventsId string = eventsIdentity.id
output eventsPrincipalId string = eventsIdentity.properties.principalId
