"""The Lovász softmax loss: a convex surrogate of the Jaccard index itself, from each category's errors in their order.

Source: Berman, Rannen Triki and Blaschko 2018, arXiv 1705.08790, equations 8 to 11. For certain answers,
probabilities of 0 and 1, it equals the Jaccard loss `1 - IoU` of the categories present.

The published code sorts. Here errors are counted in `BINS` bins from 1 to 0 instead, since sorting a million pixels for
each category takes seconds: what the pixels of a bin together add to the Jaccard loss is exact, only their order within
the bin is left open. So the loss is off by at most the width of a bin, 1 / (`BINS` - 1). At a million pixels it was off
float64 by 6e-8, and its slope by 6e-5 of its length, where the published code in float32 was by 2e-6 and 3e-3.

Array contract: as in `model.training.losses`.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import KerasTensor, ops

from model.categories import COUNT
from model.training.losses.truth import Loss, check_weights, masked_softmax, one_hot, over_pixels

BINS = 16384


def lovasz(region_weights: Sequence[float]) -> Loss:
    """Make the sum of errors times what each adds to the Jaccard loss, largest first; the mean of categories present.

    An error is 1 - p where the pixel is of the category, p elsewhere. Categories are pooled over the whole batch; one
    that the batch does not have costs nothing.

    Args:
        region_weights: one weight of at least 0 for each category, relative to each other; 0 leaves one out.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, or all are 0.
    """
    check_weights(region_weights)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = one_hot(labels)
        errors = truth + (1 - 2 * truth) * masked_softmax(logits, truth)
        costs = over_pixels(errors * ops.stop_gradient(_increments(errors, truth)))
        present = ops.cast(ops.any(truth > 0, axis=(0, 1, 2)), "float32")
        weights = present * ops.convert_to_tensor(region_weights, dtype="float32")
        total = ops.sum(weights)
        # Without any category that counts the loss is 0, and must not divide by 0.
        return ops.sum(costs * weights) / ops.where(ops.equal(total, 0), 1.0, total)

    return loss


def _increments(errors: KerasTensor, truth: KerasTensor) -> KerasTensor:
    """Return what each pixel adds to the Jaccard loss of each category, of the shape of `errors`, float32."""
    # Only those without an error are in the last bin, ignored pixels among them, where they move nothing. Not a number
    # has some rank too: it shall make the loss one, not an index that there isn't.
    rank = ops.clip(ops.cast((1 - errors) * (BINS - 1), "int32"), 0, BINS - 1)
    row = ops.cast(truth, "int32") * COUNT + ops.arange(COUNT, dtype="int32")
    place = row * BINS + rank
    ones = ops.reshape(ops.ones_like(errors), (-1,))
    counts = ops.segment_sum(ones, ops.reshape(place, (-1,)), num_segments=2 * COUNT * BINS)
    outside, inside = ops.unstack(ops.reshape(counts, (2, COUNT, BINS)))
    return ops.take(ops.reshape(_steps(outside, inside), (-1,)), place)


def _steps(outside: KerasTensor, inside: KerasTensor) -> KerasTensor:
    """Return what one pixel outside a category, and one inside, adds to its Jaccard loss, by bin.

    The pixels of a bin and all before it being wrong, the intersection is what is left of the category, the union the
    whole of it and the wrong pixels outside. Whether a bin's pixels inside the category come first or those outside
    is left open, so a pixel gets the mean of both orders.

    Args:
        outside: how many pixels in each bin are not of the category, float32 (categories, BINS).
        inside: how many are.

    Returns:
        float32 (2, categories, BINS).
    """
    whole = ops.sum(inside, axis=-1, keepdims=True)
    left = whole - ops.cumsum(inside, axis=-1)
    union = whole + ops.cumsum(outside, axis=-1)
    # Without a pixel of the category its union begins at 0, and its steps are 0 all along.
    after, before = ops.maximum(union, 1.0), ops.maximum(union - outside, 1.0)
    return ops.stack([(left + inside / 2) / after / before, (1 / after + 1 / before) / 2])
