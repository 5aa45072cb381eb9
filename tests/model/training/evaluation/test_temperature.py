"""The temperature is found where it is known, and the probabilities at it are those that are served."""

from __future__ import annotations

import numpy as np
import pytest

from model.inference.labels import choose
from model.training.evaluation import calibration, temperature
from model.training.evaluation.temperature import Pixels

COUNT = 20_000


def softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    chances = np.exp(logits - logits.max(axis, keepdims=True))
    return chances / chances.sum(axis, keepdims=True)


def honest(factor: float = 1.0) -> Pixels:
    """Pixels whose truth is drawn by the softmax of their logits, which are then multiplied by `factor`."""
    random = np.random.default_rng(7)
    logits = random.normal(scale=2.5, size=(8, COUNT))
    drawn = softmax(logits, 0).cumsum(0) > random.random(COUNT)
    return Pixels((factor * logits[None]).astype(np.float32), np.ones((1, COUNT), np.float32), drawn.argmax(0))


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_logits_that_were_multiplied_get_the_factor_for_a_temperature(factor):
    assert temperature.fit([honest(factor)]) == pytest.approx(factor, rel=0.03)


def test_the_factor_scales_the_temperature_and_leaves_the_likelihood():
    # Whatever the draw says, three times the logits need three times its temperature.
    plain, tripled = honest(), honest(3.0)
    fitted = [temperature.fit([each]) for each in (plain, tripled)]
    assert fitted[1] == pytest.approx(3 * fitted[0], rel=1e-3)
    losses = [temperature.negative_log_likelihood([e], t) for e, t in zip((plain, tripled), fitted, strict=True)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_an_overconfident_network_is_calibrated():
    pixels = honest(3.0)
    found = temperature.fit([pixels])
    before, after = (temperature.calibrated([pixels], value) for value in (1.0, found))
    assert before.error > 0.1
    assert after.error < 0.02
    assert after.near_accuracy == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_is_never_worse(seed):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(1, 8, 50)).astype(np.float32)
    pixels = Pixels(logits, np.ones((1, 50), np.float32), random.integers(0, 8, 50))
    found = temperature.fit([pixels])
    losses = [temperature.negative_log_likelihood([pixels], value) for value in (found, 1.0)]
    assert losses[0] <= losses[1]


@pytest.mark.parametrize("right", [True, False])
def test_a_network_without_a_best_temperature_is_left_alone(right):
    # Never wrong, any multiple is better; always wrong, any fraction.
    logits = np.zeros((1, 8, 40), np.float32)
    logits[0, 3] = 1
    pixels = Pixels(logits, np.ones((1, 40), np.float32), np.full(40, 3 if right else 4))
    assert temperature.fit([pixels]) == 1


def test_the_likelihood_by_hand():
    # Softmax of (log 3, 0, 0, ...) at T = 1: 3/10 and seven times 1/10; of true labels 0 and 1.
    logits = np.zeros((1, 8, 2), np.float32)
    logits[0, 0] = np.log(3)
    pixels = Pixels(logits, np.ones((1, 2), np.float32), np.array([0, 1]))
    loss = -(np.log(3 / 10) + np.log(1 / 10)) / 2
    assert temperature.negative_log_likelihood([pixels], 1.0) == pytest.approx(loss)
    # At T = 1/2 the odds are squared: 9/16 and 1/16. Two images count by their pixels.
    loss = -(np.log(9 / 16) + np.log(1 / 16)) / 2
    assert temperature.negative_log_likelihood([pixels, pixels], 0.5) == pytest.approx(loss)


@pytest.mark.parametrize("size", [(16, 32), (40, 70), (9, 11)])
def test_probabilities_are_those_that_are_served(size):
    random = np.random.default_rng(5)
    planes = random.normal(scale=3, size=(8, 16, 32)).astype(np.float32)
    labels, everything = random.integers(0, 8, size).astype(np.uint8), np.ones(size, bool)
    pixels = temperature.pick(planes, labels, everything, most=size[0] * size[1])
    np.testing.assert_array_equal(pixels.labels, labels.ravel())
    chances = temperature.probabilities(pixels, 1.5)
    served = softmax(planes / np.float32(1.5), 0)
    np.testing.assert_allclose(chances.max(0), calibration.confidence(served, size).ravel(), atol=1e-5)
    assert (chances.argmax(0) == choose(served, size, confidence=False)[0].ravel()).mean() > 0.995


def test_pixels_lie_on_an_even_grid_of_an_odd_step():
    planes = np.arange(8 * 64 * 64, dtype=np.float32).reshape(8, 64, 64)
    scored = np.ones((64, 64), bool)
    # 64 x 64 / 256 is 16 pixels for each: a step of 4, which would meet a network of stride 2 at one phase; so 5.
    pixels = temperature.pick(planes, np.zeros((64, 64), np.uint8), scored, most=256)
    places = pixels.logits[0, 0].astype(int)
    assert sorted(set(places % 64)) == sorted(set(places // 64)) == list(range(2, 64, 5))
    assert len(places) == 13 * 13


def test_only_scored_pixels_count():
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    scored = labels % 3 == 0
    pixels = temperature.pick(np.zeros((8, 3, 4), np.float32), labels, scored, most=100)
    assert pixels.labels.tolist() == [0, 3, 6, 9]


def test_an_image_smaller_than_the_step_gives_a_pixel():
    labels = np.ones((2, 5), np.uint8)
    pixels = temperature.pick(np.zeros((8, 2, 5), np.float32), labels, labels > 0, most=1)
    assert pixels.labels.tolist() == [1]
