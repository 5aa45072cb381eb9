"""How long one photograph takes, stage by stage, on each engine: `python bench/engines.py --write bench/RESULTS.md`.

A generated street, as a JPEG in memory, goes the way of a request: decode, network, labels, render. Both engines live
in one process and take turns, the one that begins changing from run to run, so whatever else the machine does hits both
alike. HTTP and the queue are not part of it.
"""

from __future__ import annotations

import argparse
import datetime
import io
import os
import platform
import shlex
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from model import artifact
from model.data import synthetic
from model.inference import images, render, segmenter
from model.inference.segmenter import Segmenter

ENGINES = ("openvino", "tensorflow")
PACKAGES = ("openvino", "tensorflow", "keras", "opencv-python-headless", "pillow", "numpy")
# What a request waits for, and what happens in each.
STAGES = {
    "decode": "JPEG to RGB",
    "network": "resize, normalise, run",
    "labels": "probabilities to full size, best category",
    "overlay": "render the overlay PNG",
    "mask": "render the mask PNG",
    "summary": "count for the JSON",
}
# The default answer of POST /predict; mask and summary are other answers.
REQUEST = ("decode", "network", "labels", "overlay")
JPEG_QUALITY = 90
WARM_UP_RUNS = 2


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the report, and write it where asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    load = os.getloadavg()[0]  # before this program adds to it
    try:
        segmenters = {name: segmenter.load(options.artifact, engine=name) for name in ENGINES}
        data = photograph(options.size)
    except ValueError as error:
        sys.exit(f"bench/engines.py: {error}")
    milliseconds, equal = measure(segmenters, data, runs=options.runs)
    report = "\n".join(
        [
            "# One photograph, stage by stage",
            "",
            f"`{shlex.join(['python', 'bench/engines.py', *arguments])}`, {datetime.date.today()}",
            "",
            *table(milliseconds),
            "",
            *findings(milliseconds, equal),
            "",
            *setting(segmenters, options.size, data, load=load),
        ]
    )
    print(report)
    if options.write is not None:
        options.write.write_text(report + "\n", "utf-8")
    return 0


def photograph(size: tuple[int, int]) -> bytes:
    """Draw a street of this size (height, width) and encode it as JPEG."""
    image, _ = synthetic.scene(0, size=size)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def measure(segmenters: dict[str, Segmenter], data: bytes, *, runs: int) -> tuple[dict, float]:
    """Answer the same photograph many times on each engine, in turns, after a warm-up.

    Args:
        segmenters: by the name of their engine.
        data: the content of an image file.
        runs: how often, on each engine.

    Returns:
        Milliseconds by engine and stage, float64 (runs,) each, and the share of pixels with equal labels, 0 to 1.
    """
    for _ in range(WARM_UP_RUNS):
        labels = {name: answer(each, data)[1] for name, each in segmenters.items()}
    taken = {name: [] for name in segmenters}
    for run in range(runs):
        for name in list(segmenters)[:: 1 if run % 2 == 0 else -1]:
            taken[name].append(answer(segmenters[name], data)[0])
    milliseconds = {
        name: {stage: np.array([times[stage] for times in each]) for stage in STAGES} for name, each in taken.items()
    }
    return milliseconds, float(np.mean(labels[ENGINES[0]] == labels[ENGINES[1]]))


def answer(one: Segmenter, data: bytes) -> tuple[dict[str, float], np.ndarray]:
    """Do what a request does, and every rendering; return milliseconds by stage, and the labels."""
    image, decode = _timed(images.decode, data)
    segmentation = one.segment(image)
    _, overlay = _timed(render.overlay_png, image, segmentation)
    _, mask = _timed(render.mask_png, segmentation)
    _, summary = _timed(render.summary, segmentation)
    times = {"decode": decode, **segmentation.timings, "overlay": overlay, "mask": mask, "summary": summary}
    return times, segmentation.labels


def table(milliseconds: dict[str, dict[str, np.ndarray]]) -> list[str]:
    """Lay out median and quartiles by stage and engine as the lines of a Markdown table."""
    lines = [
        f"| stage | what happens | {' | '.join(f'{name}, ms' for name in milliseconds)} |",
        f"|---|---|{'---:|' * len(milliseconds)}",
    ]
    for stage, what in STAGES.items():
        cells = [_spread(times[stage], ".1f") for times in milliseconds.values()]
        lines.append(f"| {stage} | {what} | {' | '.join(cells)} |")
    wholes = [_spread(sum(times[stage] for stage in REQUEST), ".1f") for times in milliseconds.values()]
    return [*lines, f"| **request** | {' + '.join(REQUEST)} | {' | '.join(wholes)} |"]


def findings(milliseconds: dict[str, dict[str, np.ndarray]], equal: float) -> list[str]:
    """Say how the engines compare: the ratio of each pair of neighbouring runs, and the labels."""
    first, second = (milliseconds[name]["network"] for name in ENGINES)
    return [
        f"Median (lower to upper quartile) of {len(first)} runs on each engine, after {WARM_UP_RUNS} to warm up.",
        "",
        f"- Network stage, {ENGINES[1]} / {ENGINES[0]}, run by run: {_spread(second / first, '.2f')}",
        f"- Pixels with equal labels on both engines: {equal:.5%}",
    ]


def setting(segmenters: dict[str, Segmenter], size: tuple[int, int], data: bytes, *, load: float) -> list[str]:
    """Describe what was measured, and on what."""
    one = segmenters[ENGINES[0]]
    precisions = ", ".join(f"{name} {each.engine.precision}" for name, each in segmenters.items())
    return [
        f"- Photograph: a generated street, {size[0]} x {size[1]} (height x width), JPEG quality {JPEG_QUALITY}, "
        f"{len(data):,} bytes",
        f"- Network: {one.version}, input {one.artifact.size[0]} x {one.artifact.size[1]}; {precisions}",
        f"- Machine: {_processor()}, {len(os.sched_getaffinity(0))} cores to use, load {load:.1f} before the start",
        f"- System: {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Time one photograph, stage by stage, on each engine.")
    parser.add_argument("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    parser.add_argument("--size", type=_size, default=(1024, 2048), help="HEIGHTxWIDTH in pixels (default 1024x2048)")
    parser.add_argument("--runs", type=_count, default=30, help="on each engine (default 30)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the report to this Markdown file")
    return parser


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f"received {text!r}, expected HEIGHTxWIDTH such as 1024x2048")
    return int(height), int(width)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected a whole number of at least 1")
    return int(text)


def _timed(function, *arguments) -> tuple[object, float]:
    start = time.perf_counter()
    result = function(*arguments)
    return result, (time.perf_counter() - start) * 1000


def _spread(values: np.ndarray, form: str) -> str:
    lower, median, upper = np.percentile(values, (25, 50, 75))
    return f"{median:{form}} ({lower:{form}} to {upper:{form}})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
