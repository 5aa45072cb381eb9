"""200 clients that trickle their bodies or heads, and 500 idle connections: what the others notice."""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import threading
import time
from pathlib import Path

from bench.reliability import Verdict
from bench.reliability.target import ROOT, Target, percentile, photograph, started

BAR = "others' p99 at most doubles"


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--seconds", type=float, default=30, help="of each half")
    parser.add_argument("--slow", type=int, default=200, help="clients that trickle a byte each half second")
    parser.add_argument("--idle", type=int, default=500, help="connections on which nothing is sent")
    parser.add_argument("--start", type=Path, default=ROOT / "startup.sh", help="another start script, to compare")


def run(arguments: argparse.Namespace) -> Verdict:
    """Measure two clients, alone and then beside the slow ones."""
    with started(start=arguments.start) as target:
        load(target, 3)
        alone = load(target, arguments.seconds)
        crowd = Crowd(target.port, slow=arguments.slow, idle=arguments.idle)
        time.sleep(1)
        beside = load(target, arguments.seconds)
        crowd.stop()
        memory = target.resident() / 1e6
    before, after = percentile(alone, 0.99), percentile(beside, 0.99)
    figures = (
        f"p50 {percentile(alone, 0.5):.1f} -> {percentile(beside, 0.5):.1f} ms, p99 {before:.1f} -> {after:.1f} ms, "
        f"{len(alone)} -> {len(beside)} answers, worker at {memory:.0f} MB"
    )
    return Verdict(figures, BAR, after <= 2 * before)


def load(target: Target, seconds: float, *, clients: int = 2) -> list[float]:
    """Ask as fast as answers come; return how long each took, failures as infinitely long."""
    ends = time.monotonic() + seconds
    times: list[float] = []

    def ask(number: int) -> None:
        body = photograph(number)
        while (left := ends - time.monotonic()) > 0:
            reply = target.ask("POST", "/predict?format=json", body, timeout=left + 5)
            times.append(reply.seconds if reply.status == 200 else float("inf"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


class Crowd:
    """Clients that are a burden: they come back whenever they are cut off."""

    _HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"

    def __init__(self, port: int, *, slow: int, idle: int):
        self._port = port
        # A third trickle a body with a length, a third one in chunks, a third the head itself.
        starts = [self._HEAD + b"Content-Length: 100000\r\n\r\n"]
        starts += [self._HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", self._HEAD + b"X-Slow: "]
        self._starts = [starts[number % 3] for number in range(slow)] + [None] * idle
        self._sockets: list[socket.socket | None] = [None] * (slow + idle)
        # A process of its own, which does not keep those waiting whose times are taken.
        self._process = multiprocessing.get_context("fork").Process(target=self._trickle, daemon=True)
        self._process.start()

    def stop(self) -> None:
        """Close them all."""
        self._process.terminate()
        self._process.join()

    def _trickle(self) -> None:
        while True:
            for number, start in enumerate(self._starts):
                self._step(number, start)
                if number % 10 == 0:
                    time.sleep(5 / len(self._starts))

    def _step(self, number: int, start: bytes | None) -> None:
        each = self._sockets[number]
        try:
            if each is None:
                self._sockets[number] = each = socket.create_connection(("127.0.0.1", self._port), timeout=1)
                each.setblocking(False)
                each.send(start or b"")
            elif start:
                each.send(b"x")
            elif each.recv(1) == b"":
                raise ConnectionError
        except BlockingIOError:
            return
        except OSError:
            if each is not None:
                each.close()
            self._sockets[number] = None
