"""Score a segmenter on samples: the one loop behind `evaluate` and behind the score of every training epoch.

Array contract: see `model.training.metrics`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model import categories
from model.categories import COUNT, IGNORE, NAMES, VOID
from model.data.samples import Example, Sample
from model.inference.labels import choose
from model.inference.segmenter import Segmenter
from model.training import metrics
from model.training.evaluation import boundaries, calibration, truths
from model.training.evaluation.calibration import Calibration
from model.training.evaluation.instances import CATEGORIES as WITH_INSTANCES
from model.training.evaluation.instances import InstanceSums
from model.training.evaluation.tally import count, tally


@dataclass(frozen=True)
class ImageScore:
    """What one image adds to the scores; the last three are None where they were not asked for.

    Attributes:
        name: of the sample.
        official: int64 (8, 8), as in `Scores`.
        with_void: int64 (8, 8), likewise.
        instances: sums behind the instance score.
        boundaries: int64 (3, 8), sums behind boundary IoU.
        calibration: pixels by confidence.
    """

    name: str
    official: np.ndarray
    with_void: np.ndarray
    instances: InstanceSums | None = None
    boundaries: np.ndarray | None = None
    calibration: Calibration | None = None

    @property
    def mean_iou(self) -> float:
        """Mean IoU, 0 to 1, over the categories that the truth of this image has; NaN where it has none.

        A category that is only in the answer counts where it is wrong: as a miss of what is there.
        """
        present = self.official.sum(axis=1) > 0
        present[VOID] = False
        iou = metrics.intersection_over_union(self.official)
        return float(iou[present].mean()) if present.any() else float("nan")


@dataclass(frozen=True)
class Scores:
    """Scores over a whole data set; what was not asked for, or could not be counted, is None.

    Attributes:
        official: confusion, only pixels that the official Cityscapes category score counts; void is never predicted.
        with_void: confusion, every pixel with ground truth, void among the eight categories.
        images: how many images were scored.
        instances: sums behind the instance score (iIoU) of human and vehicle.
        boundaries: int64 (3, 8), sums behind boundary IoU.
        calibration: scored pixels by the confidence of the answer among all eight.
        per_image: what each image added, in the order of the samples.
    """

    official: np.ndarray
    with_void: np.ndarray
    images: int
    instances: InstanceSums | None = None
    boundaries: np.ndarray | None = None
    calibration: Calibration | None = None
    per_image: tuple[ImageScore, ...] = ()

    @property
    def mean_iou(self) -> float:
        """Official mean category IoU, over the seven categories without void, 0 to 1."""
        return metrics.mean_iou(self.official, without_void=True)

    @property
    def mean_iou_with_void(self) -> float:
        """Mean IoU over all eight categories on every pixel with ground truth, 0 to 1."""
        return metrics.mean_iou(self.with_void, without_void=False)

    def as_dict(self) -> dict:
        """Return the sums over all images as JSON-ready values; a category that never occurs has IoU null."""
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
            **self._instances_as_dict(),
            **self._boundaries_as_dict(),
            **self._calibration_as_dict(),
        }

    def _instances_as_dict(self) -> dict:
        if self.instances is None:
            return {}
        entries = {}
        for key, to_scale in (("iiou", False), ("iiou_to_scale", True)):
            found = self.instances.iiou(to_scale=to_scale)[list(WITH_INSTANCES)]
            entries |= {
                f"mean_{key}": _number(metrics.mean_of_known(found)),
                key: {NAMES[i]: _number(value) for i, value in zip(WITH_INSTANCES, found, strict=True)},
            }
        return entries | {"instances": "annotated" if self.instances.annotated else "connected pixels of one label"}

    def _boundaries_as_dict(self) -> dict:
        if self.boundaries is None:
            return {}
        found = boundaries.iou(self.boundaries)
        return {
            "mean_boundary_iou": _number(metrics.mean_of_known(found[VOID + 1 :])),
            "boundary_iou": {name: _number(found[i]) for i, name in enumerate(NAMES) if i != VOID},
        }

    def _calibration_as_dict(self) -> dict:
        if self.calibration is None:
            return {}
        return {"calibration_error": _number(self.calibration.error), "calibration": self.calibration.as_dict()}


def score(
    samples: Iterable[Sample],
    segmenter: Segmenter,
    *,
    keep: Callable[[Sample, np.ndarray], None] | None = None,
    details: bool = False,
) -> Scores:
    """Segment every sample at its own size and count.

    Args:
        samples: what to score on.
        segmenter: the same that serves, or one that answers from several views.
        keep: receives each sample with its uint8 labels without void, as they are scored.
        details: whether to count instances, boundaries and calibration too, which takes longer.

    Returns:
        The scores.

    Raises:
        ValueError: a sample can't be read.
    """
    found = []
    for sample in samples:
        example = sample.read()
        with segmenter.planes(example.image) as planes:
            best_of_seven, _ = choose(planes, example.labels.shape, first=VOID + 1, confidence=False)
            best_of_eight, _ = choose(planes, example.labels.shape, confidence=False)
            # While the planes are still there: they are the engine's own memory.
            confidence = calibration.confidence(planes, example.labels.shape) if details else None
        expected = np.where(example.scored, example.labels, IGNORE)
        official = metrics.confusion_matrix(expected, best_of_seven)
        with_void = metrics.confusion_matrix(example.labels, best_of_eight)
        more = _details(sample, example, best_of_seven, best_of_eight, confidence) if details else {}
        found.append(ImageScore(sample.name, official, with_void, **more))
        if keep is not None:
            keep(sample, best_of_seven)
    return total(found)


def total(per_image: Sequence[ImageScore]) -> Scores:
    """Sum what images add; of no image at all, the scores are empty."""

    def add(name: str):
        parts = [getattr(image, name) for image in per_image]
        return functools.reduce(operator.add, parts) if parts and all(part is not None for part in parts) else None

    nothing = np.zeros((COUNT, COUNT), np.int64)
    sums = {name: add(name) for name in ("instances", "boundaries", "calibration")}
    official, with_void = (nothing if (found := add(name)) is None else found for name in ("official", "with_void"))
    return Scores(official, with_void, len(per_image), **sums, per_image=tuple(per_image))


def equal_labels(samples: Iterable[Sample], one: Segmenter, other: Segmenter) -> float:
    """Return the share of pixels, of whole samples at their own size, that two segmenters give the same label."""
    equal = pixels = 0
    for sample in samples:
        image = sample.read().image
        first, second = (each.segment(image, confidence=False).labels for each in (one, other))
        equal += int(np.count_nonzero(first == second))
        pixels += first.size
    return equal / pixels


def _details(
    sample: Sample, example: Example, best_of_seven: np.ndarray, best_of_eight: np.ndarray, confidence: np.ndarray
) -> dict:
    truth = truths.of_sample(sample, example)
    scored = example.scored
    return {
        "instances": tally(truth, count(truth, categories.to_label_ids(best_of_seven))).instances,
        "boundaries": boundaries.count(np.where(scored, example.labels, IGNORE).astype(np.uint8), best_of_seven),
        "calibration": calibration.measure(confidence[scored], (best_of_eight == example.labels)[scored]),
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
