"""Category weights: numbers as they are written, schemes from the masks."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.samples import Example, Sample
from model.training.weighting import EQUAL, category_weights, numbers


def sample(*ids: int) -> Sample:
    labels = np.array([ids], np.uint8)
    return Sample("x", None, None, lambda: Example(np.zeros((*labels.shape, 3), np.uint8), labels, labels > 0))


def test_numbers_are_taken_as_they_are():
    assert category_weights("0.25,1,1,2,1,1,4,1e-1", []) == [0.25, 1, 1, 2, 1, 1, 4, 0.1]
    assert numbers(EQUAL) == [0.25, 1, 1, 1, 1, 1, 1, 1]


def test_enet_is_computed_from_the_masks_and_void_a_quarter():
    # Half void, a quarter flat and a quarter sky; what has no ground truth does not count.
    weights = category_weights("enet", [sample(0, 0, 1, 255), sample(0, 0, 1, 5), sample(5, 255)])
    assert weights[1] == weights[5] == pytest.approx(1 / np.log(1.02 + 0.25))
    assert weights[0] == pytest.approx(0.25 / np.log(1.02 + 0.5))
    assert weights[2] == 0


def test_median_frequency_divides_by_how_common_a_category_is_where_it_is():
    # Flat fills half of the images it is in, sky a quarter; their median is 3/8.
    weights = category_weights("median-frequency", [sample(1, 1, 5, 6), sample(6, 6, 1, 1)])
    assert weights[1] == pytest.approx(0.375 / 0.5, rel=0.2)
    assert weights[5] / weights[1] == pytest.approx(2)
