"""Category weights, by hand from the formulas of the two papers."""

from __future__ import annotations

import math

import pytest

from model.data.exploration import weights

# Two images of ten pixels, four categories; the second is missing in the second image, the last in both.
COUNTS = [[6, 2, 2, 0], [8, 0, 2, 0]]


def test_median_frequency_counts_only_images_that_have_the_category():
    # Frequencies 14 of 20, 2 of 10 and 4 of 20; their median is 0.2.
    assert weights.suggest(COUNTS, "median-frequency") == pytest.approx([0.2 / 0.7, 1, 1, 0])


def test_enet_is_one_over_the_logarithm_of_share_and_constant():
    expected = [1 / math.log(1.02 + share) for share in (0.7, 0.1, 0.2)]
    assert weights.suggest(COUNTS, "enet") == pytest.approx([*expected, 0])


def test_an_unknown_scheme_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'inverse'.*median-frequency, enet"):
        weights.suggest(COUNTS, "inverse")


@pytest.mark.parametrize("counts", [[[0, 0]], [3, 4]])
def test_counts_without_pixels_or_images_are_refused(counts):
    with pytest.raises(ValueError, match="Received counts of shape"):
        weights.suggest(counts, "enet")


def test_the_flag_is_eight_numbers_in_id_order():
    assert weights.flag([1, 0.123456, 12.3456, 50.49835]) == "--category-weights 1,0.1235,12.35,50.5"
