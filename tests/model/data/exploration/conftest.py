"""Samples from memory, and the small set that several tests look at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from model.data.exploration.gathering import Collection, gather
from model.data.samples import Example, Sample

# Rows of category ids: each image is 2 x 5 pixels. Human (6) and vehicle (7) are in two of the four.
MASKS = {
    "ulm_1": [[1, 1, 1, 1, 5], [1, 1, 2, 6, 7]],
    "ulm_2": [[1, 1, 1, 1, 1], [1, 2, 2, 2, 2]],
    "jena_1": [[1, 1, 1, 255, 255], [0, 0, 2, 7, 7]],
    "bonn_1": [[5, 5, 5, 5, 5], [6, 1, 6, 7, 7]],
}


@pytest.fixture
def sample() -> Callable[..., Sample]:
    """A function that makes a sample of a mask, and of an image that is grey unless one is given."""

    def make(labels, *, image: np.ndarray | None = None, name: str = "one", **options) -> Sample:
        labels = np.asarray(labels, np.uint8)
        shown = np.full((*labels.shape, 3), 100, np.uint8) if image is None else image
        return Sample(name, None, None, lambda: Example(shown, labels, labels != 255), **options)

    return make


@pytest.fixture
def collection(sample) -> Collection:
    """Four hand-made images of three cities: ulm and jena train, bonn validates."""
    made = {name: sample(mask, name=name) for name, mask in MASKS.items()}
    return gather({"train": [made["ulm_1"], made["ulm_2"], made["jena_1"]], "val": [made["bonn_1"]]})
