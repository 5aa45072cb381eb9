"""Dice, Jaccard, Tversky and focal Tversky against hand-computed tables, scikit-learn's scores and explicit loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, fbeta_score, jaccard_score

from model.categories import COUNT, IGNORE
from model.training.losses import dice, focal_tversky, jaccard, tversky
from tests.model.training.losses.batches import EVEN, flat, gradient, logits_for, logits_of, random_batch, row, value

WEIGHTS = [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0]


@pytest.mark.parametrize(
    ("truth", "answer", "expected"),
    [
        # Each row: the Dice costs of the eight categories, with s = 1, by hand.
        ([1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 0, 0, 0, 0, 0, 0]),
        ([1, 1, 2, 2], [1, 2, 2, 2], [0, 1 - 3 / 4, 1 - 5 / 6, 0, 0, 0, 0, 0]),
        ([1, 1, 1, 1], [3, 3, 3, 3], [0, 1 - 1 / 5, 0, 1 - 1 / 5, 0, 0, 0, 0]),
        # The ignored pixel counts for neither side.
        ([1, 1, 2, IGNORE], [1, 1, 2, 5], [0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_dice_follows_the_hand_computed_table(truth, answer, expected):
    logits = logits_for(row(*answer))
    assert value(dice(EVEN), row(*truth), logits) == pytest.approx(np.mean(expected), abs=1e-6)


# Truth 1 1 2 2, certain answer 1 2 2 2. Category 1: TP 1, FN 1. Category 2: TP 2, FP 1. The rest: nothing.
@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        (dice(EVEN, smooth=2), 1 - (2 + 2) / (2 + 1 + 2), 1 - (4 + 2) / (4 + 1 + 2)),
        (jaccard(EVEN), 1 - (1 + 1) / (1 + 1 + 1), 1 - (2 + 1) / (2 + 1 + 1)),
        (jaccard(EVEN, smooth=0.5), 1 - 1.5 / 2.5, 1 - 2.5 / 3.5),
        (tversky(EVEN), 1 - (1 + 1) / (1 + 0.7 + 1), 1 - (2 + 1) / (2 + 0.3 + 1)),
        (tversky(EVEN, alpha=2, beta=0), 1 - 2 / 2, 1 - 3 / 5),
        (focal_tversky(EVEN), (0.7 / 2.7) ** 0.75, (0.3 / 3.3) ** 0.75),
        (focal_tversky(EVEN, alpha=1, beta=1, gamma=2), (1 / 3) ** 2, (1 / 4) ** 2),
    ],
    ids=["dice s=2", "jaccard", "jaccard s=0.5", "tversky", "tversky a=2 b=0", "focal tversky", "focal tversky g=2"],
)
def test_regions_follow_the_hand_computed_table(loss, first, second):
    assert value(loss, row(1, 1, 2, 2), logits_for(row(1, 2, 2, 2))) == pytest.approx((first + second) / 8, abs=1e-6)


def test_halves_of_a_pixel_count_as_halves():
    # Category 0: TP 1/2, FP 1/4, FN 1/2. Category 1: TP 3/4, FP 1/2, FN 1/4.
    logits, truth = logits_of([0.5, 0.5], [0.25, 0.75]), row(0, 1)
    expected = (1 - (0.5 + 1) / (0.5 + 0.3 * 0.25 + 0.7 * 0.5 + 1)) + (1 - 1.75 / (0.75 + 0.3 * 0.5 + 0.7 * 0.25 + 1))
    assert value(tversky(EVEN), truth, logits) == pytest.approx(expected / 8, rel=1e-6)


def test_dice_pools_each_category_over_the_whole_batch():
    truth = np.array([[[1, 1]], [[2, 2]]], np.uint8)
    answer = np.array([[[1, 2]], [[2, 2]]], np.uint8)
    # Category 1: 2 truth, 1 answer, 1 hit. Category 2: 2 truth, 3 answer, 2 hits.
    assert value(dice(EVEN), truth, logits_for(answer)) == pytest.approx(((1 - 3 / 4) + (1 - 5 / 6)) / 8, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "score"),
    [
        (dice(EVEN, smooth=1e-6), lambda *both: f1_score(*both, average="macro")),
        (jaccard(EVEN, smooth=1e-6), lambda *both: jaccard_score(*both, average="macro")),
        # F-beta is Tversky's index with alpha = 1 / (1 + beta^2): the oracle for which of the two is which.
        (tversky(EVEN, alpha=0.2, beta=0.8, smooth=1e-6), lambda *both: fbeta_score(*both, beta=2, average="macro")),
    ],
    ids=["dice", "jaccard", "tversky"],
)
def test_certain_answers_cost_what_scikit_learns_score_lacks(loss, score):
    labels, logits = random_batch()
    answer = logits.argmax(-1)
    expected = 1 - score(labels[labels != IGNORE], answer[labels != IGNORE])
    assert value(loss, labels, logits_for(answer)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "alpha", "beta", "smooth", "gamma"),
    [
        (dice(WEIGHTS), 0.5, 0.5, 0.5, 1),
        (jaccard(WEIGHTS), 1, 1, 1, 1),
        (tversky(WEIGHTS, alpha=0.1, beta=0.6, smooth=3), 0.1, 0.6, 3, 1),
        (focal_tversky(WEIGHTS, alpha=0.6, beta=0.2, gamma=1.5), 0.6, 0.2, 1, 1.5),
    ],
    ids=["dice", "jaccard", "tversky", "focal tversky"],
)
def test_regions_equal_a_loop_over_pixels(loss, alpha, beta, smooth, gamma):
    labels, logits = random_batch()
    total = 0.0
    for category, weight in enumerate(WEIGHTS):
        hit = alarm = miss = 0.0
        for truth, probabilities in zip(*flat(labels, logits), strict=True):
            p = probabilities[category]
            hit, alarm, miss = (hit + p, alarm, miss + 1 - p) if truth == category else (hit, alarm + p, miss)
        total += weight * (1 - (hit + smooth) / (hit + alpha * alarm + beta * miss + smooth)) ** gamma
    assert value(loss, labels, logits) == pytest.approx(total / sum(WEIGHTS), rel=1e-6)


def test_focal_tversky_has_a_slope_where_nothing_is_wrong():
    labels = row(1, 1, 2)
    slope = gradient(focal_tversky(EVEN, gamma=0.5), labels, logits_for(labels, certainty=1000))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("cost", [0.9e-6, 1.1e-6])
def test_focal_tversky_is_continuous_where_it_turns_into_a_line(cost):
    # One pixel, p = 1 - c: with smooth = 1e-9, alpha 0 and beta 1 its category costs c, the other nothing.
    logits = np.full((1, 1, 1, COUNT), -100.0)
    logits[..., 1], logits[..., 2] = 0, np.log(cost)
    loss = focal_tversky([0.0, 1.0] + [0.0] * 6, alpha=0, beta=1, smooth=1e-9)
    assert value(loss, row(1), logits) == pytest.approx(cost**0.75, rel=0.1)


@pytest.mark.parametrize(
    ("make", "parameters", "words"),
    [
        (dice, {"smooth": 0}, r"smooth is 0\. Expected a number above 0"),
        (tversky, {"alpha": -0.1}, r"alpha is -0\.1\. Expected a number of at least 0"),
        (tversky, {"beta": float("inf")}, r"beta is inf\. Expected a number of at least 0"),
        (focal_tversky, {"gamma": 0}, r"gamma is 0\. Expected a number above 0"),
    ],
)
def test_regions_refuse_parameters_outside_their_range(make, parameters, words):
    with pytest.raises(ValueError, match=words):
        make(EVEN, **parameters)
