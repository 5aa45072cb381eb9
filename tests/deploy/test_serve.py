"""`make serve` without the network: `deploy/serve.py` beside a `startup.sh` that behaves as each test needs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

SERVE = Path(__file__).resolve().parents[2] / "deploy" / "serve.py"

# Answers /readyz as told, after a first answer that says "loading", and leaves a file behind when asked to stop.
SERVICE = """\
    #!{python}
    import http.server, os, pathlib, signal, sys

    class Handler(http.server.BaseHTTPRequestHandler):
        answers = [(503, "5"), {answer}]
        def do_GET(self):
            status, retry_after = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()

    def stop(number, frame):
        pathlib.Path(__file__).with_name("stopped").write_text(signal.Signals(number).name)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
READY = (200, None)
BROKEN = (503, None)


@pytest.fixture
def start(tmp_path):
    """Start `serve.py` with a service whose second answer is `answer`, or with the script `startup`."""
    started = []

    def start(*, answer=READY, startup=None, port=None) -> subprocess.Popen:
        (tmp_path / "deploy").mkdir()
        shutil.copy(SERVE, tmp_path / "deploy")
        script = startup or textwrap.dedent(SERVICE).format(python=sys.executable, answer=answer)
        (tmp_path / "startup.sh").write_text(script)
        (tmp_path / "startup.sh").chmod(0o755)
        environment = {**os.environ, "PORT": str(free_port() if port is None else port)}
        started.append(
            subprocess.Popen(
                [sys.executable, "-u", "deploy/serve.py"],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


def read_until(process: subprocess.Popen, words: str) -> str:
    """Return the first line of standard output that holds `words`."""
    for line in process.stdout:
        if words in line:
            return line
    return ""


def wait_for_listener(port: int) -> None:
    """Return once something listens on `port`."""
    for _ in range(400):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on {port}")


def test_address_is_printed_once_ready(start):
    port = free_port()
    assert f"http://localhost:{port}/" in read_until(start(port=port), "ready")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_service_too(start, tmp_path, number):
    process = start()
    read_until(process, "ready")
    process.send_signal(number)
    assert process.wait(timeout=20) == 0
    assert (tmp_path / "stopped").read_text() == number.name


def test_signal_before_ready_stops_the_service(start, tmp_path):
    port = free_port()
    process = start(answer=(503, "5"), port=port)
    wait_for_listener(port)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert (tmp_path / "stopped").exists()


def test_service_that_ends_is_an_error(start):
    process = start(startup="#!/bin/sh\nexit 3\n")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "ended with status 3" in errors


def test_service_that_cannot_get_ready_is_stopped_and_an_error(start, tmp_path):
    process = start(answer=BROKEN)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "did not get ready" in errors
    assert (tmp_path / "stopped").read_text() == "SIGTERM"


def test_taken_port_is_named_before_anything_starts(start, tmp_path):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(port=port, startup="#!/bin/sh\ntouch started\n")
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"port {port} cannot be used: Address already in use" in errors
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1", "80 80"])
def test_impossible_port_is_refused(start, port):
    process = start(port=port)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"PORT is {port!r}. Expected a number from 1 to 65535" in errors
