"""Counting by runs against counting pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from model import categories
from model.categories import IGNORE
from model.data.samples import Example
from model.training import metrics
from model.training.evaluation import truth
from model.training.evaluation.tally import count, tally


def masks(seed: int, *, block: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    expected, answer = (random.integers(0, 34, (6, 9)).astype(np.uint8) for _ in range(2))
    return tuple(mask.repeat(block, 0).repeat(block, 1) for mask in (expected, answer))


@pytest.mark.parametrize("block", [1, 5])
def test_every_pair_of_ids_is_counted_as_often_as_it_occurs(block):
    expected, answer = masks(3, block=block)
    known = truth.from_arrays(expected)
    table = count(known, answer)
    for number, label in enumerate(known.labels):
        for other in range(256):
            assert table[number, other] == np.count_nonzero((expected == label) & (answer == other))


def test_the_official_confusion_is_that_of_scored_pixels():
    expected, answer = masks(4, block=3)
    known = truth.from_arrays(expected)
    counted = tally(known, count(known, answer))
    # An ignored label in the answer is nobody's false positive, as void is.
    answered = np.where(categories.scored(answer), categories.from_label_ids(answer), 0).astype(np.uint8)
    labels = np.where(categories.scored(expected), categories.from_label_ids(expected), IGNORE).astype(np.uint8)
    np.testing.assert_array_equal(counted.official, metrics.confusion_matrix(labels, answered))
    every = metrics.confusion_matrix(categories.from_label_ids(expected), categories.from_label_ids(answer))
    np.testing.assert_array_equal(counted.with_void, every)


def test_the_label_ids_come_back_from_the_runs():
    expected, _ = masks(5, block=2)
    ids = np.where(expected == 26, 26003, expected).astype(np.int32)
    np.testing.assert_array_equal(truth.from_arrays(expected, ids).label_ids(), expected)


def test_pixels_without_truth_are_left_out():
    labels = np.array([[1, 7, IGNORE, 0]], np.uint8)
    ids = truth.official_label_ids(Example(np.zeros((1, 4, 3), np.uint8), labels, labels != IGNORE))
    assert ids.tolist() == [[7, 26, truth.NO_TRUTH, 0]]
    known = truth.from_arrays(ids)
    assert tally(known, count(known, np.full((1, 4), 7, np.uint8))).with_void.sum() == 3


def test_ids_that_cityscapes_does_not_define_are_refused():
    known = truth.from_arrays(np.array([[7, 7]], np.uint8))
    with pytest.raises(ValueError, match=r"unknown label ids \[40\].*train ids"):
        tally(known, count(known, np.array([[7, 40]], np.uint8)))


def test_another_size_is_refused():
    known = truth.from_arrays(np.array([[7, 7]], np.uint8))
    with pytest.raises(ValueError, match=r"uint8 \(2, 1\)\. Expected uint8 \(1, 2\)"):
        count(known, np.zeros((2, 1), np.uint8))
    with pytest.raises(ValueError, match="Expected one size"):
        truth.from_arrays(np.zeros((2, 2), np.uint8), np.zeros((2, 1), np.int32))
