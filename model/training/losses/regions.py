"""Losses of regions: how well each category's pixels overlap, over the whole batch, then the mean of the categories.

TP = sum p g, FP = sum p (1 - g), FN = sum (1 - p) g, p being the probability, g the truth, over all labelled pixels of
the batch. All are cases of Tversky's, `1 - (TP + s) / (TP + a FP + b FN + s)`, which is computed without subtracting
nearly equal numbers, as `(a FP + b FN) / (TP + a FP + b FN + s)`. A category absent from both batch and prediction
costs nothing.

Array contract: as in `model.training.losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import KerasTensor, ops

from model.training.losses.truth import Loss, check_parameter, check_weights, masked_softmax, one_hot, over_pixels

# One pixel: enough to keep 0/0 away, too little for any region that matters.
SMOOTH = 1.0
# Costs below it are raised to a power along a straight line, which has no infinite slope at 0.
_LEAST_COST = 1e-6


def dice(region_weights: Sequence[float], *, smooth: float = SMOOTH) -> Loss:
    """Make 1 - (2 TP + s) / (2 TP + FP + FN + s), the mean over the categories by weight.

    Source: V-Net, Milletari et al. 2016, arXiv 1606.04797, with plain instead of squared sums.

    Args:
        region_weights: one weight of at least 0 for each category, relative to each other; 0 leaves one out.
        smooth: s, pixels, above 0.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, all are 0, or `smooth` is not
            above 0.
    """
    # Before it is halved, so that what is refused is what was given.
    check_parameter("smooth", smooth, low=0, above=True)
    # Tversky's formula has half of Dice's numerator and denominator.
    return tversky(region_weights, alpha=0.5, beta=0.5, smooth=smooth / 2)


def jaccard(region_weights: Sequence[float], *, smooth: float = SMOOTH) -> Loss:
    """Make 1 - (TP + s) / (TP + FP + FN + s), the mean over the categories by weight: a soft IoU.

    Source: Rahman and Wang 2016, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation".

    Args:
        region_weights: see `dice`.
        smooth: s, pixels, above 0.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: as `dice`.
    """
    return tversky(region_weights, alpha=1, beta=1, smooth=smooth)


def tversky(region_weights: Sequence[float], *, alpha: float = 0.3, beta: float = 0.7, smooth: float = SMOOTH) -> Loss:
    """Make 1 - (TP + s) / (TP + alpha FP + beta FN + s), the mean over the categories by weight.

    Source: Salehi et al. 2017, arXiv 1706.05721, equation 3; the defaults, which prefer a false alarm to a miss, are
    the best of its table 1.

    Args:
        region_weights: see `dice`.
        alpha: what a pixel wrongly said to be of the category costs, at least 0.
        beta: what a pixel of the category that was missed costs, at least 0.
        smooth: s, pixels, above 0.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: as `dice`, or `alpha` or `beta` is negative.
    """
    return _region(region_weights, (alpha, beta, smooth), lambda costs: costs)


def focal_tversky(
    region_weights: Sequence[float],
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    smooth: float = SMOOTH,
) -> Loss:
    """Make the Tversky cost of each category to the power of gamma, then the mean over the categories by weight.

    Source: Abraham and Khan 2018, arXiv 1810.07842, equation 4, where this gamma is called 1 / gamma and is 3 / 4, and
    alpha and beta have changed places.

    Args:
        region_weights: see `dice`.
        alpha: see `tversky`.
        beta: see `tversky`.
        gamma: above 0; below 1 it makes categories matter more that are nearly learnt, above 1 those that are not.
        smooth: s, pixels, above 0.

    Returns:
        A loss of `labels` and `logits`, from 0 to 1.

    Raises:
        ValueError: as `tversky`, or `gamma` is not above 0.
    """
    check_parameter("gamma", gamma, low=0, above=True)

    def power(costs: KerasTensor) -> KerasTensor:
        curve = ops.maximum(costs, _LEAST_COST) ** gamma
        line = costs * _LEAST_COST ** (gamma - 1)
        return ops.where(costs > _LEAST_COST, curve, line)

    return _region(region_weights, (alpha, beta, smooth), power)


def _region(
    region_weights: Sequence[float],
    parameters: tuple[float, float, float],
    shape: Callable[[KerasTensor], KerasTensor],
) -> Loss:
    """Make the weighted mean of `shape` of the Tversky costs (categories,)."""
    check_weights(region_weights)
    alpha, beta, smooth = parameters
    check_parameter("alpha", alpha, low=0)
    check_parameter("beta", beta, low=0)
    check_parameter("smooth", smooth, low=0, above=True)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = one_hot(labels)
        costs = shape(_tversky_costs(truth, masked_softmax(logits, truth), alpha=alpha, beta=beta, smooth=smooth))
        weights = ops.convert_to_tensor(region_weights, dtype="float32")
        return ops.sum(costs * weights) / ops.sum(weights)

    return loss


def _tversky_costs(
    truth: KerasTensor, probabilities: KerasTensor, *, alpha: float, beta: float, smooth: float
) -> KerasTensor:
    """Return the cost of each category, float32 (categories,)."""
    hits = over_pixels(truth * probabilities)
    false_alarms = over_pixels((1 - truth) * probabilities)
    misses = over_pixels(truth * (1 - probabilities))
    wrong = alpha * false_alarms + beta * misses
    return wrong / (hits + wrong + smooth)
