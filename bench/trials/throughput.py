"""Eight clients at once: each service alone on the machine, started and stopped, all of them in turns.

First each framework is tried with one process and with two; it goes on with what answers more in a second. Then all
take turns, forwards and backwards, and ratios are taken within a turn.
"""

from __future__ import annotations

from bench import figures
from bench.contenders import FRAMEWORKS, STREETSEG, TUTORIAL, Contender
from bench.trials import Bench

CLIENTS = 8
WORKERS = (1, 2)
TURNS, QUICK_TURNS = 3, 1
SECONDS, QUICK_SECONDS = 12.0, 6.0


def run(bench: Bench) -> dict:
    """Measure.

    Returns:
        `tried`: by framework and number of processes, answers per second; `workers`: what was taken; `services`: by
        name, one entry for each turn with `per_second`, `milliseconds`, `alone` (one client's), `ready` (seconds to
        the first 200), `idle`, `rss` and `pss` in MB, `equal`, `errors`.
    """
    tried = {each.name: {} for each in FRAMEWORKS}
    for each in FRAMEWORKS:
        for workers in WORKERS:
            visit = _visit(bench, each.with_workers(workers), seconds=QUICK_SECONDS)
            tried[each.name][str(workers)] = visit["per_second"]
    workers = {name: max(rates, key=rates.get) for name, rates in tried.items()}
    contenders = [STREETSEG, TUTORIAL, *(each.with_workers(int(workers[each.name])) for each in FRAMEWORKS)]
    services = {each.name: [] for each in contenders}
    for turn in range(QUICK_TURNS if bench.quick else TURNS):
        for each in contenders if turn % 2 == 0 else contenders[::-1]:
            services[each.name].append(_visit(bench, each, seconds=QUICK_SECONDS if bench.quick else SECONDS))
    return {"tried": tried, "workers": workers, "services": services}


def _visit(bench: Bench, contender: Contender, *, seconds: float) -> dict:
    with bench.start(contender) as service:
        ready = service.wait()
        # Each process, and each of its threads, has its first answer behind it then.
        bench.drive(service, clients=4, warm_up=1, requests=2)
        alone = bench.drive(service, warm_up=1, requests=len(bench.pictures.files))
        together = bench.drive(service, clients=CLIENTS, warm_up=1, seconds=seconds)
        memory, idle = service.memory(), service.idle_share()
    per_second = figures.throughput(together["ended"], together["seconds"])
    workers = f", {contender.workers} processes" if contender.workers else ""
    bench.say(f"  {contender.name}{workers}: {per_second:.1f} a second")
    return {
        "per_second": per_second,
        "milliseconds": together["milliseconds"],
        "alone": alone["milliseconds"],
        "equal": alone["equal"],
        "errors": alone["errors"] + together["errors"],
        "ready": ready,
        "idle": idle,
        **memory._asdict(),
    }
