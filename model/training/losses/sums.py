"""Losses made of losses: sums by weight, and combo.

Array contract: as in `model.training.losses`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from keras import KerasTensor

from model.training.losses.pixelwise import cross_entropy
from model.training.losses.regions import SMOOTH, dice
from model.training.losses.truth import Loss, check_parameter


def weighted_sum(terms: Sequence[tuple[float, Loss]]) -> Loss:
    """Make the sum of weight x loss.

    Args:
        terms: weights of at least 0, and their losses; one of weight 0 is not computed.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: a weight is negative or not finite, or there is none above 0.
    """
    for weight, _ in terms:
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"A loss's weight in the sum is {weight}. Expected a number of at least 0.")
    counted = [(weight, term) for weight, term in terms if weight > 0]
    if not counted:
        raise ValueError(f"The weights of the sum of losses are {[w for w, _ in terms]}. Expected one above 0.")

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        return sum(weight * term(labels, logits) for weight, term in counted)

    return loss


def combo(
    category_weights: Sequence[float],
    *,
    region_weights: Sequence[float],
    ratio: float = 0.5,
    smooth: float = SMOOTH,
) -> Loss:
    """Make ratio x cross-entropy + (1 - ratio) x Dice.

    Source: Taghanaki et al. 2018, arXiv 1805.02798, with the Dice loss where the paper subtracts the coefficient,
    which differs by a constant.

    Args:
        category_weights: of the cross-entropy; see `cross_entropy`.
        region_weights: of the Dice loss; see `dice`.
        ratio: the cross-entropy's share, from 0 to 1.
        smooth: see `dice`.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: weights are refused by `cross_entropy` or `dice`, or a parameter is outside its range.
    """
    check_parameter("ratio", ratio, low=0, high=1)
    pixelwise, region = cross_entropy(category_weights), dice(region_weights, smooth=smooth)
    return weighted_sum([(ratio, pixelwise), (1 - ratio, region)])
