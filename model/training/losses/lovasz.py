"""The Lovász softmax loss: a convex surrogate of the Jaccard index itself, by sorting each category's errors.

Source: Berman, Rannen Triki and Blaschko 2018, arXiv 1705.08790, equations 8 to 11 and algorithm 1. For certain
answers, probabilities of 0 and 1, it equals the Jaccard loss `1 - IoU` of the categories present.

Array contract: as in `model.training.losses`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from keras import KerasTensor, ops

from model.training.losses.truth import Loss, check_weights, masked_softmax, one_hot


def lovasz(region_weights: Sequence[float]) -> Loss:
    """Make the sum of sorted errors times the Jaccard loss's increments, the mean over the categories present.

    An error is 1 - p where the pixel is of the category, p elsewhere. Categories are pooled over the whole batch; one
    that the batch does not have costs nothing.

    Args:
        region_weights: one weight of at least 0 for each category, relative to each other; 0 leaves one out, and
            saves its sorting.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, or all are 0.
    """
    check_weights(region_weights)
    counted = np.flatnonzero(np.asarray(region_weights) > 0)
    weights = np.asarray(region_weights, np.float32)[counted]

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        all_truth = one_hot(labels)
        labelled = ops.reshape(ops.sum(all_truth, axis=-1), (1, -1))
        probabilities = _rows(masked_softmax(logits, all_truth), counted)
        truth = _rows(all_truth, counted)
        costs = _costs(truth, probabilities, labelled)
        present = ops.convert_to_tensor(weights) * ops.cast(ops.any(truth > 0, axis=-1), "float32")
        total = ops.sum(present)
        return ops.sum(costs * present) / ops.where(ops.equal(total, 0), 1.0, total)

    return loss


def _rows(planes: KerasTensor, counted: np.ndarray) -> KerasTensor:
    """Return the planes of the categories that are counted, float32 (counted, pixels): sorting runs along rows."""
    return ops.transpose(ops.reshape(ops.take(planes, counted, axis=-1), (-1, len(counted))))


def _costs(truth: KerasTensor, probabilities: KerasTensor, labelled: KerasTensor) -> KerasTensor:
    """Return the cost of each category, float32 (counted,); `labelled` float32 (1, pixels), 0 where ignored."""
    errors = (truth + (1 - 2 * truth) * probabilities) * labelled
    # An ignored pixel's error is 0, but it must come after every pixel that counts, so that it moves none of them.
    order = ops.argsort(ops.stop_gradient(1 - labelled - errors), axis=-1)
    increments = ops.stop_gradient(_increments(ops.take_along_axis(ops.cast(truth, "int32"), order, axis=-1)))
    return ops.sum(ops.take_along_axis(errors, order, axis=-1) * increments, axis=-1)


def _increments(truth: KerasTensor) -> KerasTensor:
    """Return what each next wrong pixel adds to the Jaccard loss, float32, of `truth` int32 (counted, pixels), 0 or 1.

    The first i pixels being wrong, the intersection is what is left of the category, the union the whole of it and
    the wrong pixels outside. One more inside takes 1 / union away; one more outside makes I / U to I / (U + 1).
    Berman's code subtracts neighbouring values of the whole loss instead, which at a million pixels leaves a float32
    one digit.
    """
    left = ops.sum(truth, axis=-1, keepdims=True) - (ops.cumsum(truth, axis=-1) - truth)
    union = ops.sum(truth, axis=-1, keepdims=True) + (ops.cumsum(1 - truth, axis=-1) - (1 - truth))
    left, union = ops.cast(left, "float32"), ops.cast(union, "float32")
    # Without a pixel of the category its union begins at 0, and its increments are 0 all along.
    union = ops.maximum(union, 1.0)
    return ops.where(truth > 0, 1 / union, left / union / (union + 1))
