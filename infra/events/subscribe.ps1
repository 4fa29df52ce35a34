# Subscribes the function on_azure_event to Azure's events, once its code is deployed (azd runs this).
$ErrorActionPreference = 'Stop'
$upgradeDelivery = if ($env:PULLWATCH_EVENT_DELIVERY) { $env:PULLWATCH_EVENT_DELIVERY } else { 'queue' }
$scaleEvents = if ($env:PULLWATCH_SCALE_EVENTS) { $env:PULLWATCH_SCALE_EVENTS } else { 'subscription' }
$maintenanceEvents = if ($env:PULLWATCH_MAINTENANCE_EVENTS) { $env:PULLWATCH_MAINTENANCE_EVENTS } else { 'true' }
az deployment sub create `
  --name "pullwatch-events-$env:AZURE_ENV_NAME" `
  --location $env:AZURE_LOCATION `
  --subscription $env:AZURE_SUBSCRIPTION_ID `
  --template-file infra/events/events.bicep `
  --parameters environmentName=$env:AZURE_ENV_NAME `
               clusterIds="$env:PULLWATCH_CLUSTERS" `
               scaleEvents=$scaleEvents `
               maintenanceEvents=$maintenanceEvents `
               identityId=$env:PULLWATCH_EVENTS_IDENTITY_ID `
               storageId=$env:PULLWATCH_STORAGE_ID `
               functionAppId=$env:PULLWATCH_FUNCTION_APP_ID `
               resourceGroupName=$env:AZURE_RESOURCE_GROUP `
               upgradeDelivery=$upgradeDelivery `
               part=function `
  --output none
if ($LASTEXITCODE) { exit $LASTEXITCODE }
