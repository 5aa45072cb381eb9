"""The service under trial, and requests to it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bench.services import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_LIMIT = 120.0  # seconds


class Reply(NamedTuple):
    """An answer: status (0 where none came), headers by lower-case name, body, and how long it took in seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Target:
    """A started service.

    Attributes:
        port: on 127.0.0.1.
        process: gunicorn's master.
    """

    def __init__(self, *, start: Path, settings: dict[str, str]):
        self.port = free_port()
        variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **settings}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the service runs
        self.process = subprocess.Popen(
            [str(start)],
            env={**variables, "PORT": str(self.port), "VIRTUAL_ENV": sys.prefix},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_ready(self) -> float:
        """Return the seconds until `/readyz` answers 200.

        Raises:
            RuntimeError: it does not.
        """
        started = time.monotonic()
        while time.monotonic() - started < START_LIMIT and self.process.poll() is None:
            if self.ask("GET", "/readyz", timeout=2).status == 200:
                return time.monotonic() - started
            time.sleep(0.02)
        raise RuntimeError(f"The service did not get ready in {START_LIMIT:g} s:\n{self.log()[-3000:]}")

    def ask(self, method: str, path: str, body: bytes | None = None, *, timeout: float = 60) -> Reply:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        started = time.perf_counter()
        try:
            connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return Reply(0, {}, b"", time.perf_counter() - started)
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, content, time.perf_counter() - started)

    def worker(self) -> int:
        """Return the number of the worker's process; 0 while there is none."""
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        except OSError:
            return 0
        return int(text.split()[0]) if text.split() else 0

    def resident(self) -> int:
        """Return the worker's resident memory in bytes."""
        status = Path(f"/proc/{self.worker()}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def descriptors(self) -> int:
        """Return how many descriptors the worker has open."""
        return len(os.listdir(f"/proc/{self.worker()}/fd"))

    def log(self) -> str:
        """Return what it has said."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Let go of its log."""
        self._log.close()

    def stop(self) -> int:
        """Tell it to stop, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def started(*, start: Path = ROOT / "startup.sh", **settings: str) -> Iterator[Target]:
    """Start the service and stop it after the block.

    Args:
        start: the script; another one's serves for a comparison.
        settings: environment variables.
    """
    target = Target(start=start, settings=settings)
    try:
        target.wait_until_ready()
        yield target
    finally:
        target.stop()
        target.close()


def photograph(number: int, *, height: int = 320, width: int = 640) -> bytes:
    """Return a JPEG that differs from that of every other number: blocks of colour, `number` deciding them."""
    blocks = np.random.default_rng(number).integers(0, 256, (height // 32, width // 32, 3), np.uint8)
    image = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", image)[1].tobytes()


def percentile(seconds: list[float], share: float) -> float:
    """Return a percentile (nearest rank) in ms; infinity of nothing."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("inf")
