"""Boundary IoU against its definition, pixel by pixel, and against cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import COUNT, IGNORE
from model.training.evaluation import boundaries


def band_by_definition(mask: np.ndarray, width: int) -> np.ndarray:
    """A category's band: its pixels with something else, or the frame, at most `width` away along either axis."""
    beyond = np.pad(~mask, width, constant_values=True)
    near = np.zeros_like(mask)
    for down in range(2 * width + 1):
        for across in range(2 * width + 1):
            near |= beyond[down : down + mask.shape[0], across : across + mask.shape[1]]
    return mask & near


@pytest.fixture
def masks() -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer in blobs of many sizes, all eight categories."""
    random = np.random.default_rng(7)
    labels = random.integers(0, COUNT, (5, 7)).astype(np.uint8).repeat(12, 0).repeat(13, 1)
    answer = np.roll(labels, (2, -3), (0, 1))
    answer[20:24, 10:40] = 3
    return labels, answer


@pytest.mark.parametrize("width", [1, 3, 7])
def test_the_bands_are_those_of_the_definition(masks, width):
    truth, _ = masks
    found = boundaries.band(truth, width)
    for category in range(COUNT):
        np.testing.assert_array_equal(found & (truth == category), band_by_definition(truth == category, width))


def test_the_score_is_that_of_the_definition(masks):
    truth, answer = masks
    width = boundaries.width_of_band(truth.shape)
    assert width == 2  # 2 % of the diagonal of 91 x 60
    scores = boundaries.iou(boundaries.count(truth, answer))
    for category in range(COUNT):
        expected, found = (band_by_definition(mask == category, width) for mask in (truth, answer))
        assert scores[category] == pytest.approx((expected & found).sum() / (expected | found).sum())


def test_the_width_is_two_of_100_of_the_diagonal():
    assert boundaries.width_of_band((1024, 2048)) == 46
    assert boundaries.width_of_band((8, 8)) == 1


def test_where_a_category_meets_ignored_pixels_is_no_outline():
    truth = np.full((40, 40), 1, np.uint8)
    truth[:, 20:] = IGNORE
    near = boundaries.band(truth, 2)
    assert not near[2:-2, 2:20].any()
    assert not near[:, 20:].any()
    assert near[:2, :20].all()


def test_what_is_answered_on_ignored_pixels_changes_nothing(masks):
    truth, answer = masks
    truth = truth.copy()
    truth[10:30, 10:50] = IGNORE
    other = np.where(truth == IGNORE, 5, answer).astype(np.uint8)
    np.testing.assert_array_equal(boundaries.count(truth, answer), boundaries.count(truth, other))


def test_an_answer_that_is_too_small_all_around_scores_by_its_band_alone():
    # A square of 40 pixels answered 2 pixels too small on each side, in bands of 2: no pixel in common.
    truth = np.zeros((70, 70), np.uint8)
    truth[15:55, 15:55] = 7
    answer = np.zeros_like(truth)
    answer[17:53, 17:53] = 7
    assert boundaries.width_of_band(truth.shape) == 2
    assert boundaries.iou(boundaries.count(truth, answer))[7] == 0
    assert boundaries.iou(boundaries.count(truth, truth))[7] == 1


def test_a_category_that_never_occurs_has_no_score():
    scores = boundaries.iou(boundaries.count(np.ones((9, 9), np.uint8), np.ones((9, 9), np.uint8)))
    assert scores[1] == 1
    assert np.isnan(np.delete(scores, 1)).all()


def test_masks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="Expected one size"):
        boundaries.count(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
