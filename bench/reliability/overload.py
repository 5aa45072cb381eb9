"""Ten times more clients than it can serve and queue: every answer right or refused with Retry-After, and soon well."""

from __future__ import annotations

import argparse
import collections
import threading
import time

from bench.reliability import Verdict
from bench.reliability.target import Reply, Target, percentile, photograph, started

BAR = (
    "every answer right or 429/503 with Retry-After, p99 of the accepted under the deadline, at most twice the usual "
    "time again within 5 s"
)
DEADLINE = 20.0  # seconds; the service's default
RECOVERY = 5.0  # seconds


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clients", type=int, default=340, help="ten times the 2 places and 32 that may wait")


def run(arguments: argparse.Namespace) -> Verdict:
    """Compare every answer with the one that the same photograph gets alone."""
    with started() as target:
        photographs = [photograph(number) for number in range(8)]
        right = [target.ask("POST", "/predict?format=mask", each).body for each in photographs]
        usual = percentile([target.ask("POST", "/predict?format=mask", photographs[0]).seconds for _ in range(50)], 0.5)
        counts, times = storm(target, photographs, right, arguments)
        recovery = seconds_until_usual(target, photographs[0], 2 * usual)
    p99 = percentile(times, 0.99)
    figures = (
        f"{dict(counts)}, p99 of {len(times)} accepted {p99 / 1000:.2f} s, usual times again after {recovery:.2f} s"
    )
    return Verdict(figures, BAR, set(counts) <= {"right", "refused"} and p99 < DEADLINE * 1000 and recovery <= RECOVERY)


def storm(
    target: Target, photographs: list[bytes], right: list[bytes], arguments: argparse.Namespace
) -> tuple[collections.Counter, list[float]]:
    """Ask from all clients at once for as long as told; return what came, and how long the accepted took in seconds."""
    ends = time.monotonic() + arguments.seconds
    counts: collections.Counter = collections.Counter()
    times: list[float] = []
    counting = threading.Lock()

    def keep_asking(client: int) -> None:
        number = client % len(photographs)
        while time.monotonic() < ends:
            reply = target.ask("POST", "/predict?format=mask", photographs[number])
            with counting:
                counts[judge(reply, right[number])] += 1
                if reply.status == 200:
                    times.append(reply.seconds)
            if reply.status != 200:
                time.sleep(0.1)  # ten times sooner than Retry-After says

    threads = [threading.Thread(target=keep_asking, args=(client,)) for client in range(arguments.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, times


def judge(reply: Reply, right: bytes) -> str:
    """Say in a word what an answer is."""
    if reply.status == 200:
        return "right" if reply.body == right else "WRONG"
    if reply.status in (429, 503):
        return "refused" if int(reply.headers.get("retry-after", 0)) >= 1 else "refused without Retry-After"
    return f"status {reply.status}"


def seconds_until_usual(target: Target, body: bytes, limit: float) -> float:
    """Return the seconds until ten answers in a row took at most `limit` ms; infinity after 60 s."""
    started_at = time.monotonic()
    while time.monotonic() - started_at < 60:
        before = time.monotonic() - started_at
        replies = [target.ask("POST", "/predict?format=mask", body) for _ in range(10)]
        if all(reply.status == 200 for reply in replies) and percentile([r.seconds for r in replies], 0.5) <= limit:
            return before
    return float("inf")
