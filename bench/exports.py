"""What an image costs in each exported format: `python -m bench.exports` prints a table of sizes and milliseconds.

Copies the artifact, exports what can be exported without data (an int8 file that it has already is run too), and lets
all formats answer the same image in turns, each in its own runtime on all processors, as `export` checks them. Pixels
to probabilities: neither decoding nor enlarging is in it. Beside the clock's median stands that of the time that
processors worked, all of them together, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import machine
from model import artifact as artifacts
from model.artifact import Artifact
from model.data import synthetic
from model.inference.contract import EngineError
from model.training.exporting.checks import Reference
from model.training.exporting.formats import FORMATS
from model.training.exporting.making import Format, make
from model.training.exporting.placing import parts


def main(arguments: list[str] | None = None) -> int:
    """Export, measure and print."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        artifact = artifacts.read(shutil.copytree(options.artifact, Path(folder) / "artifact"))
        reference = Reference(artifact)
        runs = {"keras": lambda images: reference.network((images.astype(np.float32) - mean) / std).numpy()}
        mean, std = artifact.normalisation["mean"], artifact.normalisation["std"]
        sizes = {"keras": artifact.keras_path.stat().st_size}
        for name, form in FORMATS.items():
            path = _made(form, reference)
            if path is not None and (run := _opened(form, path, artifact)) is not None:
                runs[name], sizes[name] = run, sum(part.stat().st_size for part in parts(path))
        times = _milliseconds(runs, artifact.size, options.rounds)
    height, width = artifact.size
    print(f"{artifact.version} at {width}x{height}; {machine.processor()}; load {machine.load():.1f}\n")
    print("| format | runtime | MB | ms, median | fastest | processors' ms, median |\n|---|---|---|---|---|---|")
    for name, found in times.items():
        runtime = FORMATS[name].runtime if name in FORMATS else "tensorflow, eager"
        clock, worked = ([pair[which] for pair in found] for which in (0, 1))
        figures = f"{statistics.median(clock):.1f} | {min(clock):.1f} | {statistics.median(worked):.1f}"
        print(f"| {name} | {runtime} | {sizes[name] / 1e6:.1f} | {figures} |")
    return 0


def _made(form: Format, reference: Reference) -> Path | None:
    if form.name in ("bfloat16", "int8"):
        path = reference.artifact.compiled_path("int8" if form.name == "int8" else "bf16")
        return path if path.is_file() else None
    return make(form, reference).path


def _opened(form: Format, path: Path, artifact: Artifact) -> Callable | None:
    try:
        return form.load(path, artifact)
    except EngineError as error:
        print(f"{form.name} is left out: {error}", file=sys.stderr)
        return None


def _milliseconds(
    runs: dict[str, Callable], size: tuple[int, int], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    images = synthetic.scene(1, size=size)[0][np.newaxis]
    for run in runs.values():
        run(images)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            starts = time.perf_counter(), time.process_time()
            run(images)
            times[name].append(tuple(1000 * np.subtract((time.perf_counter(), time.process_time()), starts)))
    return times


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--artifact", type=Path, default=artifacts.DEFAULT_FOLDER, help="folder of the network")
    parser.add_argument("--rounds", type=int, default=30, help="how often each format answers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
