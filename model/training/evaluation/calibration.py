"""Calibration: of all pixels called something with a confidence of 80 %, are 80 of 100 right?

Array contract: `confidence` float32 (height, width), the greatest of a pixel's probabilities, 0 to 1.

Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599, equations 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import cv2
import numpy as np

BINS = 15
NEAR = (0.85, 0.95)
"""Confidences above the first, up to the second, count as 0.9: of these pixels nine in ten should be right."""


def _nothing() -> np.ndarray:
    return np.zeros(BINS)


@dataclass(frozen=True)
class Calibration:
    """Pixels in bins of equal width by their confidence; sums of images are added.

    Attributes:
        pixels: float64 (15,), how many lie in each bin; bin k holds confidences above k/15, up to (k + 1)/15.
        right: float64 (15,), how many of them have the right label.
        confidence: float64 (15,), the sum of their confidences.
        near: float64 (2,), how many pixels have a confidence in `NEAR`, and how many of them have the right label.
    """

    pixels: np.ndarray = field(default_factory=_nothing)
    right: np.ndarray = field(default_factory=_nothing)
    confidence: np.ndarray = field(default_factory=_nothing)
    near: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def __add__(self, other: Calibration) -> Calibration:
        """Return the sums of both."""
        return Calibration(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def error(self) -> float:
        """Expected calibration error (equation 3), 0 to 1; NaN where there are no pixels."""
        total = self.pixels.sum()
        return float(np.abs(self.right - self.confidence).sum() / total) if total else float("nan")

    @property
    def mean_confidence(self) -> float:
        """Mean confidence over all pixels, 0 to 1; NaN where there are none."""
        return float(self.confidence.sum() / self.pixels.sum()) if self.pixels.any() else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of the pixels that are right, 0 to 1; NaN where there are none."""
        return float(self.right.sum() / self.pixels.sum()) if self.pixels.any() else float("nan")

    @property
    def near_accuracy(self) -> float:
        """Share of the pixels with a confidence in `NEAR` that are right, 0 to 1; NaN where there are none."""
        return float(self.near[1] / self.near[0]) if self.near[0] else float("nan")

    def as_dict(self) -> dict:
        """Return the bins as JSON-ready lists: share of pixels, mean confidence and accuracy, null in empty bins.

        And of the pixels with a confidence in `NEAR`, as `near`: `above`, `up_to`, and their share and accuracy.
        """
        total = max(1, self.pixels.sum())
        return {
            "share": (self.pixels / total).tolist(),
            "confidence": _means(self.confidence, self.pixels),
            "accuracy": _means(self.right, self.pixels),
            "near": {
                "above": NEAR[0],
                "up_to": NEAR[1],
                "share": float(self.near[0] / total),
                "accuracy": _means(self.near[1:], self.near[:1])[0],
            },
        }

    @classmethod
    def from_dict(cls, bins: Mapping) -> Calibration:
        """Return what `as_dict` was made of, with shares of all pixels in place of their numbers."""
        share = np.array(bins["share"], float)
        sums = (share * np.array(bins[name], float) for name in ("accuracy", "confidence"))
        near = bins["near"]["share"] * np.array([1, bins["near"]["accuracy"] or 0])
        return cls(share, *map(np.nan_to_num, sums), near)


def _means(sums: np.ndarray, counts: np.ndarray) -> list[float | None]:
    return [total / count if count else None for total, count in zip(sums.tolist(), counts.tolist(), strict=True)]


def measure(confidence: np.ndarray, right: np.ndarray) -> Calibration:
    """Sort pixels into bins.

    Args:
        confidence: of any shape, 0 to 1.
        right: bool of the same shape.
    """
    confidence, right = confidence.ravel(), right.ravel()
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    near = (confidence > NEAR[0]) & (confidence <= NEAR[1])
    return Calibration(
        np.bincount(places, minlength=BINS).astype(np.float64),
        np.bincount(places, weights=right, minlength=BINS),
        np.bincount(places, weights=confidence, minlength=BINS),
        np.array([np.count_nonzero(near), np.count_nonzero(near & right)], float),
    )


def confidence(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return how probable each pixel's answer is.

    Args:
        planes: float32 (categories, height, width), as the network gives them.
        size: (height, width) of the image; the probabilities are brought there bilinearly, as its labels are.

    Returns:
        float32 `size`: the greatest probability of each pixel.
    """
    best = np.zeros(size, np.float32)
    for plane in planes:
        if plane.shape != size:
            plane = cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        np.maximum(best, plane, out=best)
    return best
