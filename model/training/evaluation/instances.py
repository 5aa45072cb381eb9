"""The instance score (iIoU) of human and vehicle: a small person weighs as much as a large one.

Array contract: counts float64 (segments, 8) and sums float64 (8,) by category id, in pixels.

Source: M. Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, section 3.2, as
cityscapesScripts compute it (`evaluation/evalPixelLevelSemanticLabeling.py`): every pixel of an instance weighs the
average size of its label divided by the size of the instance; false positives belong to no instance and weigh 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import categories
from model.training.evaluation.truth import Truth

OFFICIAL_PIXELS = 2048 * 1024

# By label: pixels of an average instance in official masks of 2048 x 1024 (`args.avgClassSize` of the scripts).
AVERAGE_SIZES: dict[str, float] = {
    "bicycle": 4672.3249222261,
    "motorcycle": 6298.7200839748,
    "rider": 3930.4788056518,
    "bus": 35732.1511111111,
    "train": 67583.7075812274,
    "car": 12794.0202738185,
    "person": 3462.4756337644,
    "truck": 27855.1264367816,
}

CATEGORIES: tuple[int, ...] = (categories.NAMES.index("human"), categories.NAMES.index("vehicle"))
"""Ids of the categories that have an instance score."""

_INSTANCE_STEP = 1000
# By label id, 0 where a label has no instances that are scored; an id that Cityscapes does not define is the last one.
_AVERAGE = np.zeros(256)
_CATEGORY = np.zeros(256, np.intp)
for _label in categories.CITYSCAPES_LABELS:
    if _label.name in AVERAGE_SIZES:
        _AVERAGE[_label.id] = AVERAGE_SIZES[_label.name]
        _CATEGORY[_label.id] = categories.NAMES.index(_label.category)


@dataclass(frozen=True)
class InstanceSums:
    """What the instance score is made of; sums of images are added.

    Attributes:
        hits: weighted pixels of instances that were given their category.
        misses: weighted pixels of instances that were given another one.
        false_positives: scored pixels of other categories that were given this one.
        hits_to_scale: as `hits`, with the average sizes brought to the size of the masks.
        misses_to_scale: likewise.
        annotated: False where instances are connected pixels of one label, because nobody drew them.
    """

    hits: np.ndarray
    misses: np.ndarray
    false_positives: np.ndarray
    hits_to_scale: np.ndarray
    misses_to_scale: np.ndarray
    annotated: bool = True

    def __add__(self, other: InstanceSums) -> InstanceSums:
        """Return the sums of both."""
        return InstanceSums(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_positives + other.false_positives,
            self.hits_to_scale + other.hits_to_scale,
            self.misses_to_scale + other.misses_to_scale,
            self.annotated and other.annotated,
        )

    @property
    def official_size(self) -> bool:
        """Whether all masks have as many pixels as those that the official average sizes were taken from."""
        return bool(np.array_equal(self.hits, self.hits_to_scale) and np.array_equal(self.misses, self.misses_to_scale))

    def iiou(self, *, to_scale: bool = False) -> np.ndarray:
        """Return the score by category id, float64 (8,), NaN where a category has none.

        Args:
            to_scale: the scripts' average sizes are those of masks of 2048 x 1024 pixels. In smaller masks instances
                are smaller, so each pixel weighs more and false positives count for too little. True brings the average
                sizes to the masks' size; it is no official score.
        """
        hits, misses = (self.hits_to_scale, self.misses_to_scale) if to_scale else (self.hits, self.misses)
        union = hits + misses + self.false_positives
        scores = np.full(categories.COUNT, np.nan)
        for category in CATEGORIES:
            if union[category]:
                scores[category] = hits[category] / union[category]
        return scores


def weigh(truth: Truth, counts: np.ndarray, *, false_positives: np.ndarray) -> InstanceSums:
    """Weigh the instances of one image.

    Args:
        truth: of the image.
        counts: how many pixels of each segment were given each category.
        false_positives: by category, as in `InstanceSums`.
    """
    labels = np.minimum(truth.instances // _INSTANCE_STEP, len(_AVERAGE) - 1)
    weighed = np.flatnonzero(_AVERAGE[labels])
    counts, labels = counts[weighed], labels[weighed]
    pixels = counts.sum(axis=1)
    # An instance is one segment, unless its pixels carry several label ids.
    _, places = np.unique(truth.instances[weighed], return_inverse=True)
    weights = _AVERAGE[labels] / np.bincount(places, weights=pixels)[places]
    found = counts[np.arange(len(labels)), _CATEGORY[labels]]
    hits, misses = (
        np.bincount(_CATEGORY[labels], weights=weights * some, minlength=categories.COUNT)
        for some in (found, pixels - found)
    )
    share = truth.size[0] * truth.size[1] / OFFICIAL_PIXELS
    return InstanceSums(hits, misses, false_positives.astype(np.float64), hits * share, misses * share, truth.annotated)
