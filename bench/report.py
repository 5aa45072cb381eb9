"""bench/RESULTS.md, from what the trials kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bench import bars, figures
from bench.bars import spread_words
from bench.contenders import ALL, FRAMEWORKS, STREETSEG, STREETSEG_TENSORFLOW
from bench.figures import spread
from bench.photographs import GENERATED, PHOTOGRAPHS

STAGES = ("decode", "queue", "resize", "network", "labels", "render", "total")
HOW = """\
- Every service runs the same `unet.keras` (this one: the files made of it) and answers the same JPEG files with the
  same overlay PNG at full size, driven on 127.0.0.1 from another process over kept connections, body `image/jpeg`
  (LitServe, which takes no such body: a form). Every answer is checked: status, first and last bytes of the PNG, size.
  How many pixels are, up to rounding, what this service's float32 network draws is in the tables: of the photograph
  for which that share is least.
- One client: all services of the table stay started and take turns, photograph by photograph, the order turned round
  after each round; one unmeasured answer before each turn. Ratios are taken within a round.
- Eight clients: each service alone on the machine, started and stopped, order turned round after each turn; every
  client sends its next photograph when its answer is complete; answers count that end within the time. The driver
  shares the processors.
- Each framework with one process and with two, the threads of TensorFlow and OpenCV shared out so that they fill the
  processors; the better one takes part. Settings and code: `bench/contenders/`.
- The fastest decode + encode is taken round by round among libraries, of one call each; ours is beside them, not
  among them.
- Medians with lower and upper quartile in brackets. Nobody's telemetry is on."""


def write(kept: dict[str, dict[str, dict]]) -> str:
    """Return the report.

    Args:
        kept: by set of photographs, by trial, `about` and `result`.
    """
    main = PHOTOGRAPHS if PHOTOGRAPHS in kept else GENERATED
    trials = kept[main]
    about = next(iter(trials.values()))["about"]
    parts = ["# Measurements", "", *_head(kept), "", *_bars(kept), ""]
    for name in (PHOTOGRAPHS, GENERATED):
        if "rounds" in kept.get(name, {}):
            parts += [f"## One client, {name}", "", *_rounds(kept[name]["rounds"]), ""]
    for trial, title, section in _SECTIONS:
        if trial in trials:
            parts += [f"## {title}", "", *section(trials[trial]["result"]), ""]
    parts += ["## How", "", HOW, "", *(f"- {topic}: {words}" for topic, words in about["machine"].items()), ""]
    return "\n".join(parts)


def bars_as_text(kept: dict[str, dict[str, dict]]) -> str:
    """Return the bars as lines for a terminal."""
    return "\n".join(
        f"{'+' if bar.reached else '-'} {bar.what}: {bar.measured} (bar: {bar.bar}; {name})"
        for name, trials in kept.items()
        for bar in bars.all_bars(trials)
    )


def _head(kept: dict[str, dict[str, dict]]) -> list[str]:
    lines = ["`make bench` measures this and writes this file (`PHOTOS=folder` for photographs of your own).", ""]
    for name, trials in kept.items():
        taken = [each["about"] for each in trials.values()]
        dates = " and ".join(sorted({each["date"] for each in taken}))
        commits = " and ".join(sorted({each["commit"] for each in taken}))
        quick = ", quick" if any(each["quick"] for each in taken) else ""
        minutes = sum(each["seconds"] for each in taken) / 60
        lines.append(
            f"- {name}: {taken[0]['pictures']}; {dates}, commit {commits}{quick}; {minutes:.0f} minutes, load before a "
            f"trial {max(each['load'] for each in taken):.1f} at most"
        )
    return [*lines, f"- machine: {taken[0]['machine']['Processor']}, {taken[0]['machine']['Memory']}"]


def _bars(kept: dict[str, dict[str, dict]]) -> list[str]:
    rows = []
    for name, trials in kept.items():
        rows += [
            [bar.what, bar.bar, bar.measured, "yes" if bar.reached else "**no**", name] for bar in bars.all_bars(trials)
        ]
    return [
        *table(["what", "bar", "measured", "reached", "with"], rows),
        "",
        "![Latency of one client, by service](latency.svg)",
        "",
        "![Overlays a second with eight clients, by service](throughput.svg)",
    ]


