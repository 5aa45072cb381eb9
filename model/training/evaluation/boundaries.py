"""Boundary IoU: how well an answer keeps to the outlines, whatever the size of what they enclose.

Array contract: `labels` uint8 (height, width) category ids, `IGNORE` (255) where a pixel does not count; `sums` int64
(3, 8), by category: pixels in both bands, in truth's, and in the answer's.

Source: B. Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021,
arXiv 2103.16562: the IoU of a category's bands, where a band is what lies inside and within a distance, 2 % of the
image's diagonal, of the outline. As in the authors' code, distance is the larger of the two along the axes, and the
image's frame is an outline too. They say nothing of ignored pixels: here they belong to no band, and where a category
meets them is no outline. Sums are taken over the data set, as for IoU.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from model.categories import COUNT, IGNORE

DILATION_RATIO = 0.02
"""Width of the bands, as a share of the image's diagonal."""


def width_of_band(size: tuple[int, int], *, ratio: float = DILATION_RATIO) -> int:
    """Return the width in pixels, at least 1, of the bands in an image of `size` (height, width)."""
    return max(1, round(ratio * math.hypot(*size)))


def band(labels: np.ndarray, width: int) -> np.ndarray:
    """Find the pixels near an outline.

    Args:
        labels: see the module's array contract.
        width: pixels, along either axis, at which an outline or the frame is near.

    Returns:
        bool (height, width), False where the label is `IGNORE`.
    """
    ignored = labels == IGNORE
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    # The least and the greatest label around: where they are the pixel's own, all are. Ignored pixels are neither, and
    # what lies beyond the frame is left out by OpenCV.
    least = cv2.erode(labels, window)
    greatest = cv2.dilate(np.where(ignored, 0, labels).astype(np.uint8), window)
    near = (least != labels) | (greatest != labels)
    near[:width] = near[-width:] = True
    near[:, :width] = near[:, -width:] = True
    return near & ~ignored


def count(truth: np.ndarray, predicted: np.ndarray, *, ratio: float = DILATION_RATIO) -> np.ndarray:
    """Count the pixels of the bands of one image.

    Args:
        truth: labels, `IGNORE` where a pixel does not count.
        predicted: labels, of the same size, of which those pixels are left out too.
        ratio: see `width_of_band`.

    Returns:
        `sums` of the module's array contract.

    Raises:
        ValueError: the sizes differ.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"Received masks of {truth.shape} and {predicted.shape}. Expected one size.")
    width = width_of_band(truth.shape, ratio=ratio)
    predicted = np.where(truth == IGNORE, IGNORE, predicted).astype(np.uint8)
    in_truth, in_answer = band(truth, width), band(predicted, width)
    both = in_truth & in_answer & (truth == predicted)
    masks = ((truth, both), (truth, in_truth), (predicted, in_answer))
    return np.stack([np.bincount(labels[chosen], minlength=COUNT) for labels, chosen in masks])


def iou(sums: np.ndarray) -> np.ndarray:
    """Return boundary IoU by category, float64 (8,), 0 to 1, NaN where a category never occurs."""
    both, truth, answer = sums.astype(np.float64)
    union = truth + answer - both
    return np.divide(both, union, out=np.full(COUNT, np.nan), where=union > 0)
