"""`python -m bench.cluster FOLDER`: what `model segment --ray` costs beside one process, and what more workers give.

The same photographs go through one process with all processors, through a Ray cluster on this machine with one worker,
and through one with two. Rates are those between the first tenth and the last tenth of the answers, by the dates of
their files, so that neither starting nor ending counts; both are told apart from them. The files are compared.

The process that asks hands out images and writes the manifest: what it computes for an image, over and above what it
computes for none, is a limit that no worker lifts. For 100 workers that gives an expectation, which is a calculation:
nothing here has 100 processors.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from bench import machine
from bench.contenders import ROOT
from model import artifact
from model.inference.batch import inputs

MANY_WORKERS, MANY_IMAGES = 100, 40_000


class Run(NamedTuple):
    """What a run took: seconds, seconds until its first answer, answers a second, seconds of its own processor time."""

    seconds: float
    first: float
    rate: float
    own: float


def main(arguments: list[str] | None = None) -> int:
    """Run them, print a row for each and what follows for many workers; 1 where files differ."""
    options = _parser().parse_args(arguments)
    print(f"{machine.processor()}; load {machine.load():.1f}; {artifact.read(artifact.DEFAULT_FOLDER).version}")
    with tempfile.TemporaryDirectory() as scratch:
        few, half = Path(scratch) / "few", Path(scratch) / "half"
        for number, item in enumerate(inputs.find([options.folder])[: options.images]):
            for folder in (few, half) if number % 2 else (few,):
                folder.mkdir(exist_ok=True)
                (folder / f"{number:05}{Path(item.name).suffix}").write_bytes(item.read())
        count = len(inputs.find([few]))
        found = {}
        for name, folder, words in (
            ("one process", few, []),
            ("1 worker", few, ["--ray", "local", "--jobs", "1"]),
            ("2 workers, half", half, ["--ray", "local", "--jobs", "2"]),
            ("2 workers", few, ["--ray", "local", "--jobs", "2"]),
        ):
            run = found[name] = _run(folder, Path(scratch) / name.replace(" ", "-"), words)
            print(
                f"{name}: {run.seconds:.1f} s for {len(inputs.find([folder]))} images, {run.first:.1f} s until the "
                f"first answer, then {run.rate:.2f} a second; {run.own:.1f} s of its own processor time",
                flush=True,
            )
        alone = _files(Path(scratch) / "one-process")
        same = all(_files(Path(scratch) / name) == alone for name in ("1-worker", "2-workers"))
    print(f"{len(alone)} files, {'the same from all' if same else 'NOT the same'}")
    _expect(found, count)
    return 0 if same else 1


def _expect(found: dict[str, Run], count: int) -> None:
    one, two, half = found["1 worker"], found["2 workers"], found["2 workers, half"]
    own = max((two.own - half.own) / (count - count // 2), 1e-6)
    print(
        f"2 workers do {two.rate / found['one process'].rate:.2f} of one process, {two.rate / one.rate:.2f} of 1 worker"
        f"; the process that asks computes {1000 * own:.2f} ms an image: {1 / own:.0f} images a second at most"
    )
    rate = min(MANY_WORKERS * one.rate, 1 / own)
    print(
        f"Calculated, for {MANY_WORKERS} workers with a processor each: {rate:.0f} a second, {MANY_IMAGES:,} images in "
        f"{two.first + MANY_IMAGES / rate:.0f} s, {two.first:.0f} s of it until the first answer"
    )


def _run(folder: Path, out: Path, words: list[str]) -> Run:
    command = [sys.executable, "-m", "model", "segment", str(folder), str(out), "--format", "mask", *words]
    began, start, own = time.time(), time.perf_counter(), 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                used = watched.cpu_times()
            except psutil.NoSuchProcess:
                break
            own = used.user + used.system
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        said = process.stderr.read()
    if process.returncode:
        raise RuntimeError(f"segment ended with {process.returncode}: {said[-2000:]}")
    dates = np.sort([path.stat().st_mtime for path in (out / "mask").rglob("*.png")])
    tenth = max(1, len(dates) // 10)
    inner = dates[tenth:-tenth]
    return Run(seconds, float(dates[0] - began), (len(inner) - 1) / float(inner[-1] - inner[0]), own)


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of photographs")
    parser.add_argument("--images", type=int, default=600, help="of the folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
