"""The clients, in a process of their own: `python -m bench.driver` reads a job as JSON and writes its result as JSON.

Each client keeps one connection and sends its next photograph when the answer to the last one is complete (a closed
loop). Every answer is checked; the clock has stopped by then. Only the standard library: it shares the processors with
what it measures.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import struct
import sys
import threading
import time
from dataclasses import dataclass, field

PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
BOUNDARY = "-----------------------------streetseg"
_TIMING = re.compile(r"([\w-]+);dur=([\d.]+)")


@dataclass
class Job:
    """What to send, and for how long.

    Attributes:
        port: of 127.0.0.1.
        path: that takes the photographs.
        bodies: the requests' bodies.
        content_type: of each.
        sizes: (height, width) of the answer to each.
        kind: of the answers, "png" or "json".
        clients: how many send at the same time.
        warm_up: answers of each client before the clock starts.
        requests: of each client; None to go on for `seconds`.
        seconds: how long; the last answers may come later, and do not count.
        timeout: seconds without a byte after which a request has failed.
    """

    port: int
    path: str
    bodies: list[bytes]
    content_type: str
    sizes: list[tuple[int, int]]
    kind: str = "png"
    clients: int = 1
    warm_up: int = 1
    requests: int | None = None
    seconds: float = 0.0
    timeout: float = 120.0


@dataclass
class Tally:
    """What one client saw: for each answer its photograph, start and end (ns), Server-Timing (ms); and the failures."""

    photographs: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    timings: list[dict[str, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    different: int = 0


class Client:
    """One connection that is used again and again.

    Args:
        job: what to send.
        number: 0 and up; says with which photograph it begins.
    """

    def __init__(self, job: Job, number: int) -> None:
        self._job = job
        self._next = number
        self._connection = http.client.HTTPConnection("127.0.0.1", job.port, timeout=job.timeout)
        self.first: dict[int, bytes] = {}
        self.tally = Tally()

    def ask(self) -> None:
        """Send the next photograph, and note what came back."""
        index = self._next % len(self._job.bodies)
        self._next += 1
        start = time.perf_counter_ns()
        try:
            self._connection.request(
                "POST", self._job.path, self._job.bodies[index], {"Content-Type": self._job.content_type}
            )
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self.tally.errors.append(type(error).__name__)
            return
        end = time.perf_counter_ns()
        problem = problem_of(response.status, body, kind=self._job.kind, size=self._job.sizes[index])
        if problem:
            self.tally.errors.append(problem)
            return
        # The stage times in a JSON answer differ from one to the next.
        if self._job.kind == "png" and body != self.first.setdefault(index, body):
            self.tally.different += 1
        self.tally.photographs.append(index)
        self.tally.starts.append(start)
        self.tally.ends.append(end)
        self.tally.timings.append(server_timing(response.headers.get("Server-Timing", "")))

    def close(self) -> None:
        """End the connection; the next question opens a new one."""
        self._connection.close()


def problem_of(status: int, body: bytes, *, kind: str, size: tuple[int, int]) -> str | None:
    """Say in a few words what is wrong with an answer; None if it is what was asked for."""
    if status != 200:
        return f"status {status}"
    if kind == "json":
        try:
            answer = json.loads(body)
        except ValueError:
            return "not JSON"
        return None if isinstance(answer, dict) and answer.get("mask") else "no mask"
    if not body.startswith(PNG_START) or not body.endswith(PNG_END):
        return "not a whole PNG"
    width, height = struct.unpack(">II", body[16:24])
    return None if (height, width) == tuple(size) else f"size {height} x {width}"


def server_timing(header: str) -> dict[str, float]:
    """Parse `decode;dur=1.5, network;dur=20` into milliseconds by stage."""
    return {name: float(value) for name, value in _TIMING.findall(header)}


def form(photograph: bytes) -> bytes:
    """Return the body of a form with the photograph as the file part `image`; its type has `BOUNDARY`."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="street.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + photograph + f"\r\n--{BOUNDARY}--\r\n".encode()


def run(job: Job) -> dict:
    """Do a job.

    Returns:
        Ready for JSON: `photographs` (index), `milliseconds`, `ended` (seconds since the clock started) and `timings`
        of each answer; `seconds` that were measured; `errors`, a list of words; `different`, answers that were not
        byte for byte the first one to their photograph; `first`, those in base64 by index, of one client;
        `driver_seconds`, processor time of this process.
    """
    # Threads take turns at the interpreter; a client whose answer is there must not wait 5 ms for its turn.
    sys.setswitchinterval(0.0005)
    clients = [Client(job, number) for number in range(job.clients)]
    begin = threading.Barrier(job.clients + 1)
    threads = [threading.Thread(target=_loop, args=(client, job, begin), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    begin.wait()
    started, used = time.perf_counter_ns(), time.process_time()
    for thread in threads:
        thread.join()
    ended = time.perf_counter_ns()
    for client in clients:
        client.close()
    limit = started + int(job.seconds * 1e9) if job.requests is None else ended
    return _summary(clients, started, limit) | {"driver_seconds": time.process_time() - used}


def _loop(client: Client, job: Job, begin: threading.Barrier) -> None:
    for _ in range(job.warm_up):
        client.ask()
    client.tally = Tally(errors=client.tally.errors, different=client.tally.different)
    begin.wait()
    # While it waited for the others, a server may have closed it as idle.
    client.close()
    if job.requests is not None:
        for _ in range(job.requests):
            client.ask()
        return
    end = time.perf_counter() + job.seconds
    while time.perf_counter() < end:
        client.ask()


def _summary(clients: list[Client], started: int, limit: int) -> dict:
    tallies = [client.tally for client in clients]
    rows = sorted(
        (end, index, start, timings)
        for tally in tallies
        for index, start, end, timings in zip(tally.photographs, tally.starts, tally.ends, tally.timings, strict=True)
        if end <= limit
    )
    return {
        "photographs": [index for _, index, _, _ in rows],
        "milliseconds": [(end - start) / 1e6 for end, _, start, _ in rows],
        "ended": [(end - started) / 1e9 for end, _, _, _ in rows],
        "timings": [timings for _, _, _, timings in rows],
        "seconds": (limit - started) / 1e9,
        "errors": [error for tally in tallies for error in tally.errors],
        "different": sum(tally.different for tally in tallies),
        "first": {index: base64.b64encode(body).decode() for index, body in clients[0].first.items()},
    }


def main() -> int:
    """Read a job, do it, write what came of it."""
    job = json.load(sys.stdin)
    job["bodies"] = [base64.b64decode(body) for body in job["bodies"]]
    json.dump(run(Job(**job)), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
