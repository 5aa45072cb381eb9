"""Score a segmenter on samples: the one loop behind `evaluate` and behind the score of every training epoch.

Array contract: see `model.training.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from model.categories import COUNT, IGNORE, NAMES, VOID
from model.data.samples import Sample
from model.inference.labels import choose
from model.inference.segmenter import Segmenter
from model.training import metrics


@dataclass(frozen=True)
class Scores:
    """Two confusion matrices over a whole data set.

    Attributes:
        official: only pixels that the official Cityscapes category score counts; void is never predicted.
        with_void: every pixel with ground truth, void among the eight categories.
        images: how many images were scored.
    """

    official: np.ndarray
    with_void: np.ndarray
    images: int

    @property
    def mean_iou(self) -> float:
        """Official mean category IoU, over the seven categories without void, 0 to 1."""
        return metrics.mean_iou(self.official, without_void=True)

    @property
    def mean_iou_with_void(self) -> float:
        """Mean IoU over all eight categories on every pixel with ground truth, 0 to 1."""
        return metrics.mean_iou(self.with_void, without_void=False)

    def as_dict(self) -> dict:
        """Return everything as JSON-ready values; a category that never occurs has IoU null."""
        official = metrics.intersection_over_union(self.official)
        with_void = metrics.intersection_over_union(self.with_void)
        return {
            "images": self.images,
            "mean_iou": _number(self.mean_iou),
            "iou": {name: _number(official[i]) for i, name in enumerate(NAMES) if i != VOID},
            "pixel_accuracy": _number(metrics.pixel_accuracy(self.official)),
            "mean_iou_with_void": _number(self.mean_iou_with_void),
            "iou_with_void": {name: _number(with_void[i]) for i, name in enumerate(NAMES)},
            "pixel_accuracy_with_void": _number(metrics.pixel_accuracy(self.with_void)),
            "confusion": self.official.tolist(),
            "confusion_with_void": self.with_void.tolist(),
        }


def score(
    samples: Iterable[Sample], segmenter: Segmenter, *, keep: Callable[[Sample, np.ndarray], None] | None = None
) -> Scores:
    """Segment every sample at its own size and count.

    Args:
        samples: what to score on.
        segmenter: the same that serves.
        keep: receives each sample with its uint8 labels without void, as they are scored.

    Returns:
        Both confusion matrices.

    Raises:
        ValueError: a sample can't be read.
    """
    official = np.zeros((COUNT, COUNT), np.int64)
    with_void = np.zeros((COUNT, COUNT), np.int64)
    images = 0
    for sample in samples:
        image, labels, scored = sample.read()
        with segmenter.planes(image) as planes:
            best_of_seven, _ = choose(planes, labels.shape, first=VOID + 1, confidence=False)
            best_of_eight, _ = choose(planes, labels.shape, confidence=False)
        official += metrics.confusion_matrix(np.where(scored, labels, IGNORE), best_of_seven)
        with_void += metrics.confusion_matrix(labels, best_of_eight)
        images += 1
        if keep is not None:
            keep(sample, best_of_seven)
    return Scores(official, with_void, images)


def equal_labels(samples: Iterable[Sample], one: Segmenter, other: Segmenter) -> float:
    """Return the share of pixels, of whole samples at their own size, that two segmenters give the same label."""
    equal = pixels = 0
    for sample in samples:
        image = sample.read().image
        first, second = (each.segment(image, confidence=False).labels for each in (one, other))
        equal += int(np.count_nonzero(first == second))
        pixels += first.size
    return equal / pixels


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
