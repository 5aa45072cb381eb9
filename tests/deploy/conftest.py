"""A service under startup.sh's own gunicorn command, with a network that the test holds."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.app.clients import encoded

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 30  # seconds


def wait_until(condition):
    """Wait for something that happens in another process."""
    ends = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)


def request_bytes(body: bytes, *, version: str = "1.1", extra: str = "") -> bytes:
    """One POST /predict as it goes over the wire."""
    head = f"POST /predict?format=json HTTP/{version}\r\nHost: x\r\nContent-Type: image/png\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Running:
    """The service, its port, and what its network did."""

    def __init__(self, folder: Path, **settings):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        script = (
            (ROOT / "startup.sh")
            .read_text("utf-8")
            .replace("app:create_app()", "tests.deploy.held_service:create_app()")
        )
        copy = folder / "startup.sh"
        copy.write_text(script.replace('cd -- "$(dirname -- "$0")"', f"cd -- '{ROOT}'"), "utf-8")
        variables = os.environ | {"HELD_FOLDER": str(folder), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        variables |= {"VIRTUAL_ENV": sys.prefix, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            ["sh", str(copy)],
            env=variables | {name: str(value) for name, value in settings.items()},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz").status == 200
        return False

    def ask(self, method: str, path: str, body: bytes | None = None, *, connection=None):
        """One request on a connection of its own, or on a given one."""
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            own.request(method, path, body, {"Content-Type": "image/png"} if body else {})
            answer = own.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
        finally:
            if connection is None:
                own.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def send(self, data: bytes) -> socket.socket:
        """Open a connection and send something on it."""
        connection = self.connect()
        connection.sendall(data)
        return connection

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink(missing_ok=True)

    def runs(self) -> int:
        """How often the network was run."""
        file = self.folder / "runs"
        return file.stat().st_size if file.exists() else 0

    def metric(self, name: str) -> float:
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def requests(self) -> list[dict]:
        """The lines of the log that are about requests."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def worker(self) -> int:
        """The number of the worker's process; 0 while there is none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        return int(children[0]) if children else 0

    def stop(self) -> None:
        self.release()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.process.wait()
            self._log.close()


@pytest.fixture
def start(tmp_path):
    """A function that starts the service with these environment variables."""
    with contextlib.ExitStack() as stack:

        def begin(**settings) -> Running:
            running = Running(tmp_path, **settings)
            stack.callback(running.stop)
            return running

        yield begin


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A PNG of 16 x 24 pixels."""
    return encoded(np.zeros((16, 24, 3), np.uint8))
