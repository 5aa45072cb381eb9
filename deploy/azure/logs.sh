#!/usr/bin/env bash
# What it says, as it says it; `logs.sh build` for what was said while it was built.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

if [ "${1:-}" = build ]; then
    az webapp log deployment show --resource-group "$GROUP" --name "$APP"
else
    az webapp log tail --resource-group "$GROUP" --name "$APP"
fi
