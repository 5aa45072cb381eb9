"""What every loss starts from: the truth as one plane for each category, probabilities beside it, and its weights.

Array contract: as in `model.training.losses`; `truth` and `probabilities` float32 (batch, height, width, categories),
all zeros at an ignored pixel, so that neither side counts it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from keras import KerasTensor, ops

from model.categories import COUNT, IGNORE

Loss = Callable[[KerasTensor, KerasTensor], KerasTensor]


def one_hot(labels: KerasTensor) -> KerasTensor:
    """Return the truth as planes.

    Args:
        labels: integers (batch, height, width), `IGNORE` where there is no ground truth; Keras hands them over as
            float32.

    Returns:
        float32 (batch, height, width, categories), 1 at a pixel's category, all zeros where it is ignored.
    """
    labels = ops.cast(labels, "int32")
    # Ids outside the range are not promised to become zeros on every backend, so IGNORE is masked by hand.
    labelled = ops.cast(ops.not_equal(labels, IGNORE), "float32")
    inside = ops.where(ops.equal(labels, IGNORE), 0, labels)
    return ops.one_hot(inside, COUNT, dtype="float32") * labelled[..., None]


def masked_softmax(logits: KerasTensor, truth: KerasTensor) -> KerasTensor:
    """Return the probabilities, taken in float32 whatever the dtype of the logits, zeros where `truth` ignores."""
    labelled = ops.sum(truth, axis=-1, keepdims=True)
    return ops.softmax(ops.cast(logits, "float32")) * labelled


def over_pixels(planes: KerasTensor) -> KerasTensor:
    """Return the sums over all pixels of a batch, float32 (categories,).

    In two steps: TensorFlow adds up one after the other, and a million small numbers lose digits on the way.
    """
    return ops.sum(ops.sum(planes, axis=2), axis=(0, 1))


def check_weights(weights: Sequence[float]) -> None:
    """Refuse weights that no loss can be weighed by.

    Args:
        weights: one number for each category.

    Raises:
        ValueError: there is not one for each category, one is negative or not finite, or all are 0.
    """
    usable = len(weights) == COUNT and all(math.isfinite(weight) and weight >= 0 for weight in weights)
    if not usable or max(weights) <= 0:
        raise ValueError(
            f"Category weights are {list(weights)}. Expected {COUNT} numbers of at least 0, one above 0 among them."
        )


def check_parameter(name: str, value: float, *, low: float, high: float = math.inf, above: bool = False) -> None:
    """Refuse a parameter of a loss that is outside its range.

    Args:
        name: the parameter, for the message.
        value: what was given.
        low: the least value allowed.
        high: the greatest value allowed.
        above: whether `low` itself is refused too.

    Raises:
        ValueError: the value is outside or not finite.
    """
    if math.isfinite(value) and low <= value <= high and not (above and value == low):
        return
    expected = f"a number {'above' if above else 'of at least'} {low:g}"
    if math.isfinite(high):
        expected = f"a number from {low:g} to {high:g}"
    raise ValueError(f"The loss's {name} is {value}. Expected {expected}.")
