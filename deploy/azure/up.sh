#!/usr/bin/env bash
# This version of the code, up. From a clean clone: everything in the folder is uploaded.
set -euo pipefail
source "$(dirname "$0")/settings.sh"
cd "$ROOT"

if [ -n "$(git status --porcelain --ignored -- . ':!.venv')" ]; then
    echo "up.sh: there are files in $ROOT that are not committed, and az webapp up would upload them. Expected a fresh clone." >&2
    exit 2
fi
az webapp up --resource-group "$GROUP" --plan "$PLAN" --name "$APP" --sku "$SIZE" \
    --location "$PLACE" --os-type Linux --runtime "$RUNTIME"
