"""Losses for training: cross-entropy and Dice, ignored pixels masked out of both prediction and truth.

Array contract: `labels` integers (batch, height, width), category ids, `IGNORE` (255) where there is no ground truth;
`logits` float32 (batch, height, width, categories) before softmax. A loss is a float32 scalar. An ignored pixel has
no gradient; a batch of nothing but ignored pixels costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import KerasTensor, ops

from model.categories import COUNT, IGNORE

Loss = Callable[[KerasTensor, KerasTensor], KerasTensor]

# Below the smallest count that matters, one pixel, and large enough to keep 0/0 finite in float32.
_SMOOTH = 1.0


def cross_entropy(category_weights: Sequence[float]) -> Loss:
    """Make the weighted mean over labelled pixels of -log p[label].

    Args:
        category_weights: one weight of at least 0 for each category; they are relative, since the mean is divided by
            the sum of the weights of the pixels it runs over, as in PyTorch's `CrossEntropyLoss`.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, or all are 0.
    """
    _check_weights(category_weights)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = _one_hot(labels)
        weights = truth * ops.convert_to_tensor(category_weights, dtype="float32")
        total = ops.sum(weights * -ops.log_softmax(logits))
        return total / ops.maximum(ops.sum(weights), 1e-6)

    return loss


def dice(category_weights: Sequence[float]) -> Loss:
    """Make 1 - (2 TP + s) / (2 TP + FP + FN + s), each category over the whole batch, then their weighted mean.

    A category absent from both batch and prediction costs nothing.
    Source: V-Net, Milletari et al. 2016, arXiv 1606.04797; s = 1 pixel.

    Args:
        category_weights: one weight of at least 0 for each category, relative to each other.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, or all are 0.
    """
    _check_weights(category_weights)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = _one_hot(labels)
        labelled = ops.sum(truth, axis=-1, keepdims=True)
        probabilities = ops.softmax(logits) * labelled
        hits = ops.sum(truth * probabilities, axis=(0, 1, 2))
        both = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(probabilities, axis=(0, 1, 2))
        costs = 1 - (2 * hits + _SMOOTH) / (both + _SMOOTH)
        weights = ops.convert_to_tensor(category_weights, dtype="float32")
        return ops.sum(costs * weights) / ops.sum(weights)

    return loss


def cross_entropy_and_dice(
    *, cross_entropy_weights: Sequence[float], dice_weights: Sequence[float], dice_share: float
) -> Loss:
    """Make cross-entropy + `dice_share` x Dice: the one for every pixel, the other for the small categories.

    Args:
        cross_entropy_weights: see `cross_entropy`.
        dice_weights: see `dice`.
        dice_share: at least 0; at 0 the Dice part is not computed.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: weights are refused by `cross_entropy` or `dice`, or the share is negative.
    """
    if dice_share < 0:
        raise ValueError(f"The share of the Dice loss is {dice_share}. Expected at least 0.")
    pixelwise, region = cross_entropy(cross_entropy_weights), dice(dice_weights)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        if not dice_share:
            return pixelwise(labels, logits)
        return pixelwise(labels, logits) + dice_share * region(labels, logits)

    return loss


def _one_hot(labels: KerasTensor) -> KerasTensor:
    """Return float32 (..., categories), all zeros where the label is `IGNORE`."""
    labels = ops.cast(labels, "int32")
    # Ids outside the range are not promised to become zeros on every backend, so IGNORE is masked by hand.
    labelled = ops.cast(ops.not_equal(labels, IGNORE), "float32")
    inside = ops.where(ops.equal(labels, IGNORE), 0, labels)
    return ops.one_hot(inside, COUNT, dtype="float32") * labelled[..., None]


def _check_weights(weights: Sequence[float]) -> None:
    if len(weights) != COUNT or min(weights) < 0 or max(weights) <= 0:
        raise ValueError(
            f"Category weights are {list(weights)}. Expected {COUNT} numbers of at least 0, one above 0 among them."
        )