def _rounds(trial: dict) -> list[str]:
    result, services = trial["result"], trial["result"]["services"]
    tutorial = services["tutorial"]
    rows = []
    for each in ALL:
        if each.name not in services:
            continue
        seen = services[each.name]
        cells = [each.name, each.what]
        for kind in ("overlay", "json"):
            taken = seen[kind]["milliseconds"]
            ratio = spread(figures.ratios(tutorial[kind]["milliseconds"], taken)).median
            cells += [spread_words(spread(figures.flatten(taken)), 1), f"{ratio:.1f}"]
        # An answer that is not the one from before is an error as well.
        errors = len(seen["errors"]) + seen["different"]
        rows.append([*cells, f"{min(seen['equal']):.3%}", str(errors), f"{seen['idle']:.1%}"])
    head = ["service", "", "overlay, ms", "tutorial / it", "JSON, ms", "tutorial / it", "same pixels", "errors", "idle"]
    return [*table(head, rows), "", *_stages(services), "", *_network(result), "", *_codecs(result)]


def _stages(services: dict) -> list[str]:
    head = ["service", *STAGES, "client"]
    rows = []
    for name, seen in services.items():
        timings = figures.flatten(seen["overlay"]["timings"])
        if timings and timings[0]:
            medians = [float(np.median([each.get(stage, 0.0) for each in timings])) for stage in STAGES]
            client = float(np.median(figures.flatten(seen["overlay"]["milliseconds"])))
            rows.append([name, *(f"{value:.1f}" for value in (*medians, client))])
    return [
        "Where an overlay's time goes: medians in ms, from Server-Timing, and what the client saw.",
        "",
        *table(head, rows),
    ]


def _network(result: dict) -> list[str]:
    about, served = result["about"], bars.stage(result["services"][STREETSEG.name], "network")
    alone, limit = result["network"], [[each] for each in result["benchmark_app"]]
    rows = [
        ["requests, one client", spread_words(spread(figures.flatten(served)), 1), _ratio(served, limit)],
        [
            "the same engine without HTTP, in a loop",
            spread_words(spread(figures.flatten(alone)), 1),
            _ratio(alone, limit),
        ],
        ["`benchmark_app -api sync`, its median", spread_words(spread(result["benchmark_app"]), 1), ""],
    ]
    size = f"{about['size'][0]} x {about['size'][1]}"
    head = [f"network, {about['precision']}, {size}, {about['threads']} threads", "ms", "against `benchmark_app`"]
    return table(head, rows)


def _codecs(result: dict) -> list[str]:
    taken, sizes = result["codecs"], result["about"]["bytes"]
    rows = []
    for step in ("decode", "encode"):
        for name in taken[0][step]:
            times = [time for each in taken for time in each[step].get(name, [])]
            size = f"{sizes[name] / 1000:,.0f}" if step == "encode" else ""
            rows.append([f"{step}: {name}", spread_words(spread(times), 1), size])
    best = [bars.fastest(each) for each in taken]
    rest = figures.flatten(bars.besides_network(result["services"][STREETSEG.name]))
    words = f"Fastest decode + encode: {spread_words(spread([each.total for each in best]), 1)} ms "
    words += f"({best[0].decoder}, {best[0].encoder}). Everything but the network stage, seen by the client: "
    return [*table(["", "ms", "kB"], rows), "", f"{words}{spread_words(spread(rest), 1)} ms."]


