"""Start a contender, wait until it is ready, stop it and whatever it started."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

from bench import processes
from bench.contenders import ROOT, Contender
from bench.processes import Memory, Process

START_LIMIT = 180.0  # seconds
# Ray's own time to put its processes away.
STOP_PATIENCE = 15.0  # seconds
_POLL_INTERVAL = 0.01  # seconds


class Service:
    """A started contender; a context manager that stops it.

    Args:
        contender: what to start.
        log: where its output goes.

    Attributes:
        port: on 127.0.0.1.
        seconds: from the start of the process to the first 200 of its ready path, once `wait` has returned.
    """

    def __init__(self, contender: Contender, log: Path) -> None:
        self.contender = contender
        self.port = free_port()
        self.seconds: float | None = None
        self._log = log
        self._token = uuid.uuid4().hex
        self._seen: set[Process] = set()
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = contender.variables(self.port) | {processes.TOKEN: self._token}
        with log.open("ab") as file:
            self._started = time.monotonic()
            # A session of its own: Ctrl-C is for us, and we end it in order.
            self._process = subprocess.Popen(
                contender.command_line(self.port),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def wait(self) -> float:
        """Wait until it is ready; return the seconds from the start of the process.

        Raises:
            RuntimeError: it ended, or is not ready in time; the message has the end of its log.
        """
        while time.monotonic() - self._started < START_LIMIT:
            if self._process.poll() is not None:
                break
            if _answers(self.port, self.contender.ready):
                self.seconds = time.monotonic() - self._started
                return self.seconds
            time.sleep(_POLL_INTERVAL)
        end = self._log.read_text("utf-8", "replace")[-3000:] if self._log.is_file() else ""
        raise RuntimeError(
            f"{self.contender.name} did not get ready on port {self.port} in {START_LIMIT:g} s (exit status "
            f"{self._process.poll()}). The end of {self._log}:\n{end}"
        )

    def memory(self) -> Memory:
        """Return the resident memory of all its processes."""
        return processes.memory(self._family())

    def idle_share(self, seconds: float = 2.0) -> float:
        """Return how much of one processor it uses while nobody asks for anything, 0 to the number of processors."""
        before = processes.processor_seconds(self._family())
        time.sleep(seconds)
        return (processes.processor_seconds(self._family()) - before) / seconds

    def stop(self) -> None:
        """End all its processes; returns once they are gone."""
        self._family()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        processes.end(self._family(), patience=STOP_PATIENCE)

    def _family(self) -> set[Process]:
        # Those of before too: one whose parent has ended is found no more if it has overwritten its environment.
        self._seen |= processes.family(self._token, self._process.pid)
        return self._seen


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
