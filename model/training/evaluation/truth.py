"""Ground truth as runs of equal pixels: small enough to keep for a whole data set, quick to count against.

Array contract: `label_ids` uint8 (height, width) official Cityscapes label ids, `NO_TRUTH` (254) where there is no
ground truth; `instance_ids` int32 (height, width), label id x 1000 + number where an instance was drawn, below 1000
elsewhere. A run is a stretch of pixels, row after row, that are of one segment; a segment is all pixels of an image
with one pair of label and instance.

A street of 2,048 x 1,024 pixels has some 25,000 runs, and so has an answer. Counting goes from one end of a run to the
next, not from pixel to pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import categories
from model.data.samples import Example

NO_TRUTH = 254
LABEL_IDS = 256
"""Label ids that eight bits can hold."""

_MANY = 1 << 31


@dataclass(frozen=True)
class Truth:
    """The ground truth of one image.

    Attributes:
        size: (height, width) in pixels.
        starts: int32 (runs,), number of the pixel each run begins with, row after row; the first is 0.
        segments: int32 (runs,), which segment each run is of.
        labels: uint8 (segments,), label id of each.
        instances: int32 (segments,), instance id of each, 0 where there is no instance.
        annotated: False where instances are connected pixels of one label, because nobody drew them.
    """

    size: tuple[int, int]
    starts: np.ndarray
    segments: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    annotated: bool = True

    def label_ids(self) -> np.ndarray:
        """Return uint8 (height, width), the label id of each pixel."""
        lengths = np.diff(self.starts, append=np.int32(self.size[0] * self.size[1]))
        return np.repeat(self.labels[self.segments], lengths).reshape(self.size)


def from_arrays(label_ids: np.ndarray, instance_ids: np.ndarray | None = None, *, annotated: bool = True) -> Truth:
    """Cut masks into runs.

    Args:
        label_ids: see the module's array contract.
        instance_ids: likewise; None where there are none.
        annotated: as in `Truth`.

    Returns:
        The truth; ids below 1000 are no instances, and 1000 is none either, as the official scripts have it.

    Raises:
        ValueError: the masks differ in size, or are larger than 2^31 pixels.
    """
    if label_ids.size >= _MANY:
        raise ValueError(f"Received a mask of {label_ids.size:,} pixels. Expected fewer than {_MANY:,}.")
    keys = label_ids.astype(np.int32)
    if instance_ids is not None:
        if instance_ids.shape != label_ids.shape:
            raise ValueError(
                f"Received label ids of {label_ids.shape} and instance ids of {instance_ids.shape}. Expected one size."
            )
        keys += np.where(instance_ids > 1000, instance_ids, 0).astype(np.int32) * LABEL_IDS
    keys = keys.ravel()
    starts = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1]).astype(np.int32)
    found, segments = np.unique(keys[starts], return_inverse=True)
    labels, instances = (found % LABEL_IDS).astype(np.uint8), (found // LABEL_IDS).astype(np.int32)
    return Truth(label_ids.shape, starts, segments.astype(np.int32), labels, instances, annotated)


def official_label_ids(example: Example) -> np.ndarray:
    """Return label ids that stand for a sample's categories, for data sets that have no label ids of their own.

    Args:
        example: labels and what is scored.

    Returns:
        uint8 (height, width): the id that the official scripts score for each category, `NO_TRUTH` where a pixel has no
        ground truth or is left out of scoring.
    """
    known = example.scored | (example.labels == categories.VOID)
    return np.where(known, categories.to_label_ids(np.where(known, example.labels, 0)), NO_TRUTH).astype(np.uint8)
