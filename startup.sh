#!/bin/sh
# Starts the service: what Azure App Service, the Docker image and `make serve` all run, so that what was tested is what
# is deployed. Settings, all of them environment variables:
#
#   PORT                        port to listen on, on every interface              8000
#   STREETSEG_THREADS           requests held at once: more than run and wait in   512
#                               the app's own queue (app/config.py: CONCURRENCY
#                               and QUEUE_DEPTH), so that its refusals and the
#                               health checks get through when it is full, and
#                               beside clients that send slowly
#   STREETSEG_READ_PATIENCE     seconds that a request may take to arrive, besides  20
#                               those its bytes take at 2 kB/s (deploy/worker.py)
#   STREETSEG_TIMEOUT           seconds without a sign of life before the worker   120
#                               is replaced
#   STREETSEG_GRACEFUL_TIMEOUT  seconds that running requests get when stopped     30
#   STREETSEG_*                 everything else: app/config.py
set -eu

cd -- "$(dirname -- "$0")"

# Interpreters in the order in which one is wanted: the active environment (App Service has activated its `antenv` by
# now), ours, App Service's where it was not activated, the system's (the Docker image puts its own on PATH).
#
# `python -m gunicorn`, not the `gunicorn` script: a script names its interpreter by the absolute path of the folder it
# was installed in, and App Service builds in one folder and runs in another.
installed='import sys
from importlib.util import find_spec
sys.exit(not all(map(find_spec, ("gunicorn", "flask", "cv2"))))'
python=
for candidate in ${VIRTUAL_ENV:+python} .venv/bin/python antenv/bin/python python3 python; do
    if "$candidate" -c "$installed" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "startup.sh: no Python here has gunicorn, Flask and OpenCV. Expected the packages of requirements-serve.txt in" \
        ".venv/ or in the active environment. Run \`make install\`, or \`pip install -r requirements-serve.txt\`." >&2
    exit 1
fi

port=${PORT:-8000}
# The heartbeat file of the worker: on a slow or full disk its update may block until the worker counts as dead.
heartbeat=/dev/shm
if [ ! -w "$heartbeat" ]; then
    heartbeat=${TMPDIR:-/tmp}
fi

# glibc gives the memory of a picture back to the system after each request, and takes it, page by page, anew for the
# next. Kept, up to 128 MB, and shared by all threads: a tenth more requests a second in the same resident memory. All
# of it in one arena, the one that is in huge pages from end to end (model/huge_pages.py).
export GLIBC_TUNABLES="${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}"
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-33554432}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-134217728}"

# One worker, because each holds its own network and one already uses every core; threads, because uploads and image
# decoding wait while the network runs. No --preload: the engine's threads do not survive a fork. The control socket
# would be written to a home folder, which a container may not have. The app itself logs each request, as one line of
# JSON without client address and agent.
exec "$python" -m gunicorn 'app:create_app()' \
    --bind "0.0.0.0:$port" \
    --worker-class deploy.worker.Worker \
    --workers 1 \
    --threads "${STREETSEG_THREADS:-512}" \
    --worker-connections 2048 \
    --keep-alive 20 \
    --timeout "${STREETSEG_TIMEOUT:-120}" \
    --graceful-timeout "${STREETSEG_GRACEFUL_TIMEOUT:-30}" \
    --worker-tmp-dir "$heartbeat" \
    --no-control-socket \
    --error-logfile -
