"""Cross-entropy and focal against tables that can be computed by hand, scikit-learn and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from model.categories import COUNT, IGNORE
from model.training.losses import cross_entropy, focal
from tests.model.training.losses.batches import EVEN, flat, gradient, logits_for, logits_of, random_batch, row, value

WEIGHTS = np.arange(1.0, COUNT + 1)


def test_cross_entropy_of_even_odds_is_the_logarithm_of_the_number_of_categories():
    assert value(cross_entropy(EVEN), row(1, 2), np.zeros((1, 1, 2, COUNT))) == pytest.approx(np.log(8), abs=1e-6)


def test_cross_entropy_equals_scikit_learns():
    labels, logits = random_batch()
    truth, probabilities = flat(labels, logits)
    expected = log_loss(truth, probabilities, labels=range(COUNT), sample_weight=WEIGHTS[truth])
    assert value(cross_entropy(WEIGHTS), labels, logits) == pytest.approx(expected, rel=1e-6)


def test_weighted_cross_entropy_is_divided_by_the_weights_of_its_pixels():
    # A pixel of category 1, p = 1/2, weighs 3; one of category 0, p = 1/4, weighs 1.
    logits = logits_of([0.5, 0.5], [0.25, 0.75])
    expected = (3 * np.log(2) + 1 * np.log(4)) / (3 + 1)
    weights = [1.0, 3.0] + [1.0] * 6
    assert value(cross_entropy(weights), row(1, 0), logits) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("alpha", "gamma", "costs"),
    [
        # -alpha (1 - p)^gamma log p for p = 1/2 and p = 1/4, by hand.
        (0.25, 2.0, [0.25 * 1 / 4 * np.log(2), 0.25 * 9 / 16 * np.log(4)]),
        (1.0, 1.0, [1 / 2 * np.log(2), 3 / 4 * np.log(4)]),
        (1.0, 0.5, [np.sqrt(1 / 2) * np.log(2), np.sqrt(3 / 4) * np.log(4)]),
    ],
)
def test_focal_follows_the_hand_computed_table(alpha, gamma, costs):
    logits = logits_of([0.5, 0.5], [0.25, 0.75], [0.125, 0.875])
    loss = focal(EVEN, alpha=alpha, gamma=gamma)
    assert value(loss, row(1, 0, IGNORE), logits) == pytest.approx(np.mean(costs), rel=1e-6)


def test_focal_equals_keras():
    labels, logits = random_batch()
    truth, probabilities = flat(labels, logits)
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=0.25, gamma=2.0)
    expected = float(theirs(np.eye(COUNT, dtype=np.float32)[truth], probabilities.astype(np.float32)))
    assert value(focal(EVEN), labels, logits) == pytest.approx(expected, rel=1e-5)


def test_focal_without_focus_is_cross_entropy():
    labels, logits = random_batch()
    expected = value(cross_entropy(WEIGHTS), labels, logits)
    assert value(focal(WEIGHTS, alpha=1, gamma=0), labels, logits) == pytest.approx(expected, rel=1e-6)


def test_focal_weighs_categories():
    labels, logits = random_batch()
    truth, probabilities = flat(labels, logits)
    of_label = probabilities[np.arange(truth.size), truth]
    costs = 0.5 * (1 - of_label) ** 3 * -np.log(of_label)
    expected = np.average(costs, weights=WEIGHTS[truth])
    assert value(focal(WEIGHTS, alpha=0.5, gamma=3), labels, logits) == pytest.approx(expected, rel=1e-6)


def test_focal_has_a_slope_at_certainty_whatever_the_power():
    labels = row(1, 2)
    assert np.isfinite(gradient(focal(EVEN, gamma=0.5), labels, logits_for(labels, certainty=1000))).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"alpha": 0}, r"alpha is 0\. Expected a number above 0"),
        ({"gamma": -1}, r"gamma is -1\. Expected a number of at least 0"),
        ({"gamma": float("nan")}, r"gamma is nan\. Expected a number of at least 0"),
    ],
)
def test_focal_refuses_parameters_outside_their_range(parameters, words):
    with pytest.raises(ValueError, match=words):
        focal(EVEN, **parameters)
