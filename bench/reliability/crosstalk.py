"""Two clients with different photographs, thousands of times: never each other's answer."""

from __future__ import annotations

import argparse
import threading

from bench.reliability import Verdict
from bench.reliability.target import photograph, started

BAR = "never each other's answer"
_PHOTOGRAPHS = 16


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--requests", type=int, default=10_000, help="of both clients together")


def run(arguments: argparse.Namespace) -> Verdict:
    """Each client takes every other photograph in turn, and compares bytes."""
    with started() as target:
        bodies = [photograph(number) for number in range(_PHOTOGRAPHS)]
        expected = [target.ask("POST", "/predict?format=overlay", body).body for body in bodies]
        wrong = [0, 0]

        def ask(client: int) -> None:
            for number in range(arguments.requests // 2):
                chosen = (2 * number + client) % _PHOTOGRAPHS
                reply = target.ask("POST", "/predict?format=overlay", bodies[chosen])
                wrong[client] += reply.status != 200 or reply.body != expected[chosen]

        threads = [threading.Thread(target=ask, args=(client,)) for client in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    different = len(set(expected)) == _PHOTOGRAPHS
    figures = f"{arguments.requests} requests, {sum(wrong)} answers that were not their own"
    return Verdict(figures, BAR, sum(wrong) == 0 and different)
