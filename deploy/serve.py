"""`make serve`: start the service through `startup.sh`, print its address once it is ready, stop it on Ctrl-C.

Only the standard library, so that it runs in the slimmest install.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STARTUP = Path(__file__).resolve().parent.parent / "startup.sh"
START_LIMIT = 180.0  # seconds; loading the network on TensorFlow on a busy machine takes the longest
POLL_INTERVAL = 0.25  # seconds
POLL_LIMIT = 2.0  # seconds


def main() -> int:
    """Run the service until it is stopped.

    Returns:
        0 when it was stopped by a signal after it had been ready, else an exit status that says it failed.
    """
    port = os.environ.get("PORT") or "8000"
    problem = port_problem(port)
    if problem:
        print(f"make serve: {problem}", file=sys.stderr)
        return 1
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    # A session of its own: Ctrl-C reaches all of the terminal's group, and only the master is to stop the worker.
    service = subprocess.Popen([str(STARTUP)], env={**os.environ, "PORT": port}, start_new_session=True)
    ready = wait_until_ready(service, port, stopped)
    if ready:
        print(f"\nstreetseg is ready at http://localhost:{port}/ (Ctrl-C stops it)\n", flush=True)
    while ready and service.poll() is None and not stopped:
        time.sleep(POLL_INTERVAL)
    return stop(service, stopped)


def stop(service: subprocess.Popen, stopped: list[int]) -> int:
    """Stop the service if it still runs, and say so if nobody asked for its end.

    Args:
        service: the running or ended `startup.sh`.
        stopped: the signals that this process received, first one first.

    Returns:
        The exit status for this process.
    """
    ended_by_itself = service.poll() is not None
    if not ended_by_itself:
        # To gunicorn SIGINT means at once, SIGTERM after the running requests, and SIGHUP would mean a reload.
        service.send_signal(signal.SIGINT if stopped[:1] == [signal.SIGINT] else signal.SIGTERM)
    status = service.wait()
    if stopped:
        return 0
    if ended_by_itself:
        print(f"make serve: the service ended with status {status}. The lines above say why.", file=sys.stderr)
    else:
        print("make serve: the service did not get ready, so it was stopped. Its log above says why.", file=sys.stderr)
    return status or 1


def port_problem(port: str) -> str | None:
    """Say in a sentence why `port` cannot be listened on, or return None where it can."""
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        return f"PORT is {port!r}. Expected a number from 1 to 65535, as in `make serve PORT=8001`."
    with socket.socket() as probe:
        # As gunicorn does, so that connections of an earlier run, still closing, are not taken for a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", int(port)))
        except OSError as error:
            return (
                f"port {port} cannot be used: {error.strerror}. Expected a free port. "
                f"Stop what listens there, or choose another: `make serve PORT={int(port) % 65535 + 1}`."
            )
    return None


def wait_until_ready(service: subprocess.Popen, port: str, stopped: list[int]) -> bool:
    """Poll `/readyz` until it answers 200; False once it will not, or the limit has passed, or a signal came."""
    deadline = time.monotonic() + START_LIMIT
    while service.poll() is None and not stopped and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=POLL_LIMIT):
                return True
        except urllib.error.HTTPError as answer:
            # A service that is still loading says when to ask again; one that never will be ready does not.
            if "Retry-After" not in answer.headers:
                return False
        except OSError:  # refused, cut off or timed out: it does not listen yet
            pass
        time.sleep(POLL_INTERVAL)
    return False


if __name__ == "__main__":
    sys.exit(main())
