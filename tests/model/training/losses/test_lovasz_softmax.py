"""The Lovász loss against hand-computed tables, scikit-learn's Jaccard score and the definition, in explicit loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from model.categories import COUNT, IGNORE
from model.training.losses import lovasz
from model.training.losses.lovasz_softmax import BINS
from tests.model.training.losses.batches import EVEN, flat, gradient, logits_for, logits_of, random_batch, row, value

WEIGHTS = [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0]


def jaccard_loss(truth: np.ndarray, wrong: np.ndarray) -> float:
    """1 - IoU of one category, bool (pixels,), when the `wrong` pixels, bool (pixels,), are."""
    answer = truth ^ wrong
    return 1 - (truth & answer).sum() / (truth | answer).sum()


def interpolated(truth: np.ndarray, errors: np.ndarray) -> float:
    """The Lovász extension of the Jaccard loss at `errors`, by definition.

    Between the corners of the cube, sets of wrong pixels, it is linear along the chain of sets that the order of the
    errors goes through.
    """
    wrong, before, total = np.zeros(truth.size, bool), 0.0, 0.0
    for pixel in sorted(range(truth.size), key=lambda pixel: -errors[pixel]):
        wrong[pixel] = True
        after = jaccard_loss(truth, wrong)
        total += errors[pixel] * (after - before)
        before = after
    return total


def expected(labels: np.ndarray, logits: np.ndarray, weights: list[float]) -> float:
    """The weighted mean of `interpolated` over the categories present."""
    truth, probabilities = flat(labels, logits)
    present = [category for category in range(COUNT) if (truth == category).any()]
    costs = [interpolated(truth == c, np.abs((truth == c) - probabilities[:, c])) for c in present]
    return np.average(costs, weights=[weights[category] for category in present])


def test_lovasz_follows_the_hand_computed_table():
    # p of category 0: 0.5 and 0.25; truth 0, 1. Errors of category 0: 0.5 inside, 0.25 outside. The first wrong makes
    # IoU 0 of 1, a step of 1; the second adds nothing. Category 1 has the same errors, 0.5 outside first: IoU 1/2, then
    # 0.25 inside: the other half.
    logits = logits_of([0.5, 0.5], [0.25, 0.75])
    costs = [0.5 * 1, 0.5 * 1 / 2 + 0.25 * 1 / 2]
    assert value(lovasz(EVEN), row(0, 1), logits) == pytest.approx(np.mean(costs), rel=1e-6)


def test_lovasz_of_certain_answers_is_the_jaccard_score_that_lacks():
    labels, logits = random_batch()
    answer = logits.argmax(-1)
    score = jaccard_score(labels[labels != IGNORE], answer[labels != IGNORE], average="macro")
    assert value(lovasz(EVEN), labels, logits_for(answer)) == pytest.approx(1 - score, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weights", [EVEN, WEIGHTS], ids=["even", "weighted"])
def test_lovasz_equals_its_definition(seed, weights):
    labels, logits = random_batch(seed)
    assert value(lovasz(weights), labels, logits) == pytest.approx(expected(labels, logits, weights), abs=2e-6)


def test_the_definition_is_the_integral_of_the_jaccard_loss_over_thresholds():
    """Another definition (Bach 2013, equation 3.3), so that the oracle is not trusted for itself."""
    labels, logits = random_batch(size=(4, 6))
    truth, probabilities = flat(labels, logits)
    for category in np.unique(truth):
        inside = truth == category
        errors = np.abs(inside - probabilities[:, category])
        corners = [0.0, *np.sort(errors)]
        steps = itertools.pairwise(corners)
        integral = sum((high - low) * jaccard_loss(inside, errors >= high) for low, high in steps)
        assert interpolated(inside, errors) == pytest.approx(integral, rel=1e-12)


def test_errors_in_one_bin_are_off_by_less_than_the_bin():
    # Forty pixels whose errors all lie within a thousandth of a bin.
    random = np.random.default_rng(0)
    near = 0.75 / BINS + 1e-3 / BINS * random.random(40) + 0.5
    logits = np.log(np.maximum(np.stack([near, 1 - near] + [np.full(40, 1e-30)] * 6, axis=-1), 1e-30))[None, None]
    labels = row(*random.integers(0, 2, 40))
    assert value(lovasz(EVEN), labels, logits) == pytest.approx(expected(labels, logits, EVEN), abs=1 / (BINS - 1))


def test_a_category_that_the_batch_lacks_costs_nothing():
    # Half of each pixel is said to be 5, which is nowhere: 1 and 2 are half wrong, and that is all.
    logits = np.log(np.full((1, 1, 2, COUNT), 1e-30))
    logits[0, 0, 0, [1, 5]] = logits[0, 0, 1, [2, 5]] = np.log(0.5)
    assert value(lovasz(EVEN), row(1, 2), logits) == pytest.approx(0.5, rel=1e-6)


def test_ignored_pixels_move_none_of_the_others():
    labels, logits = random_batch()
    kept = labels != IGNORE
    alone = labels[kept][None, None], logits[kept][None, None]
    assert value(lovasz(EVEN), labels, logits) == pytest.approx(value(lovasz(EVEN), *alone), rel=1e-6)
    np.testing.assert_allclose(
        gradient(lovasz(EVEN), labels, logits)[kept], gradient(lovasz(EVEN), *alone)[0, 0], atol=1e-8
    )


def test_the_slope_is_that_of_the_definition():
    labels, logits = random_batch(size=(3, 4))
    slope, step = gradient(lovasz(EVEN), labels, logits), 1e-6
    for place in itertools.product(range(2), range(3), range(4), [1, 6]):
        ahead, behind = (logits.astype(np.float64) for _ in range(2))
        ahead[place] += step
        behind[place] -= step
        numeric = (expected(labels, ahead, EVEN) - expected(labels, behind, EVEN)) / (2 * step)
        assert slope[place] == pytest.approx(numeric, abs=1e-6)


def test_what_is_no_number_gives_a_loss_that_is_none():
    assert np.isnan(value(lovasz(EVEN), row(1, 2), np.full((1, 1, 2, COUNT), np.nan)))
