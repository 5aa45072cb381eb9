#!/usr/bin/env bash
# A span of every request in Application Insights: no image, no address, no agent. The packages for it are installed with the
# next version that goes up.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

az extension add --name application-insights --upgrade
az monitor app-insights component create --resource-group "$GROUP" --app "$APP" --location "$PLACE" --kind web
CONNECTION="$(az monitor app-insights component show --resource-group "$GROUP" --app "$APP" \
    --query connectionString --output tsv)"
az webapp config appsettings set --resource-group "$GROUP" --name "$APP" --settings \
    STREETSEG_TELEMETRY=azure-monitor \
    CUSTOM_REQUIREMENTSTXT_PATH=requirements-telemetry.txt \
    APPLICATIONINSIGHTS_CONNECTION_STRING="$CONNECTION"
