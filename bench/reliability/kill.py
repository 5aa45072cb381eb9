"""The worker killed with SIGKILL under load, again and again: no wrong answer, and soon ready."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time

from bench.reliability import Verdict
from bench.reliability.target import Target, photograph, started

BAR = "no wrong answer, ready again within 5 s each time"
LONGEST = 5.0  # seconds


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)


def run(arguments: argparse.Namespace) -> Verdict:
    """Kill it each time after a second of load."""
    with started() as target:
        load = Load(target, arguments.clients)
        times = [kill(target) for _ in range(arguments.times)]
        load.stop()
    figures = (
        f"killed {len(times)} times, ready again after {max(times):.2f} s at most (median "
        f"{sorted(times)[len(times) // 2]:.2f} s), {load.right} right answers, {load.wrong} wrong, "
        f"{load.none} connections cut or refused meanwhile"
    )
    return Verdict(figures, BAR, max(times) <= LONGEST and not load.wrong and load.right > 0)


def kill(target: Target) -> float:
    """Kill the worker, and return the seconds until another one is ready."""
    time.sleep(1)
    worker = target.worker()
    killed = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    while target.worker() in (0, worker):
        time.sleep(0.005)
    target.wait_until_ready()
    return time.monotonic() - killed


class Load:
    """Clients that ask and compare until they are stopped.

    Attributes:
        right, wrong, none: how many answers were right, wrong, or did not come (503 while it loads is none too).
    """

    def __init__(self, target: Target, clients: int):
        self.right = self.wrong = self.none = 0
        self._target, self._going, self._counting = target, True, threading.Lock()
        self._bodies = [photograph(number) for number in range(clients)]
        self._expected = [target.ask("POST", "/predict?format=mask", body).body for body in self._bodies]
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them end."""
        self._going = False
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        while self._going:
            reply = self._target.ask("POST", "/predict?format=mask", self._bodies[number])
            with self._counting:
                self.right += reply.status == 200 and reply.body == self._expected[number]
                self.wrong += reply.status == 200 and reply.body != self._expected[number]
                self.wrong += reply.status not in (0, 200, 429, 503)
                self.none += reply.status in (0, 429, 503)
            if reply.status != 200:
                time.sleep(0.05)
