"""This service with 1, 2, 4, 8 and 32 clients at once: answers per second, latency, and refusals."""

from __future__ import annotations

from bench import figures
from bench.contenders import STREETSEG
from bench.trials import Bench

CLIENTS = (1, 2, 4, 8, 32)
PASSES, QUICK_PASSES = 2, 1
SECONDS, QUICK_SECONDS = 10.0, 5.0
# p99 needs hundreds of answers.
LONGER = 3


def run(bench: Bench) -> dict:
    """Measure, with more and more clients and then with fewer and fewer.

    Returns:
        By number of clients, one entry for each pass: `per_second`, `milliseconds`, `errors`.
    """
    seen = {str(clients): [] for clients in CLIENTS}
    with bench.start(STREETSEG) as service:
        service.wait()
        bench.drive(service, clients=4, warm_up=2, requests=2)
        for number in range(QUICK_PASSES if bench.quick else PASSES):
            for clients in CLIENTS if number % 2 == 0 else CLIENTS[::-1]:
                seconds = QUICK_SECONDS if bench.quick else SECONDS
                seconds *= LONGER if clients == max(CLIENTS) else 1
                result = bench.drive(service, clients=clients, warm_up=1, seconds=seconds)
                per_second = figures.throughput(result["ended"], result["seconds"])
                bench.say(f"  {clients} clients: {per_second:.1f} a second, {len(result['errors'])} errors")
                entry = {"per_second": per_second, "milliseconds": result["milliseconds"], "errors": result["errors"]}
                seen[str(clients)].append(entry)
    return seen
