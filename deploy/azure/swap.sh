#!/usr/bin/env bash
# What is committed, to a slot beside the running version; once that has answered, the two change places. Nobody waits, and the
# same command with `back` undoes it. Needs a plan of S1 or larger.
set -euo pipefail
source "$(dirname "$0")/settings.sh"
cd "$ROOT"

if [ "${1:-}" != back ]; then
    az webapp deployment slot create --resource-group "$GROUP" --name "$APP" --slot staging --configuration-source "$APP"
    PACKAGE="$(mktemp -d)/streetseg.zip"
    git archive --format zip --output "$PACKAGE" HEAD
    az webapp deploy --resource-group "$GROUP" --name "$APP" --slot staging --type zip --src-path "$PACKAGE"
    HOST="$(az webapp show --resource-group "$GROUP" --name "$APP" --slot staging --query defaultHostName --output tsv)"
    curl --silent --show-error --fail --retry 60 --retry-delay 5 --retry-all-errors "https://$HOST/readyz"
fi
az webapp deployment slot swap --resource-group "$GROUP" --name "$APP" --slot staging --target-slot production
