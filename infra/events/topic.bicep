// One system topic and its subscription, delivered to the storage queue with an identity, or to the function without.
param name string
param location string
param source string

@description('An entry of kinds.json.')
param kind object

@description('identityId, storageId, functionAppId, delivery: queue or function.')
param route object

var toQueue = {
  identity: {
    type: 'UserAssigned'
    userAssignedIdentity: route.identityId
  }
  destination: {
    endpointType: 'StorageQueue'
    properties: {
      resourceId: route.storageId
      queueName: 'azure-events'
      queueMessageTimeToLiveInSeconds: 604800
    }
  }
}
// "Enable managed identity on Azure Event Grid system topic": topics of global sources (subscriptions, resource
// groups) cannot have one. Without it they can call the function, but neither write to a storage account that knows
// no keys nor keep there what could not be delivered.
var identified = location != 'global'
var identityOfTopic = {
  type: 'UserAssigned'
  userAssignedIdentities: {
    '${route.identityId}': {}
  }
}
var noIdentity = {
  type: 'None'
}
var deadLetters = {
  identity: {
    type: 'UserAssigned'
    userAssignedIdentity: route.identityId
  }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: {
      resourceId: route.storageId
      blobContainerName: 'dead-letters'
    }
  }
}
// Event Grid checks that this function exists: deploy the code first.
var toFunction = {
  endpointType: 'AzureFunction'
  properties: {
    resourceId: '${route.functionAppId}/functions/on_azure_event'
    maxEventsPerBatch: 1
  }
}
var operationFilter = [
  {
    operatorType: 'StringIn'
    key: 'data.operationName'
    values: kind.operationNames
  }
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  identity: identified ? identityOfTopic : noIdentity
  properties: {
    source: source
    topicType: kind.topicType
  }
}

resource subscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'pullwatch'
  properties: {
    deliveryWithResourceIdentity: route.delivery == 'queue' ? toQueue : null
    destination: route.delivery == 'queue' ? null : toFunction
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: kind.eventTypes
      advancedFilters: empty(kind.operationNames) ? [] : operationFilter
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: identified ? deadLetters : null
  }
}
