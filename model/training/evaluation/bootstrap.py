"""How far a score may be off by the choice of images: the bootstrap.

Array contract: `confusions` int64 (images, 8, 8), one confusion matrix for each image; scores float64 (8,) by category
id, of which void has none, NaN.

Images are drawn with replacement, as many as there are, and scored together; what is left out at both ends of many
such scores is the interval (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13: the
percentile interval). Pixels are never drawn, for those of one image are alike. Frames of one city are alike too, though
less: `groups` draws whole cities instead, which tells more about a new city, and needs many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.categories import COUNT, VOID
from model.training import metrics

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 1


@dataclass(frozen=True)
class Intervals:
    """Scores with the bounds between which 95 of 100 resamples lie; the mean over categories comes last.

    Attributes:
        values: float64 (9,), of all images as they are: by category id, then the mean without void.
        low: float64 (9,).
        high: float64 (9,).
        units: how many images, or groups of them, were drawn each time.
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    units: int


def score(confusions: np.ndarray, *, groups: Sequence[str] | None = None, resamples: int = RESAMPLES) -> Intervals:
    """Give the IoU of each category its interval.

    Args:
        confusions: see the module's array contract.
        groups: name of the group, such as the city, of each image; None to draw single images.
        resamples: how many.

    Raises:
        ValueError: there are no images, or fewer than two groups.
    """
    return _intervals([confusions], groups, resamples, lambda iou: iou[0])


def compare(
    ours: np.ndarray, theirs: np.ndarray, *, groups: Sequence[str] | None = None, resamples: int = RESAMPLES
) -> Intervals:
    """Give the difference in IoU of two networks on the same images its interval.

    Both are scored on the same images in every resample, so what is hard about an image cancels out.

    Args:
        ours: `confusions`.
        theirs: the same, of the same images in the same order.
        groups: as in `score`.
        resamples: how many.

    Returns:
        ours - theirs.

    Raises:
        ValueError: the numbers of images differ; else as `score`.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"Received confusions of {ours.shape} and {theirs.shape}. Expected those of the same images.")
    return _intervals([ours, theirs], groups, resamples, lambda iou: iou[0] - iou[1])


def _intervals(sides: list[np.ndarray], groups: Sequence[str] | None, resamples: int, combine) -> Intervals:
    sides = [_grouped(side, groups) for side in sides]
    units = len(sides[0])
    if units < (1 if groups is None else 2):
        raise ValueError(
            f"Received {units} {'images' if groups is None else 'groups of images'} to draw from. Expected more: "
            "resample single images, or score on more cities."
        )
    value = combine([_scores(side.sum(axis=0)) for side in sides])
    drawn = np.random.default_rng(_SEED).multinomial(units, np.full(units, 1 / units), size=resamples)
    draws = combine([_scores(np.tensordot(drawn, side, axes=1)) for side in sides])
    known = np.isfinite(value)
    low, high = np.full((2, COUNT + 1), np.nan)
    tail = (1 - LEVEL) / 2
    # A rare category may be missing from a resample, which then says nothing about it.
    low[known], high[known] = np.nanquantile(draws[:, known], [tail, 1 - tail], axis=0)
    return Intervals(value, low, high, units)


def _grouped(confusions: np.ndarray, groups: Sequence[str] | None) -> np.ndarray:
    if groups is None:
        return confusions
    names, places = np.unique(list(groups), return_inverse=True)
    sums = np.zeros((len(names), COUNT, COUNT), np.int64)
    np.add.at(sums, places, confusions)
    return sums


def _scores(confusions: np.ndarray) -> np.ndarray:
    """Return IoU by category and their mean, float64 (..., 9), from one confusion matrix or many."""
    iou = metrics.intersection_over_union(confusions)
    iou[..., VOID] = np.nan
    occurs = np.isfinite(iou)
    mean = np.where(occurs, iou, 0).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)
    mean = np.where(occurs.any(axis=-1), mean, np.nan)
    return np.concatenate([iou, mean[..., np.newaxis]], axis=-1)
