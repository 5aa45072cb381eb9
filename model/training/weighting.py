"""What each category weighs in the pixelwise losses: numbers, or a scheme over how often it occurs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from model.categories import COUNT, IGNORE, VOID
from model.data.exploration.weights import SCHEMES, suggest
from model.data.samples import Sample

# Void is learnt, so that the bonnet of the car is not called vehicle, but must not outvote what is scored.
VOID_WEIGHT = 0.25
EQUAL = ",".join(f"{VOID_WEIGHT if category == VOID else 1:g}" for category in range(COUNT))


def category_weights(spec: str, samples: Sequence[Sample]) -> list[float]:
    """Return one weight for each category.

    Args:
        spec: eight numbers of at least 0 in the order of ids, parted by commas, or one of `SCHEMES`, whose weight for
            void is then taken a quarter.
        samples: whose masks a scheme counts.

    Returns:
        Eight numbers, relative to each other.

    Raises:
        ValueError: the text is neither.
    """
    if spec not in SCHEMES:
        return numbers(spec)
    weights = [float(weight) for weight in suggest(_counts(samples), spec)]
    weights[VOID] *= VOID_WEIGHT
    return weights


def numbers(spec: str) -> list[float]:
    """Return the eight numbers of a text such as "0.25,1,1,1,1,1,1,1".

    Raises:
        ValueError: they are not eight numbers of at least 0.
    """
    try:
        weights = [float(word) for word in spec.split(",")]
    except ValueError:
        weights = []
    if len(weights) != COUNT or not all(0 <= weight < float("inf") for weight in weights) or not any(weights):
        raise ValueError(
            f"--category-weights is {spec!r}. Expected {COUNT} numbers of at least 0, not all 0, parted by commas, or "
            f"one of {', '.join(SCHEMES)}."
        )
    return weights


def _counts(samples: Sequence[Sample]) -> np.ndarray:
    """Return int64 (images, categories): labelled pixels."""
    with ThreadPoolExecutor(2) as pool:
        counts = pool.map(lambda sample: np.bincount(sample.read().labels.ravel(), minlength=IGNORE + 1), samples)
        return np.stack([each[:COUNT] for each in counts])
