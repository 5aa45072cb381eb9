"""One client, side by side: each service answers every photograph, then OpenVINO and the codecs alone; round by round.

All stay started, and each is idle while another is measured; how idle, is measured too. The order turns round after
each round. Ratios are taken within a round, so what else the machine does in that round hits both.
"""

from __future__ import annotations

from contextlib import ExitStack

from bench import benchmark_app
from bench.contenders import STREETSEG, STREETSEG_F32, STREETSEG_TENSORFLOW, TUTORIAL
from bench.inprocess import InProcess
from bench.services import Service
from bench.trials import Bench

CONTENDERS = (STREETSEG, STREETSEG_F32, STREETSEG_TENSORFLOW, TUTORIAL)
WARM_UP = 4
ROUNDS, QUICK_ROUNDS = 10, 3
NETWORK_SECONDS, QUICK_NETWORK_SECONDS = 3, 1


def run(bench: Bench) -> dict:
    """Measure.

    Returns:
        `services`: by name, `overlay` and `json`, each with milliseconds and `timings` of every answer by round, and
        `idle`, `equal`, `errors`, `different`; `network`: milliseconds by round, `benchmark_app`: its median by round;
        `codecs`: by round; `about`: the network's file, precision and threads.
    """
    rounds = QUICK_ROUNDS if bench.quick else ROUNDS
    with ExitStack() as stack:
        services = {each.name: stack.enter_context(bench.start(each)) for each in CONTENDERS}
        for service in services.values():
            service.wait()
        inside = stack.enter_context(InProcess(bench.pictures.files, precision="auto"))
        seen = {name: _settle(bench, service) for name, service in services.items()}
        alone = {"network": [], "benchmark_app": [], "codecs": []}
        for number in range(rounds):
            bench.say(f"  round {number + 1} of {rounds}")
            turns = [*services, "alone"]
            for name in turns if number % 2 == 0 else turns[::-1]:
                if name == "alone":
                    _alone(bench, inside, alone, slow=number == 0)
                else:
                    _visit(bench, services[name], seen[name])
        about = {key: value for key, value in inside.about.items() if key != "overlays"}
    return {"services": seen, **alone, "about": about}


def _settle(bench: Bench, service: Service) -> dict:
    warm = bench.drive(service, warm_up=WARM_UP, requests=len(bench.pictures.files))
    bench.drive(service, json_answer=True, warm_up=1, requests=2)
    return {
        "overlay": {"milliseconds": [], "timings": []},
        "json": {"milliseconds": [], "timings": []},
        "equal": warm["equal"],
        "errors": warm["errors"],
        "different": warm["different"],
        "idle": service.idle_share(),
    }


def _visit(bench: Bench, service: Service, seen: dict) -> None:
    for kind in ("overlay", "json"):
        # One unmeasured answer, because another service has just had the processor's caches.
        result = bench.drive(service, json_answer=kind == "json", warm_up=1, requests=len(bench.pictures.files))
        seen[kind]["milliseconds"].append(result["milliseconds"])
        seen[kind]["timings"].append(result["timings"])
        seen["errors"] += result["errors"]
        seen["different"] += result["different"]


def _alone(bench: Bench, inside: InProcess, alone: dict, *, slow: bool) -> None:
    seconds, about = QUICK_NETWORK_SECONDS if bench.quick else NETWORK_SECONDS, inside.about
    inside.ask(network=0.3)
    alone["network"].append(inside.ask(network=seconds)["milliseconds"])
    options = {"precision": about["precision"], "threads": about["threads"], "seconds": seconds}
    alone["benchmark_app"].append(benchmark_app.median(about["file"], **options))
    inside.ask(slow=False)
    alone["codecs"].append(inside.ask(slow=slow))
