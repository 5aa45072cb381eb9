"""`python -m bench.folders FOLDER`: how fast `model segment` is, how much memory it takes, and what kills cost.

Three trials with the shipped network on real photographs:

- rate: all images of the folder to masks and tables, against what OpenVINO's own benchmark_app says of the same file in
  throughput mode, before and after; also where its memory is in huge pages, as ours is and its own is not. They take
  turns, so that a busy machine disturbs both; on a shared one the same program differs by some hundredths from run to
  run all the same, so one round says little.
- memory: the resident set of that run, after each tenth of the images.
- kills: the process is killed at random moments, many times; then it is let through, and every byte of its output is
  held against an unbroken run.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench import benchmark_app, machine
from bench.contenders import ROOT
from model import artifact
from model.inference import engines, processors
from model.inference.batch import inputs, manifest, output

BAR = 0.9
_SECONDS = 15
_SEED = 20


def main(arguments: list[str] | None = None) -> int:
    """Run the trials and print what they saw; 1 where a bar is missed."""
    options = _parser().parse_args(arguments)
    print(f"{machine.processor()}; load {machine.load():.1f}; {artifact.read(artifact.DEFAULT_FOLDER).version}")
    with tempfile.TemporaryDirectory() as scratch:
        good = _rate(options.folder, Path(scratch), options.rounds)
        if options.kills:
            good &= _kills(options.folder, Path(scratch), options.kills, options.kill_images)
    return 0 if good else 1


def _rate(folder: Path, scratch: Path, rounds: int) -> bool:
    count = len(inputs.find([folder]))
    ratios, limits = [], [_limits()]
    for number in range(rounds):
        start = time.perf_counter()
        sizes = [*_followed(_start(folder, scratch / f"rate-{number}"))]
        rate = count / (time.perf_counter() - start)
        limits.append(_limits())
        before, after = limits[-2:]
        own, huge = (rate / statistics.mean(pair) for pair in zip(before, after, strict=True))
        ratios.append((own, huge))
        tenths = [sizes[round(share / 10 * (len(sizes) - 1))] for share in range(11)]
        print(
            f"{count} images: {rate:.1f} a second, start and tables included; benchmark_app, throughput, before and "
            f"after: {before[0]:.1f} and {after[0]:.1f}, ratio {own:.3f}; in huge pages {before[1]:.1f} and "
            f"{after[1]:.1f}, ratio {huge:.3f}; MB after each tenth of the time: "
            f"{' '.join(f'{size:.0f}' for size in tenths)}",
            flush=True,
        )
    own, huge = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"median ratio {own:.3f}, {huge:.3f} of huge pages; the bar is {BAR} of benchmark_app as it is", flush=True)
    return own >= BAR


def _limits() -> tuple[float, float]:
    """Ask benchmark_app for the images a second of the file that `auto` takes here: as it is, and in huge pages."""
    shipped = artifact.read(artifact.DEFAULT_FOLDER)
    precision = engines.suited_precision(processors.flags())
    file = str(shipped.compiled_path(precision))
    as_it_is, in_huge_pages = (
        benchmark_app.throughput(file, precision=precision, seconds=_SECONDS, huge_pages=wanted)
        for wanted in (False, True)
    )
    return as_it_is, in_huge_pages


def _kills(folder: Path, scratch: Path, kills: int, count: int) -> bool:
    """Kill runs over the first `count` images, each within the time that a part of them takes."""
    few = scratch / "few"
    few.mkdir()
    for item in inputs.find([folder])[:count]:
        (few / item.name.replace("/", "-")).write_bytes(item.read())
    unbroken, killed = scratch / "unbroken", scratch / "killed"
    start = time.perf_counter()
    _start(few, unbroken).communicate()
    whole = time.perf_counter() - start
    draw, done = random.Random(_SEED), []
    for _ in range(kills):
        process = _start(few, killed)
        # On average a kill lets through one part of as many as there are kills, behind what starting takes.
        while not (killed / output.WORK / "journal.jsonl").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 2 * whole / (kills + 2)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        journal = killed / output.WORK / "journal.jsonl"
        done.append(journal.read_bytes().count(b"\n") - 1 if journal.exists() else -1)
    _start(few, killed).communicate()
    equal = _files(killed) == _files(unbroken)
    print(
        f"{kills} kills while {count} images were segmented, with {', '.join(map(str, done))} done: "
        f"{len(_files(unbroken))} files, {'all equal to' if equal else 'NOT those of'} an unbroken run"
    )
    return equal and (killed / manifest.NAME).is_file()


def _start(folder: Path, out: Path) -> subprocess.Popen:
    words = [sys.executable, "-m", "model", "segment", str(folder), str(out), "--format", "mask"]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _followed(process: subprocess.Popen) -> Iterator[float]:
    """Yield the resident set of a process, in MB, ten times a second until it ends."""
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            yield watched.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    process.communicate()
    if process.returncode:
        raise RuntimeError(f"segment ended with {process.returncode}")


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of photographs")
    parser.add_argument("--rounds", type=int, default=3, help="of the rate")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kill-images", type=int, default=400, help="of the folder, for the kills")
    return parser


if __name__ == "__main__":
    sys.exit(main())
