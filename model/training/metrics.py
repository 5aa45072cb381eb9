"""Scores from one confusion matrix over a whole data set, as the official Cityscapes scripts count.

Array contract: `confusion` int64 (categories, categories), rows are truth and columns prediction, in pixels; `labels`
uint8 of any shape, category ids.
"""

from __future__ import annotations

import numpy as np

from model.categories import COUNT, IGNORE, VOID


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count pixels by true and predicted category.

    Args:
        truth: uint8 category ids, `IGNORE` (255) where a pixel does not count.
        predicted: uint8 category ids of the same shape.

    Returns:
        int64 (8, 8).

    Raises:
        ValueError: the shapes differ, or an id is neither a category nor, in `truth`, `IGNORE`.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"Received masks of shape {truth.shape} and {predicted.shape}. Expected one shape.")
    counts = truth != IGNORE
    truth, predicted = truth[counts], predicted[counts]
    if truth.size and max(truth.max(), predicted.max()) >= COUNT:
        raise ValueError(f"Received ids up to {max(truth.max(), predicted.max())}. Expected 0 to {COUNT - 1}.")
    pairs = truth.astype(np.int64) * COUNT + predicted
    return np.bincount(pairs, minlength=COUNT * COUNT).reshape(COUNT, COUNT)


def intersection_over_union(confusion: np.ndarray) -> np.ndarray:
    """Return TP / (TP + FP + FN) of each category.

    Args:
        confusion: int64 (categories, categories), or many of them, (..., categories, categories).

    Returns:
        float64 (..., categories), NaN where a category never occurs.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    union = confusion.sum(-2) + confusion.sum(-1) - hits
    return np.divide(hits, union, out=np.full_like(hits, np.nan), where=union > 0)


def mean_iou(confusion: np.ndarray, *, without_void: bool) -> float:
    """Return the mean over the categories that occur, 0 to 1; NaN where none does.

    Args:
        confusion: int64 (8, 8).
        without_void: leave void out of the mean, as the official category score does.
    """
    return mean_of_known(intersection_over_union(confusion)[VOID + 1 if without_void else VOID :])


def mean_of_known(values: np.ndarray) -> float:
    """Return the mean of the values that are numbers; NaN where none is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Return the share of counted pixels that are right, 0 to 1; NaN where no pixel counts."""
    total = confusion.sum()
    return float(np.diagonal(confusion).sum() / total) if total else float("nan")
