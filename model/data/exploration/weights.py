"""Weights of the categories in a loss, so that rare ones count: two schemes from the literature.

Array contract: `counts` int64 (images, 8), pixels by category and image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SCHEMES = ("median-frequency", "enet")
_ENET_CONSTANT = 1.02


def suggest(counts: np.ndarray, scheme: str) -> list[float]:
    """Suggest a weight for each category.

    `median-frequency`: median(f) / f, where f is a category's pixels over all pixels of the images it occurs in, and
    the median is over the categories that occur (D. Eigen, R. Fergus, "Predicting Depth, Surface Normals and Semantic
    Labels with a Common Multi-Scale Convolutional Architecture", ICCV 2015, section 6.3.1).
    `enet`: 1 / ln(1.02 + p), where p is a category's pixels over all pixels (A. Paszke et al., "ENet: A Deep Neural
    Network Architecture for Real-Time Semantic Segmentation", 2016, section 5.1).

    Args:
        counts: int (images, categories), of the images that are trained on.
        scheme: one of `SCHEMES`.

    Returns:
        One weight per category, 0 or more, in id order; 0 for a category that never occurs, since nothing teaches it.

    Raises:
        ValueError: the scheme is unknown, or there are no pixels.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"Unknown scheme {scheme!r} of category weights. Expected one of {', '.join(SCHEMES)}.")
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 2 or not counts.sum():
        raise ValueError(f"Received counts of shape {counts.shape}. Expected (images, categories) with some pixels.")
    occurs = counts.sum(axis=0) > 0
    weights = _median_frequency(counts, occurs) if scheme == "median-frequency" else _enet(counts)
    return np.where(occurs, weights, 0.0).tolist()


def flag(weights: Sequence[float]) -> str:
    """Write weights as the flag of `python -m model train`, with four significant digits."""
    return f"--category-weights {','.join(f'{weight:.4g}' for weight in weights)}"


def _median_frequency(counts: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    around = ((counts > 0) * counts.sum(axis=1, keepdims=True)).sum(axis=0)
    frequency = np.where(occurs, counts.sum(axis=0) / np.maximum(around, 1), 1.0)
    return np.median(frequency[occurs]) / frequency


def _enet(counts: np.ndarray) -> np.ndarray:
    return 1 / np.log(_ENET_CONSTANT + counts.sum(axis=0) / counts.sum())
