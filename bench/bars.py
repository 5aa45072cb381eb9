"""What must be shown, and whether it was: one line for each bar, from what the trials kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench import figures
from bench.contenders import FRAMEWORKS, STREETSEG, STREETSEG_TENSORFLOW, TUTORIAL
from bench.figures import Spread

# Our own encoder and decoder are in the table of codecs, but are no limit to hold ourselves against.
OURS = STREETSEG.name


class Bar(NamedTuple):
    """A bar and what was measured.

    Attributes:
        what: is compared.
        bar: in words.
        measured: in words, with spread.
        reached: whether.
    """

    what: str
    bar: str
    measured: str
    reached: bool


class Fastest(NamedTuple):
    """The fastest libraries of a round, and their milliseconds together."""

    decoder: str
    encoder: str
    total: float


def at_least(what: str, bar: float, values: list[float], unit: str = " times") -> Bar:
    """Return a bar for ratios whose median must not be lower."""
    found = figures.spread(values)
    return Bar(what, f"at least {bar:g}{unit}", spread_words(found) + unit, found.median >= bar)


def at_most(what: str, bar: float, values: list[float], unit: str = " times") -> Bar:
    """Return a bar for ratios whose median must not be higher."""
    found = figures.spread(values)
    return Bar(what, f"at most {bar:g}{unit}", spread_words(found) + unit, found.median <= bar)


def of_rounds(result: dict) -> list[Bar]:
    """One client: overlay, JSON, network stage, and the rest."""
    ours, tutorial = (result["services"][each.name] for each in (STREETSEG, TUTORIAL))
    overlay, answer = (
        figures.ratios(tutorial[kind]["milliseconds"], ours[kind]["milliseconds"]) for kind in ("overlay", "json")
    )
    served = figures.ratios(stage(ours, "network"), [[each] for each in result["benchmark_app"]])
    rest = [
        float(np.median(each)) / fastest(codecs).total
        for each, codecs in zip(besides_network(ours), result["codecs"], strict=True)
    ]
    return [
        at_least("JPEG to overlay PNG, one client, against the tutorial service", 15, overlay),
        at_least("JPEG to JSON with mask, one client, against the tutorial service's JSON", 8, answer),
        at_most("network stage of requests against `benchmark_app`, same file and threads", 1.10, served),
        at_most("everything but the network stage against the fastest decode + encode alone", 1.5, rest),
    ]


def of_throughput(result: dict) -> list[Bar]:
    """Eight clients, against the best of the frameworks in each turn."""
    rates = {name: [visit["per_second"] for visit in visits] for name, visits in result["services"].items()}
    best = [max(turn) for turn in zip(*(rates[each.name] for each in FRAMEWORKS), strict=True)]
    ratios = [ours / other for ours, other in zip(rates[STREETSEG.name], best, strict=True)]
    return [at_least("answers per second at 8 clients against the best framework", 4, ratios)]


def of_clients(result: dict) -> list[Bar]:
    """32 clients: errors, and p99 against queueing."""
    passes = result["32"]
    errors = sum(len(each["errors"]) for each in passes)
    answers = sum(len(each["milliseconds"]) for each in passes)
    p99 = [figures.percentile(each["milliseconds"], 99) / figures.queueing(32, each["per_second"]) for each in passes]
    return [
        Bar("32 clients: errors", "none", f"{errors} of {answers + errors:,}", errors == 0),
        at_most("32 clients: p99 against what queueing alone explains", 1.3, p99),
    ]


def of_starting(result: dict) -> list[Bar]:
    """Against the other engine: start, memory."""
    ours, other = (result[each.name] for each in (STREETSEG, STREETSEG_TENSORFLOW))
    ready = [slow / fast for slow, fast in zip(other["ready"], ours["ready"], strict=True)]
    what = f"resident memory after {ours['requests']:,} requests against the TensorFlow engine"
    return [
        at_least("process start to ready against the TensorFlow engine", 5, ready),
        at_least(what, 2.5, [other["rss"] / ours["rss"]], " times smaller"),
    ]


def of_install(result: dict) -> list[Bar]:
    """The size of the serving install."""
    size = result["apparent"]
    return [Bar("install of `requirements-serve.txt`", "under 450 MB", f"{size:.0f} MB", size < 450)]


BARS = {
    "rounds": of_rounds,
    "throughput": of_throughput,
    "clients": of_clients,
    "starting": of_starting,
    "install": of_install,
}


def all_bars(trials: dict[str, dict]) -> list[Bar]:
    """Return the bars of every trial that was kept, in order."""
    return [bar for name, make in BARS.items() if name in trials for bar in make(trials[name]["result"])]


def stage(service: dict, name: str) -> list[list[float]]:
    """Return one stage of Server-Timing, of every overlay answer by round, in ms."""
    return [[timings[name] for timings in each] for each in service["overlay"]["timings"]]


def besides_network(service: dict) -> list[list[float]]:
    """Return what the client waited for an overlay less the network stage of that request, by round, in ms."""
    waited, network = service["overlay"]["milliseconds"], stage(service, "network")
    return [[a - b for a, b in zip(*each, strict=True)] for each in zip(waited, network, strict=True)]


def fastest(codecs: dict[str, dict[str, list[float]]]) -> Fastest:
    """Return the libraries whose median over the photographs is lowest.

    Args:
        codecs: milliseconds by photograph, by candidate, for "decode" and for "encode".
    """
    best, total = [], 0.0
    for step in ("decode", "encode"):
        medians = {name: float(np.median(times)) for name, times in codecs[step].items() if name != OURS}
        best.append(min(medians, key=medians.get))
        total += medians[best[-1]]
    return Fastest(*best, total)


def spread_words(found: Spread, digits: int = 2) -> str:
    """Return `median (lower to upper quartile)`."""
    return f"{found.median:.{digits}f} ({found.lower:.{digits}f} to {found.upper:.{digits}f})"
