"""`python -m bench`: measure, keep what was measured in bench/.results/, write bench/RESULTS.md and its plots of it."""

from __future__ import annotations

import argparse
import base64
import datetime
import json
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import model  # noqa: F401  keeps OpenVINO from reporting its import
from bench import machine, photographs, report
from bench.inprocess import InProcess
from bench.photographs import GENERATED, PHOTOGRAPHS, Set
from bench.trials import Bench, clients, install, rounds, stages, starting, throughput

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / ".results"
TRIALS = {
    "rounds": rounds.run,
    "clients": clients.run,
    "throughput": throughput.run,
    "starting": starting.run,
    "stages": stages.run,
    "install": install.run,
}
# Those that are run on the generated streets too when there are photographs.
TWICE = {"rounds"}
COUNT, QUICK_COUNT = 6, 3


def main(arguments: list[str] | None = None) -> int:
    """Run the trials that were asked for, and write the report of all that is there."""
    options = _parser().parse_args(arguments)
    try:
        if not options.report:
            measure(options)
    except KeyboardInterrupt:
        print(
            "\nStopped, and everything that was started too. What was measured is kept: --resume goes on.",
            file=sys.stderr,
        )
        return 130
    except (RuntimeError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    kept = read_results(options.results)
    if GENERATED not in kept and PHOTOGRAPHS not in kept:
        print(f"bench: no results in {options.results}. Run it without --report first.", file=sys.stderr)
        return 1
    # Only the report needs it, and only bench/requirements.txt brings what it draws with.
    from bench import plots

    options.output.mkdir(parents=True, exist_ok=True)
    plots.write(kept, options.output)
    (options.output / "RESULTS.md").write_text(report.write(kept), "utf-8")
    print(report.bars_as_text(kept))
    print(f"\nWritten: {options.output / 'RESULTS.md'}")
    return 0


def measure(options: argparse.Namespace) -> None:
    """Run trials and keep each one's result as soon as it is there."""
    # A stopped bench stops what it has started: each `with` block does so on its way out.
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    count = QUICK_COUNT if options.quick else COUNT
    sets = [photographs.generated(count)]
    if options.photos:
        sets.insert(0, photographs.folder(options.photos, count))
    for number, pictures in enumerate(sets):
        wanted = [name for name in options.only or TRIALS if number == 0 or name in TWICE]
        missing = [name for name in wanted if not (options.resume and _path(options.results, pictures, name).is_file())]
        if not missing:
            continue
        bench = Bench(pictures, _references(pictures), options.results, options.quick)
        for name in missing:
            bench.say(f"{name}, {pictures.what}")
            _keep(_path(options.results, pictures, name), pictures, TRIALS[name], bench)


def read_results(folder: Path) -> dict[str, dict[str, dict]]:
    """Return what was kept: by set of photographs, by trial, `about` and `result`."""
    kept: dict[str, dict[str, dict]] = {}
    for name in (PHOTOGRAPHS, GENERATED):
        for path in sorted((folder / name).glob("*.json")):
            kept.setdefault(name, {})[path.stem] = json.loads(path.read_text("utf-8"))
    return kept


def _keep(path: Path, pictures: Set, trial, bench: Bench) -> None:
    about = {
        "date": datetime.date.today().isoformat(),
        "commit": machine.commit(),
        "load": machine.load(),
        "pictures": pictures.what,
        "machine": machine.describe(),
        "quick": bench.quick,
    }
    started = time.monotonic()
    result = trial(bench)
    about["seconds"] = time.monotonic() - started
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"about": about, "result": result}), "utf-8")
    partial.replace(path)


def _references(pictures: Set) -> list[np.ndarray]:
    with InProcess(pictures.files, precision="f32") as inside:
        files = [base64.b64decode(overlay) for overlay in inside.about["overlays"]]
    return [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) for file in files]


def _path(results: Path, pictures: Set, trial: str) -> Path:
    return results / pictures.name / f"{trial}.json"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure this service beside others.")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="real photographs; without, generated streets")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: some minutes, and wider spreads")
    parser.add_argument("--only", nargs="+", choices=TRIALS, metavar="TRIAL", help=f"of {', '.join(TRIALS)}")
    parser.add_argument("--resume", action="store_true", help="leave out trials that have a result")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report of what is kept")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where results are kept")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="DIR", help="where the report is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
