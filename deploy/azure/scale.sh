#!/usr/bin/env bash
# One to four instances by the processors' load: one more above 70 % for five minutes, one less below 30 % for ten.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

az monitor autoscale create --resource-group "$GROUP" --name "$PLAN" --resource "$PLAN" \
    --resource-type Microsoft.Web/serverfarms --min-count 1 --max-count 4 --count 1
az monitor autoscale rule create --resource-group "$GROUP" --autoscale-name "$PLAN" \
    --condition 'CpuPercentage > 70 avg 5m' --scale out 1 --cooldown 5
az monitor autoscale rule create --resource-group "$GROUP" --autoscale-name "$PLAN" \
    --condition 'CpuPercentage < 30 avg 10m' --scale in 1 --cooldown 10
