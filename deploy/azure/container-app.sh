#!/usr/bin/env bash
# The image on Azure Container Apps: built in a registry of yours, probed by name, none to four replicas by requests.
set -euo pipefail
source "$(dirname "$0")/settings.sh"
cd "$ROOT"

# Letters and digits alone, and free in all of Azure.
REGISTRY="${REGISTRY:-$(printf %s "$APP" | tr -cd '[:alnum:]')}"
ENVIRONMENT="${ENVIRONMENT:-streetseg}"
VERSION="$(git rev-parse --short=12 HEAD)"

az group create --name "$GROUP" --location "$PLACE"
az acr create --resource-group "$GROUP" --name "$REGISTRY" --sku Basic
az acr build --registry "$REGISTRY" --image "streetseg:$VERSION" .
az containerapp env create --resource-group "$GROUP" --name "$ENVIRONMENT" --location "$PLACE"
az identity create --resource-group "$GROUP" --name "$APP"
IDENTITY="$(az identity show --resource-group "$GROUP" --name "$APP" --query id --output tsv)"
PRINCIPAL="$(az identity show --resource-group "$GROUP" --name "$APP" --query principalId --output tsv)"
SCOPE="$(az acr show --name "$REGISTRY" --query id --output tsv)"
az role assignment create --assignee-object-id "$PRINCIPAL" --assignee-principal-type ServicePrincipal \
    --role AcrPull --scope "$SCOPE"
ENVIRONMENT_ID="$(az containerapp env show --resource-group "$GROUP" --name "$ENVIRONMENT" --query id --output tsv)"

DESCRIPTION="$(mktemp -d)/container-app.yaml"
sed -e "s|@IDENTITY@|$IDENTITY|g" -e "s|@ENVIRONMENT@|$ENVIRONMENT_ID|" -e "s|@SERVER@|$REGISTRY.azurecr.io|g" \
    -e "s|@VERSION@|$VERSION|" -e "s|@PLACE@|$PLACE|" deploy/azure/container-app.yaml >"$DESCRIPTION"
az containerapp create --resource-group "$GROUP" --name "$APP" --yaml "$DESCRIPTION"
az containerapp show --resource-group "$GROUP" --name "$APP" --query properties.configuration.ingress.fqdn --output tsv
