"""What `python -m model prepare` takes on real data, and what its cache gives back: `python -m bench.preparation`.

Prints Markdown tables. The machine may be busy with other work: processor seconds are told beside seconds on the clock,
and the load of the minute before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from bench import machine
from bench.contenders import ROOT
from model.data.datasets import open_samples
from model.data.preparation import manifest
from model.data.samples import Sample

SIZES = ((320, 640), (256, 512))
FULL_SIZE_FRAMES = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="holds cityscapes/")
    data = parser.parse_args().data
    print(f"{machine.processor()}; commit {machine.commit()}; load {machine.load():.1f}\n")
    print("| source | cache | images | seconds | processor s | images/s | peak memory, MB | load before |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archives = pack(data / "cityscapes", folder)
        for size in SIZES:
            _row("folder, 640x320", [data / "cityscapes"], folder / "prepared", size)
            _row("two zips, 640x320", archives, folder / "prepared", size)
        _row("folder, 640x320", [data / "cityscapes"], folder / "manifest-only", None)
        large = repeat(data / "cityscapes_fullres", folder / "full.zip", FULL_SIZE_FRAMES)
        _row("zip, 2048x1024", [large], folder / "large", SIZES[0])
        _print_reading(data / "cityscapes", archives, folder)


def pack(root: Path, out: Path) -> list[Path]:
    """Pack a data set into two archives like the official ones, without compression."""
    archives = []
    for kind in ("leftImg8bit", "gtFine"):
        archives.append(out / f"{kind}_trainvaltest.zip")
        with zipfile.ZipFile(archives[-1], "w", zipfile.ZIP_STORED) as archive:
            for file in sorted((root / kind).rglob("*.*")):
                archive.write(file, file.relative_to(root))
    return archives


def repeat(root: Path, path: Path, count: int) -> Path:
    """Pack so many frames of the official size, the same few under other names, into one archive."""
    images = sorted(root.glob("leftImg8bit/train/*/*.png"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index in range(count):
            image = images[index % len(images)]
            city = image.parent.name
            mask = root / "gtFine" / "train" / city / image.name.replace("leftImg8bit", "gtFine_labelIds")
            name = f"{city}_{index:06d}_000019"
            archive.write(image, f"leftImg8bit/train/{city}/{name}_leftImg8bit.png")
            archive.write(mask, f"gtFine/train/{city}/{name}_gtFine_labelIds.png")
    return path


def _row(what: str, sources: Sequence[Path], out: Path, size: tuple[int, int] | None) -> None:
    before = machine.load()
    flags = ["--no-cache"] if size is None else ["--height", str(size[0]), "--width", str(size[1])]
    command = [sys.executable, "-m", "model", "prepare", *map(str, sources), "--out", str(out), "--anew", *flags]
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{command} ended with status {status}")
    images = len(json.loads((out / manifest.FILE).read_text("utf-8"))["samples"])
    cache = "none" if size is None else f"{size[1]}x{size[0]}"
    processor = used.ru_utime + used.ru_stime
    cells = [what, cache, images, f"{seconds:.1f}", f"{processor:.1f}", f"{images / seconds:.0f}"]
    cells += [f"{used.ru_maxrss / 1024:.0f}", f"{before:.1f}"]
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def _print_reading(root: Path, archives: Sequence[Path], folder: Path) -> None:
    """Compare the pass of one epoch over the training split: the files, the archives, the cache."""
    print("\n| samples of one epoch | processor ms/image | images/s, 1 thread | images/s, 2 threads | load before |")
    print("|---|---|---|---|---|")
    _row_quietly(archives, folder / "prepared")
    for what, data, split in (
        ("files, decoded", root, "train"),
        ("two zips, decoded", folder / "prepared", "train-original"),
        ("cache, 640x320", folder / "prepared", "train"),
    ):
        before = machine.load()
        samples = open_samples(data, split)
        # The first pass brings what it reads into the page cache, for all three alike.
        _rate(samples, 2)
        used = time.process_time()
        one = _rate(samples, 1)
        used = 1000 * (time.process_time() - used) / len(samples)
        print(f"| {what} | {used:.2f} | {one:.0f} | {_rate(samples, 2):.0f} | {before:.1f} |", flush=True)


def _row_quietly(archives: Sequence[Path], out: Path) -> None:
    command = [sys.executable, "-m", "model", "prepare", *map(str, archives), "--out", str(out), "--anew"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _rate(samples: Sequence[Sample], threads: int) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(_take, samples):
            pass
    return len(samples) / (time.perf_counter() - begun)


def _take(sample: Sample) -> tuple[np.ndarray, ...]:
    """Read a sample into memory of our own: a mapping alone reads nothing."""
    return tuple(np.array(array) for array in sample.read())


if __name__ == "__main__":
    main()
