#!/usr/bin/env bash
# Where the service runs, and how it is built and started. Once; again, it changes nothing but the settings.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

az group create --name "$GROUP" --location "$PLACE"
az appservice plan create --resource-group "$GROUP" --name "$PLAN" --location "$PLACE" --is-linux --sku "$SIZE"
az webapp create --resource-group "$GROUP" --plan "$PLAN" --name "$APP" --runtime "$RUNTIME" --startup-file startup.sh

# Before the code goes up, so that the first build is already the slim one. README.md says why each.
az webapp config appsettings set --resource-group "$GROUP" --name "$APP" --settings \
    SCM_DO_BUILD_DURING_DEPLOYMENT=true \
    CUSTOM_REQUIREMENTSTXT_PATH=requirements-serve.txt \
    WEBSITES_CONTAINER_START_TIME_LIMIT=600 \
    WEBSITE_WARMUP_PATH=/readyz \
    WEBSITE_WARMUP_STATUSES=200 \
    WEBSITE_SWAP_WARMUP_PING_PATH=/readyz \
    WEBSITE_SWAP_WARMUP_PING_STATUSES=200 \
    WEBSITES_CONTAINER_STOP_TIME_LIMIT=40 \
    STREETSEG_PROXIES=1
az webapp config set --resource-group "$GROUP" --name "$APP" --always-on true --min-tls-version 1.2 \
    --ftps-state Disabled --generic-configurations '{"healthCheckPath": "/readyz"}'
az webapp update --resource-group "$GROUP" --name "$APP" --https-only true
az webapp log config --resource-group "$GROUP" --name "$APP" --docker-container-logging filesystem
