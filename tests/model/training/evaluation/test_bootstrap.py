"""The bootstrap against a loop that resamples with scikit-learn, and against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import resample

from model.categories import COUNT, VOID
from model.training import metrics
from model.training.evaluation import bootstrap


def confusions(seed: int, *, images: int = 40, skill: float = 0.8) -> np.ndarray:
    """Confusion matrices of images of 1,000 pixels, each with its own share of mistakes."""
    random = np.random.default_rng(seed)
    found = np.zeros((images, COUNT, COUNT), np.int64)
    for matrix in found:
        right = np.clip(random.normal(skill, 0.1), 0.05, 0.95)
        for category in range(1, COUNT):
            hits = int(1000 * right)
            matrix[category, category] = hits
            matrix[category, category % 7 + 1] += 1000 - hits
    return found


def iou_of_mean(matrices: np.ndarray) -> np.ndarray:
    iou = metrics.intersection_over_union(matrices.sum(axis=0))[1:]
    return np.append(iou, iou.mean())


def test_the_interval_is_that_of_a_resampling_loop():
    matrices = confusions(1)
    random = np.random.RandomState(5)
    draws = [iou_of_mean(matrices[resample(range(40), random_state=random)]) for _ in range(1500)]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    found = bootstrap.score(matrices)
    np.testing.assert_allclose(found.values[1:], iou_of_mean(matrices))
    # Both are random; their bounds differ by a twentieth of the interval at most.
    np.testing.assert_allclose(found.low[1:], low, atol=0.06 * (high - low).max())
    np.testing.assert_allclose(found.high[1:], high, atol=0.06 * (high - low).max())


def test_differences_are_paired():
    # The same images, in each of which the one is a little better: the difference is certain, though scores vary a lot.
    ours = confusions(2, skill=0.6)
    theirs = ours.copy()
    for category in range(1, COUNT):
        theirs[:, category, category] -= 5
        theirs[:, category, category % 7 + 1] += 5
    found = bootstrap.compare(ours, theirs)
    alone = bootstrap.score(ours)
    assert found.low[-1] > 0
    assert found.high[-1] - found.low[-1] < (alone.high[-1] - alone.low[-1]) / 20
    np.testing.assert_allclose(found.values[1:], iou_of_mean(ours) - iou_of_mean(theirs))


def test_of_two_alike_neither_is_better():
    found = bootstrap.compare(confusions(3), confusions(4))
    assert (found.low[1:] < 0).all()
    assert (found.high[1:] > 0).all()


def test_images_of_one_group_are_drawn_together():
    # Four cities whose frames are copies of each other: 40 frames tell no more than 4.
    cities = confusions(5, images=4)
    frames, names = cities.repeat(10, axis=0), np.arange(4).repeat(10).astype(str)
    grouped, single = bootstrap.score(frames, groups=names), bootstrap.score(frames)
    of_cities = bootstrap.score(cities)
    assert (grouped.units, single.units) == (4, 40)
    np.testing.assert_allclose(grouped.low, of_cities.low)
    assert grouped.high[-1] - grouped.low[-1] > 2 * (single.high[-1] - single.low[-1])


def test_it_gives_the_same_again():
    np.testing.assert_array_equal(bootstrap.score(confusions(6)).low, bootstrap.score(confusions(6)).low)


def test_void_and_categories_that_never_occur_have_no_interval():
    matrices = confusions(7)
    matrices[:, 6] = matrices[:, :, 6] = 0
    found = bootstrap.score(matrices)
    assert np.isnan(found.low[[VOID, 6]]).all()
    assert np.isfinite(found.low[[1, 2, 3, 4, 5, 7, 8]]).all()


def test_a_category_that_a_resample_may_miss_still_has_an_interval():
    matrices = confusions(8, images=5)
    matrices[1:, 6] = matrices[1:, :, 6] = 0
    found = bootstrap.score(matrices)
    assert 0 < found.low[6] <= found.values[6] <= found.high[6] < 1


def test_too_few_groups_and_other_images_are_refused():
    with pytest.raises(ValueError, match=r"1 groups of images.*single images"):
        bootstrap.score(confusions(1), groups=["aachen"] * 40)
    with pytest.raises(ValueError, match="Expected those of the same images"):
        bootstrap.compare(confusions(1), confusions(1, images=3))
