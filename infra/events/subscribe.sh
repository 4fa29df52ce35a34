#!/bin/sh
# Subscribes the function on_azure_event to Azure's events, once its code is deployed (azd runs this).
set -eu
az deployment sub create \
  --name "pullwatch-events-$AZURE_ENV_NAME" \
  --location "$AZURE_LOCATION" \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --template-file infra/events/events.bicep \
  --parameters environmentName="$AZURE_ENV_NAME" \
               clusterIds="${PULLWATCH_CLUSTERS:-}" \
               scaleEvents="${PULLWATCH_SCALE_EVENTS:-subscription}" \
               maintenanceEvents="${PULLWATCH_MAINTENANCE_EVENTS:-true}" \
               identityId="$PULLWATCH_EVENTS_IDENTITY_ID" \
               storageId="$PULLWATCH_STORAGE_ID" \
               functionAppId="$PULLWATCH_FUNCTION_APP_ID" \
               resourceGroupName="$AZURE_RESOURCE_GROUP" \
               upgradeDelivery="${PULLWATCH_EVENT_DELIVERY:-queue}" \
               part=function \
  --output none
