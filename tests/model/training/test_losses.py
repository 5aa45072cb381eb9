"""Losses against tables that can be computed by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from sklearn.metrics import log_loss

from model.categories import COUNT, IGNORE
from model.training.losses import cross_entropy, cross_entropy_and_dice, dice

EVEN = [1.0] * COUNT


def logits_for(labels: np.ndarray, *, certainty: float = 50.0) -> np.ndarray:
    """Logits of a network that is certain of `labels`."""
    return certainty * np.eye(COUNT, dtype=np.float32)[labels]


def value(loss, labels, logits) -> float:
    return float(ops.convert_to_numpy(loss(np.asarray(labels, np.uint8), np.asarray(logits, np.float32))))


def row(*labels: int) -> np.ndarray:
    """A batch of one image of one row."""
    return np.array([[labels]], np.uint8)


def test_cross_entropy_of_even_odds_is_the_logarithm_of_the_number_of_categories():
    assert value(cross_entropy(EVEN), row(1, 2), np.zeros((1, 1, 2, COUNT))) == pytest.approx(np.log(8), abs=1e-6)


def test_cross_entropy_equals_scikit_learns():
    random = np.random.default_rng(0)
    labels = random.integers(0, COUNT, (2, 5, 7))
    logits = random.normal(size=(2, 5, 7, COUNT))
    weights = np.arange(1.0, COUNT + 1)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = log_loss(
        labels.ravel(), probabilities.reshape(-1, COUNT), labels=range(COUNT), sample_weight=weights[labels.ravel()]
    )
    assert value(cross_entropy(weights), labels, logits) == pytest.approx(expected, rel=1e-5)


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


def test_dice_pools_each_category_over_the_whole_batch():
    truth = np.array([[[1, 1]], [[2, 2]]], np.uint8)
    answer = np.array([[[1, 2]], [[2, 2]]], np.uint8)
    # Category 1: 2 truth, 1 answer, 1 hit. Category 2: 2 truth, 3 answer, 2 hits.
    assert value(dice(EVEN), truth, logits_for(answer)) == pytest.approx(((1 - 3 / 4) + (1 - 5 / 6)) / 8, abs=1e-6)


@pytest.mark.parametrize("make", [cross_entropy, dice])
def test_a_category_of_weight_zero_costs_nothing(make):
    only_sky_counts = [0.0] * 5 + [1.0, 0.0, 0.0]
    assert value(make(only_sky_counts), row(5, 1, 2), logits_for(row(5, 2, 1))) == pytest.approx(0, abs=1e-6)


def test_the_sum_adds_dice_by_its_share():
    labels, logits = row(1, 2, 3), np.random.default_rng(1).normal(size=(1, 1, 3, COUNT))
    both = cross_entropy_and_dice(cross_entropy_weights=EVEN, dice_weights=EVEN, dice_share=0.5)
    expected = value(cross_entropy(EVEN), labels, logits) + 0.5 * value(dice(EVEN), labels, logits)
    assert value(both, labels, logits) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "labels", [row(0, 0, 0), row(IGNORE, IGNORE, IGNORE), row(1, 1, IGNORE)], ids=["void", "ignored", "mixed"]
)
def test_gradients_are_finite_and_zero_where_a_pixel_is_ignored(labels):
    tensorflow = pytest.importorskip("tensorflow")
    logits = tensorflow.Variable(np.random.default_rng(2).normal(size=(*labels.shape, COUNT)).astype(np.float32))
    loss = cross_entropy_and_dice(cross_entropy_weights=EVEN, dice_weights=EVEN, dice_share=1)
    with tensorflow.GradientTape() as tape:
        total = loss(labels, logits)
    gradient = tape.gradient(total, logits).numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[labels == IGNORE].any()
    assert gradient[labels != IGNORE].any() == (labels != IGNORE).any()


def test_a_batch_of_ignored_pixels_costs_nothing():
    loss = cross_entropy_and_dice(cross_entropy_weights=EVEN, dice_weights=EVEN, dice_share=1)
    assert value(loss, row(IGNORE, IGNORE), np.ones((1, 1, 2, COUNT))) == 0


@pytest.mark.parametrize("weights", [[1.0] * 7, [-1.0] + [1.0] * 7, [0.0] * 8])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="Expected 8 numbers of at least 0"):
        cross_entropy(weights)


def test_a_negative_share_of_dice_is_refused():
    with pytest.raises(ValueError, match=r"share of the Dice loss is -1\. Expected at least 0"):
        cross_entropy_and_dice(cross_entropy_weights=EVEN, dice_weights=EVEN, dice_share=-1)
