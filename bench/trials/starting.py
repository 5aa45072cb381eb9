"""How long each engine takes from the start of the process to its first answer; its memory after 1,000 answers."""

from __future__ import annotations

from bench.contenders import STREETSEG, STREETSEG_TENSORFLOW
from bench.trials import Bench

CONTENDERS = (STREETSEG, STREETSEG_TENSORFLOW)
STARTS, QUICK_STARTS = 5, 2
REQUESTS, QUICK_REQUESTS = 1000, 100
CLIENTS = 4


def run(bench: Bench) -> dict:
    """Measure; the engines start in turns, and answer the many requests after their last start.

    Returns:
        By name: `ready`, seconds to the first 200 of /readyz, and `first`, ms of the first answer after it, of each
        start; `requests`, how many were answered then; `rss` and `pss` in MB; `errors`.
    """
    seen = {each.name: {"ready": [], "first": [], "errors": []} for each in CONTENDERS}
    starts = QUICK_STARTS if bench.quick else STARTS
    for number in range(starts):
        for each in CONTENDERS if number % 2 == 0 else CONTENDERS[::-1]:
            with bench.start(each) as service:
                seen[each.name]["ready"].append(service.wait())
                first = bench.drive(service, warm_up=0, requests=1)
                seen[each.name]["first"] += first["milliseconds"]
                seen[each.name]["errors"] += first["errors"]
                if number == starts - 1:
                    seen[each.name] |= _work(bench, service, seen[each.name]["errors"])
        bench.say(f"  start {number + 1} of {starts}")
    return seen


def _work(bench: Bench, service, errors: list[str]) -> dict:
    requests = QUICK_REQUESTS if bench.quick else REQUESTS
    result = bench.drive(service, clients=CLIENTS, warm_up=0, requests=requests // CLIENTS)
    return {
        "requests": len(result["milliseconds"]) + 1,
        "errors": errors + result["errors"],
        **service.memory()._asdict(),
    }