def _throughput(result: dict) -> list[str]:
    rows = []
    for name, visits in result["services"].items():
        times = figures.flatten([visit["milliseconds"] for visit in visits])
        errors = sum(len(visit["errors"]) for visit in visits)
        row = [
            name,
            result["workers"].get(name, ""),
            spread_words(spread([visit["per_second"] for visit in visits]), 1),
        ]
        row += [f"{figures.percentile(times, share):.0f}" for share in (50, 90, 99)]
        row.append(spread_words(spread(figures.flatten([visit["alone"] for visit in visits])), 0))
        row += [
            f"{np.median([visit[key] for visit in visits]):.{digits}f}"
            for key, digits in (("ready", 1), ("rss", 0), ("pss", 0))
        ]
        rows.append([*row, f"{min(min(visit['equal']) for visit in visits):.3%}", str(errors)])
    head = [
        "service",
        "processes",
        "a second",
        "p50, ms",
        "p90",
        "p99",
        "one client, ms",
        "ready, s",
        "RSS, MB",
        "PSS, MB",
    ]
    tried = "; ".join(
        f"{each.name} {', '.join(f'{workers}: {rate:.1f}' for workers, rate in result['tried'][each.name].items())}"
        for each in FRAMEWORKS
    )
    words = f"Answers a second with one process and with two, tried first: {tried}."
    return [*table([*head, "same pixels", "errors"], rows), "", words]


def _clients(result: dict) -> list[str]:
    rows = []
    for clients, passes in result.items():
        times = figures.flatten([each["milliseconds"] for each in passes])
        rate = spread([each["per_second"] for each in passes])
        queue = figures.queueing(int(clients), rate.median)
        row = [clients, spread_words(rate, 1), *(f"{figures.percentile(times, share):.0f}" for share in (50, 90, 99))]
        rows.append([*row, f"{queue:.0f}", str(len(times)), str(sum(len(each["errors"]) for each in passes))])
    return [
        *table(["clients", "a second", "p50, ms", "p90", "p99", "queueing alone, ms", "answers", "errors"], rows),
        "",
        "Queueing alone: clients / throughput (Little's law), the mean latency where each client always waits.",
    ]


def _costs(result: dict) -> list[str]:
    overlays, about = result["overlays"], result["about"]
    rows = [[stage, *_spreads([each[stage] for each in overlays])] for stage in overlays[0]]
    sums = np.sum([list(each.values()) for each in overlays], axis=1)
    rows.append(["all", *_spreads(sums)])
    most = about["threads"] * 1000 / spread(sums[:, 1]).median
    words = (
        f"Overlays one after the other in one process, network in {about['precision']} on {about['threads']} threads. "
    )
    words += f"On {about['threads']} processors that allows {most:.1f} a second at most, HTTP and clients not counted."
    return [*table(["stage", "ms", "ms of all processors"], rows), "", words]


def _spreads(pairs: Sequence[Sequence[float]]) -> list[str]:
    return [spread_words(spread([pair[column] for pair in pairs]), 1) for column in (0, 1)]


def _starting(result: dict) -> list[str]:
    rows = []
    for each in (STREETSEG, STREETSEG_TENSORFLOW):
        seen = result[each.name]
        row = [each.name, spread_words(spread(seen["ready"])), spread_words(spread(seen["first"]), 0)]
        rows.append(
            [*row, f"{seen['rss']:.0f}", f"{seen['pss']:.0f}", f"{seen['requests']:,}", str(len(seen["errors"]))]
        )
    head = ["service", "start to ready, s", "first overlay then, ms", "RSS, MB", "PSS, MB", "after requests", "errors"]
    return table(head, rows)


def _install(result: dict) -> list[str]:
    largest = ", ".join(f"{name} {size:.0f}" for name, size in result["largest"].items())
    words = f"`pip install --target` of requirements-serve.txt: {result['apparent']:.0f} MB of files, "
    return [f"{words}{result['blocks']:.0f} MB on this disk (MB = 1,000,000 bytes). Largest: {largest}."]


_SECTIONS = (
    ("throughput", "Eight clients", _throughput),
    ("clients", "This service with more and more clients", _clients),
    ("stages", "What an overlay costs, by stage", _costs),
    ("starting", "Start and memory, by engine", _starting),
    ("install", "Install", _install),
)


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Lay out a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join('---' for _ in head)}|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _ratio(one: list[list[float]], other: list[list[float]]) -> str:
    return spread_words(spread(figures.ratios(one, other)))
