"""Temperature scaling: the one number to divide logits by, so that a confidence of 0.9 is right nine times in ten.

It changes no label where the network itself gives logits, since the greatest of them stays the greatest.

Array contract: `planes` float32 (categories, height, width) logits, as the network gives them; `labels` uint8 (height,
width) category ids; `scored` bool (height, width).

Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599, section 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from model.training.evaluation import calibration
from model.training.evaluation.calibration import Calibration

RANGE = (0.02, 50.0)
"""Where a temperature is looked for."""

# In logarithms: so near to an end of the range, the least value lies beyond it.
_END = 1e-2


@dataclass(frozen=True)
class Pixels:
    """Some pixels of an image, with what the network says around them.

    A pixel's probabilities are the mean of its corners' softmax by their weights: as `labels.choose` has them, which
    enlarges probabilities. Where the image has the network's size there is one corner, of weight 1.

    Attributes:
        logits: float32 (corners, categories, pixels).
        weights: float32 (corners, pixels), that sum to 1.
        labels: uint8 (pixels,), what is true.
    """

    logits: np.ndarray
    weights: np.ndarray
    labels: np.ndarray


def pick(planes: np.ndarray, labels: np.ndarray, scored: np.ndarray, *, most: int) -> Pixels:
    """Take pixels of an image that are scored, on an even grid.

    Args:
        planes: of the image, at the network's size.
        labels: of the image, at its own size.
        scored: which of its pixels count.
        most: how many pixels the grid has at most, at least 1; fewer where some do not count.

    Returns:
        The pixels, row by row.
    """
    # An odd step meets every phase of a network that enlarges its logits by a power of two; an even one, some.
    step = math.ceil(math.sqrt(labels.size / most)) | 1
    places = (np.arange(min(step // 2, side - 1), side, step) for side in labels.shape)
    rows, columns = np.meshgrid(*places, indexing="ij")
    counts = scored[rows, columns]
    rows, columns = rows[counts], columns[counts]
    if planes.shape[1:] == labels.shape:
        corners = [(rows, columns, np.ones(len(rows), np.float32))]
    else:
        corners = _corners(rows, columns, labels.shape, planes.shape[1:])
    logits = np.stack([planes[:, y, x] for y, x, _ in corners])
    return Pixels(logits, np.stack([weight for _, _, weight in corners]), labels[rows, columns])


def fit(parts: Sequence[Pixels]) -> float:
    """Return the temperature with the least negative log likelihood.

    Args:
        parts: of the images, with one pixel at least.

    Returns:
        A number in `RANGE`; 1 where none is better, or where the least value lies outside: a network that knows nothing
        would be divided by any number, one that is right in every pixel multiplied.
    """

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(parts, math.exp(logarithm))

    if calibrated(parts, 1.0).accuracy == 1:
        return 1.0
    low, high = map(math.log, RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-5})
    inside = low + _END < found.x < high - _END
    return math.exp(found.x) if inside and found.fun < loss(0.0) else 1.0


def negative_log_likelihood(parts: Sequence[Pixels], temperature: float) -> float:
    """Return the mean of -log(probability of what is true) over all pixels, in nats."""
    total = sum(-np.log(np.maximum(_true(part, temperature), np.finfo(float).tiny)).sum() for part in parts)
    return float(total / sum(len(part.labels) for part in parts))


def calibrated(parts: Sequence[Pixels], temperature: float) -> Calibration:
    """Sort the pixels into bins by the confidence that the network has at this temperature."""
    found = Calibration()
    for part in parts:
        chances = probabilities(part, temperature)
        found += calibration.measure(chances.max(0), chances.argmax(0) == part.labels)
    return found


def probabilities(part: Pixels, temperature: float) -> np.ndarray:
    """Return float64 (categories, pixels), the probabilities that are served at this temperature."""
    scaled = part.logits / np.float64(temperature)
    scaled -= scaled.max(1, keepdims=True)
    chances = np.exp(scaled, out=scaled)
    chances /= chances.sum(1, keepdims=True)
    return np.einsum("kcp,kp->cp", chances, part.weights)


def _true(part: Pixels, temperature: float) -> np.ndarray:
    return np.take_along_axis(probabilities(part, temperature), part.labels[np.newaxis].astype(np.intp), axis=0)[0]


def _corners(
    rows: np.ndarray, columns: np.ndarray, size: tuple[int, int], source: tuple[int, int]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return row, column and weight of the four pixels of the planes around each; centres lie at half numbers."""
    sides = []
    for places, target, length in ((rows, size[0], source[0]), (columns, size[1], source[1])):
        place = (places + 0.5) * (length / target) - 0.5
        floor = np.floor(place).astype(np.intp)
        share = (place - floor).astype(np.float32)
        ends = (np.clip(floor, 0, length - 1), np.clip(floor + 1, 0, length - 1))
        sides.append([(ends[0], 1 - share), (ends[1], share)])
    return [(y, x, down * across) for y, down in sides[0] for x, across in sides[1]]
