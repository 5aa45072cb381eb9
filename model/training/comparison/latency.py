"""How long the compared networks take, measured in turns: what else the machine does meets all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from model import artifact
from model.data import synthetic
from model.inference.openvino_engine import OpenVinoEngine
from model.inference.segmenter import Segmenter

ROUNDS = 30
_WARM_UPS = 3


def measure(folders: Sequence[Path], *, rounds: int = ROUNDS) -> list[dict]:
    """Time the network stage of each artifact on OpenVINO in float32, all processors, one photograph at a time.

    Args:
        folders: artifacts with a compiled float file.
        rounds: how often each is run; one run of each after the other is a round.

    Returns:
        For each folder `median`, `quartiles` (two) in milliseconds, and `rounds`.
    """
    artifacts = [artifact.read(folder) for folder in folders]
    segmenters = [Segmenter(each, OpenVinoEngine(each, precision="f32")) for each in artifacts]
    images = [segmenter.fit(synthetic.scene(0)[0]) for segmenter in segmenters]
    taken: list[list[float]] = [[] for _ in segmenters]
    for number in range(_WARM_UPS + rounds):
        for segmenter, image, milliseconds in zip(segmenters, images, taken, strict=True):
            start = time.perf_counter()
            with segmenter.engine.planes(image):
                end = time.perf_counter()
            if number >= _WARM_UPS:
                milliseconds.append((end - start) * 1000)
    return [_spread(milliseconds) for milliseconds in taken]


def _spread(milliseconds: list[float]) -> dict:
    lower, median, upper = statistics.quantiles(milliseconds, n=4)
    return {"median": median, "quartiles": [lower, upper], "rounds": len(milliseconds)}
