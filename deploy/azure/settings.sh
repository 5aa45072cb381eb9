# Names, place and size, read by every script beside this one. A variable that is set already wins: GROUP=mine ./up.sh
APP="${APP:-}" # part of the address, so it must be free in all of Azure: streetseg-and-your-name
GROUP="${GROUP:-streetseg}"
PLAN="${PLAN:-streetseg}"
PLACE="${PLACE:-westeurope}"
SIZE="${SIZE:-B2}"          # of the App Service plan; slots and rules that scale need S1 or larger
RUNTIME="${RUNTIME:-PYTHON:3.11}"
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

if [ -z "$APP" ]; then
    echo 'deploy/azure: APP is not set. Expected a name for the app: APP=streetseg-and-your-name' "$0" >&2
    exit 2
fi
if ! command -v az >/dev/null; then
    echo 'deploy/azure: the Azure CLI is not installed. Expected az: https://learn.microsoft.com/cli/azure/install-azure-cli' >&2
    exit 2
fi
