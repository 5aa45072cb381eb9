"""Scores against scikit-learn and against hand-computable tables."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score

from model.categories import COUNT, IGNORE
from model.training import metrics

CATEGORIES = list(range(COUNT))


@pytest.fixture
def masks() -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer that agree on about two pixels of three."""
    random = np.random.default_rng(3)
    truth = random.integers(0, COUNT, (40, 60)).astype(np.uint8)
    noise = random.integers(0, COUNT, truth.shape).astype(np.uint8)
    return truth, np.where(random.random(truth.shape) < 0.6, truth, noise).astype(np.uint8)


def test_confusion_matrix_equals_scikit_learns(masks):
    truth, answer = masks
    expected = confusion_matrix(truth.ravel(), answer.ravel(), labels=CATEGORIES)
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, answer), expected)


def test_iou_equals_scikit_learns_jaccard_score(masks):
    truth, answer = masks
    expected = jaccard_score(truth.ravel(), answer.ravel(), labels=CATEGORIES, average=None)
    actual = metrics.intersection_over_union(metrics.confusion_matrix(truth, answer))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_pixel_accuracy_equals_scikit_learns(masks):
    truth, answer = masks
    expected = accuracy_score(truth.ravel(), answer.ravel())
    assert metrics.pixel_accuracy(metrics.confusion_matrix(truth, answer)) == pytest.approx(expected)


def test_ignored_pixels_do_not_count():
    truth = np.array([[1, 2, IGNORE]], np.uint8)
    answer = np.array([[1, 1, 7]], np.uint8)
    confusion = metrics.confusion_matrix(truth, answer)
    assert confusion.sum() == 2
    assert confusion[1, 1] == 1
    assert confusion[2, 1] == 1


def test_a_category_that_never_occurs_has_no_iou_and_is_left_out_of_the_mean():
    confusion = metrics.confusion_matrix(np.array([1, 1, 2, 2], np.uint8), np.array([1, 1, 1, 2], np.uint8))
    scores = metrics.intersection_over_union(confusion)
    np.testing.assert_allclose(scores[[1, 2]], [2 / 3, 1 / 2])
    assert np.isnan(scores[[0, 3, 4, 5, 6, 7]]).all()
    assert metrics.mean_iou(confusion, without_void=True) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_void_counts_in_the_mean_of_eight_alone():
    confusion = metrics.confusion_matrix(np.array([0, 0, 1, 1], np.uint8), np.array([0, 1, 1, 1], np.uint8))
    assert metrics.mean_iou(confusion, without_void=False) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics.mean_iou(confusion, without_void=True) == pytest.approx(2 / 3)


def test_nothing_counted_gives_no_score():
    confusion = metrics.confusion_matrix(np.array([IGNORE], np.uint8), np.array([1], np.uint8))
    assert np.isnan(metrics.mean_iou(confusion, without_void=True))
    assert np.isnan(metrics.pixel_accuracy(confusion))


def test_masks_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2\) and \(2, 3\)"):
        metrics.confusion_matrix(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


def test_ids_outside_the_categories_are_refused():
    with pytest.raises(ValueError, match=r"ids up to 9\. Expected 0 to 7"):
        metrics.confusion_matrix(np.array([1], np.uint8), np.array([9], np.uint8))
