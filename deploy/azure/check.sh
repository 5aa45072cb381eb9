#!/usr/bin/env bash
# Wait until it is ready, and let it segment a street: a drawn one, or the photograph that is named.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

HOST="$(az webapp show --resource-group "$GROUP" --name "$APP" --query defaultHostName --output tsv)"
curl --silent --show-error --fail --retry 60 --retry-delay 5 --retry-all-errors "https://$HOST/readyz"
curl --silent --show-error --fail --form "image=@${1:-$ROOT/static/scenes/scene-103.jpg}" \
    --output overlay.png "https://$HOST/predict"
echo "https://$HOST/ is ready; overlay.png has its answer."
