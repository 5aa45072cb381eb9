"""Losses of single pixels, averaged over those that are labelled: cross-entropy and focal.

Array contract: as in `model.training.losses`. Both divide by the sum of the weights of the pixels that they run over,
as PyTorch's `CrossEntropyLoss` does, so only the ratios of the weights matter and `focal(alpha=1, gamma=0)` is
`cross_entropy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import KerasTensor, ops

from model.training.losses.truth import Loss, check_parameter, check_weights, one_hot

# The smallest doubt that is raised to a power: below 1, a power has an infinite slope at 0.
_LEAST_DOUBT = 1e-7


def cross_entropy(category_weights: Sequence[float]) -> Loss:
    """Make the weighted mean over labelled pixels of -log p[label].

    Args:
        category_weights: one weight of at least 0 for each category; all 1 for plain cross-entropy, larger for rare
            categories for the weighted one. They are relative, since the mean is divided by their sum over its pixels.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: there is not one weight for each category, a weight is negative, or all are 0.
    """
    return _weighted_mean(category_weights, lambda log_probabilities: -log_probabilities)


def focal(category_weights: Sequence[float], *, alpha: float = 0.25, gamma: float = 2.0) -> Loss:
    """Make the weighted mean over labelled pixels of -alpha (1 - p)^gamma log p, p being p[label].

    Source: Lin et al. 2017, arXiv 1708.02002, equation 5, for many categories as Keras's
    `CategoricalFocalCrossentropy` does it: `alpha` scales all alike, the weights tell the categories apart.

    Args:
        category_weights: see `cross_entropy`.
        alpha: above 0; the paper's best.
        gamma: at least 0; how much less an easy pixel counts.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: weights are refused by `cross_entropy`, or a parameter is outside its range.
    """
    check_parameter("alpha", alpha, low=0, above=True)
    check_parameter("gamma", gamma, low=0)

    def cost(log_probabilities: KerasTensor) -> KerasTensor:
        doubt = ops.maximum(-ops.expm1(log_probabilities), _LEAST_DOUBT)
        return -alpha * doubt**gamma * log_probabilities

    return _weighted_mean(category_weights, cost)


def _weighted_mean(category_weights: Sequence[float], cost: Callable[[KerasTensor], KerasTensor]) -> Loss:
    """Make the weighted mean of `cost`, which takes the log-probabilities (batch, height, width) of the labels."""
    check_weights(category_weights)

    def loss(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = one_hot(labels)
        of_label = ops.sum(truth * ops.log_softmax(ops.cast(logits, "float32")), axis=-1)
        weights = ops.sum(truth * ops.convert_to_tensor(category_weights, dtype="float32"), axis=-1)
        total = ops.sum(weights)
        # Nothing to learn from costs 0, and must not divide by 0.
        return ops.sum(weights * cost(of_label)) / ops.where(ops.equal(total, 0), 1.0, total)

    return loss
