"""Calibration: of all pixels called something with a confidence of 80 %, are 80 of 100 right?

Array contract: `confidence` float32 (height, width), the greatest of a pixel's probabilities, 0 to 1.

Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, arXiv 1706.04599, equations 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

BINS = 15


def _nothing() -> np.ndarray:
    return np.zeros(BINS)


@dataclass(frozen=True)
class Calibration:
    """Pixels in bins of equal width by their confidence; sums of images are added.

    Attributes:
        pixels: float64 (15,), how many lie in each bin; bin k holds confidences above k/15, up to (k + 1)/15.
        right: float64 (15,), how many of them have the right label.
        confidence: float64 (15,), the sum of their confidences.
    """

    pixels: np.ndarray = field(default_factory=_nothing)
    right: np.ndarray = field(default_factory=_nothing)
    confidence: np.ndarray = field(default_factory=_nothing)

    def __add__(self, other: Calibration) -> Calibration:
        """Return the sums of both."""
        return Calibration(self.pixels + other.pixels, self.right + other.right, self.confidence + other.confidence)

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

    def as_dict(self) -> dict:
        """Return the bins as JSON-ready lists: share of pixels, mean confidence and accuracy, null in empty bins."""
        shares = self.pixels / max(1, self.pixels.sum())
        filled = [(bool(pixels), pixels or 1) for pixels in self.pixels.tolist()]
        return {
            "share": shares.tolist(),
            "confidence": [s / n if any_ else None for s, (any_, n) in zip(self.confidence, filled, strict=True)],
            "accuracy": [s / n if any_ else None for s, (any_, n) in zip(self.right, filled, strict=True)],
        }


def measure(confidence: np.ndarray, right: np.ndarray) -> Calibration:
    """Sort pixels into bins.

    Args:
        confidence: of any shape, 0 to 1.
        right: bool of the same shape.
    """
    confidence, right = confidence.ravel(), right.ravel()
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return Calibration(
        np.bincount(places, minlength=BINS).astype(np.float64),
        np.bincount(places, weights=right, minlength=BINS),
        np.bincount(places, weights=confidence, minlength=BINS),
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
