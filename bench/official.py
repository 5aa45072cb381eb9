"""`python -m bench.official`: seconds to score a folder of PNGs, those of the official Cityscapes scripts and ours.

The official side is `evalPixelLevelSemanticLabeling.py` with its Cython part, IoU and iIoU, its JSON file off. Its
released packages lack the Cython source, so it needs the repository, built:

    git clone https://github.com/mcordts/cityscapesScripts
    cd cityscapesScripts && python -m pip install cython "numpy<2.4" .
    CYTHONIZE_EVAL= python setup.py build_ext --inplace

Both sides read the same files: predictions of the shipped network, masks, and instances (connected pixels of one label,
where the data set has none). Each run is a process of its own, the two sides by turns; imports are not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from bench import machine
from bench.contenders import ROOT
from model.data import cityscapes
from model.data.instances import connected_instances, read_instances
from model.data.samples import read_mask
from model.inference import render, segmenter

BAR = 10
COUNT = 300
TOLERANCE = 1e-6
OTHERS = 20

_OFFICIAL = """
import json, sys, time
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
if not official.CSUPPORT:
    sys.exit("the Cython part is not built: see python -m bench.official --help")
kept = {}
official.writeJSONFile = lambda scores, args: kept.update(scores)
start, busy = time.perf_counter(), time.process_time()
official.main()
seconds = {"wall": time.perf_counter() - start, "processor": time.process_time() - busy}
print()
scores = {"iou": kept["categoryScores"], "iiou": kept["categoryInstScores"]}
print(json.dumps({"seconds": seconds, "scores": scores}))
"""
_OURS = """
import json, sys, time
from pathlib import Path
from model.data import cityscapes
from model.training.evaluation.predictions import score_predictions
root, cache, boundary = sys.argv[1], sys.argv[2], sys.argv[3] == "boundary"
start, busy = time.perf_counter(), time.process_time()
samples = cityscapes.samples(Path(root), "official-val")
scores = score_predictions(samples, Path(root, "results"), cache=Path(cache) if cache else None, boundary=boundary)
seconds = {"wall": time.perf_counter() - start, "processor": time.process_time() - busy}
scores = scores.as_dict()
print(json.dumps({"seconds": seconds, "scores": {"iou": scores["iou"], "iiou": scores["iiou"]}}))
"""
WAYS = ("official, with Cython", "ours, first time", "ours, masks kept", "ours, masks kept, with boundary IoU")


def main() -> int:
    """Return 0 where the bar is kept and the scores agree, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.official", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a Cityscapes folder")
    parser.add_argument("--scripts", type=Path, required=True, help="the official repository, built as told above")
    parser.add_argument("--python", default=sys.executable, help="the interpreter it was built with")
    parser.add_argument("--count", type=int, default=COUNT, help=f"images ({COUNT})")
    parser.add_argument("--rounds", type=int, default=7, help="of every way, by turns (7)")
    parser.add_argument("--full", action="store_true", help="masks enlarged to the official 2048x1024")
    parser.add_argument("--writer", choices=("pillow", "ours"), default="pillow", help="of the predictions (pillow)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        size = prepare(root, options)
        times = measure(root, options)
    return report(times, size, options)


def prepare(root: Path, options: argparse.Namespace) -> tuple[int, int]:
    """Write masks, instances and predictions; return the (height, width) of the last."""
    validation, others = (cityscapes.samples(options.data, split) for split in ("val", "train"))
    chosen = validation[: max(1, options.count - OTHERS)]
    rest = options.count - len(chosen)
    chosen = chosen + others[:: max(1, len(others) // max(1, rest))][:rest]
    network = segmenter.load()
    (root / "results").mkdir(parents=True)
    for sample in tqdm(chosen, unit="image", disable=not sys.stderr.isatty()):
        label_ids = read_mask(sample.mask_path)
        found = read_instances(sample)
        ids = (connected_instances(label_ids) if found is None else found).astype(np.uint16)
        if options.full:
            label_ids, ids = (_enlarged(mask) for mask in (label_ids, ids))
        answer = network.segment(sample.read().image, void="never", size=label_ids.shape, confidence=False)
        city = sample.mask_path.parent.name
        masks, images = (root / kind / "val" / city for kind in ("gtFine", "leftImg8bit"))
        for place in (masks, images):
            place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(label_ids).save(masks / f"{sample.name}_gtFine_labelIds.png")
        Image.fromarray(ids).save(masks / f"{sample.name}_gtFine_instanceIds.png")
        # Only its name is read: ours lists samples by their photographs.
        (images / f"{sample.name}_leftImg8bit.png").touch()
        path = root / "results" / f"{sample.name}_pred_labelIds.png"
        data = render.label_ids_png(answer.labels)
        path.write_bytes(data)
        if options.writer == "pillow":
            Image.fromarray(np.asarray(Image.open(path))).save(path)
    return label_ids.shape


def measure(root: Path, options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Run every way by turns and return its seconds, `wall` and `processor`; stop where scores differ."""
    cache = root / "cache"
    ours = [sys.executable, "-c", _OURS, str(root)]
    runs = dict(
        zip(
            WAYS,
            (
                lambda: _official(root, options),
                lambda: _run([*ours, "", ""]),
                lambda: _run([*ours, str(cache), ""]),
                lambda: _run([*ours, str(cache), "boundary"]),
            ),
            strict=True,
        )
    )
    for run in runs.values():  # Once untimed: files come into the system's cache, and the masks into ours.
        run()
    times: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        found = {way: run() for way, run in runs.items()}
        for way, one in found.items():
            times[way].append(one["seconds"])
            _check(one["scores"], found[WAYS[0]]["scores"])
    return times


def report(times: dict[str, list[dict[str, float]]], size: tuple[int, int], options: argparse.Namespace) -> int:
    """Print the medians and the ratios; return 0 where the bar is kept."""
    print(f"{machine.processor()}; load {machine.load():.1f}; commit {machine.commit()}")
    print(f"{options.count} images of {size[1]}x{size[0]}, predictions written by {options.writer}")
    print(f"{options.rounds} rounds; IoU and iIoU of all ways equal to {TOLERANCE:g}")
    for way in WAYS:
        walls, (wall, busy) = [one["wall"] for one in times[way]], _medians(times[way])
        faster = [whole / own for whole, own in zip(_medians(times[WAYS[0]]), (wall, busy), strict=True)]
        print(
            f"{way:<38}{wall:8.3f} s ({min(walls):.3f} to {max(walls):.3f}){faster[0]:7.1f} x   "
            f"processor {busy:7.3f} s{faster[1]:7.1f} x"
        )
    kept = _medians(times[WAYS[0]])[0] / _medians(times["ours, masks kept"])[0] >= BAR
    print(f"bar: {BAR} times as fast once masks are kept: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


def _medians(seconds: list[dict[str, float]]) -> list[float]:
    return [statistics.median(one[clock] for one in seconds) for clock in ("wall", "processor")]


def _official(root: Path, options: argparse.Namespace) -> dict:
    environment = os.environ | {
        "CITYSCAPES_DATASET": str(root),
        "CITYSCAPES_RESULTS": str(root / "results"),
        "PYTHONPATH": str(options.scripts),
    }
    return _run([options.python, "-c", _OFFICIAL], environment=environment)


def _run(command: list[str], *, environment: dict | None = None) -> dict:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    return json.loads(done.stdout.splitlines()[-1])


def _check(ours: dict, official: dict) -> None:
    for kind, scores in ours.items():
        for name, value in scores.items():
            # Where a category never occurs, ours says None and theirs NaN.
            value, other = np.nan if value is None else value, official[kind][name]
            if not (abs(value - other) <= TOLERANCE or (np.isnan(value) and np.isnan(other))):
                raise RuntimeError(f"{kind} of {name} is {value}, the official scripts say {other}")


def _enlarged(mask: np.ndarray) -> np.ndarray:
    return cv2.resize(mask, (2048, 1024), interpolation=cv2.INTER_NEAREST_EXACT)


if __name__ == "__main__":
    sys.exit(main())
