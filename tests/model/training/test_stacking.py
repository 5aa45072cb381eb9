"""Mixing what several networks say: it learns whom to trust for what."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from model.categories import IGNORE
from model.data import synthetic
from model.data.samples import Example
from model.training import losses, recipe, stacking

LOSS = losses.create("cross_entropy+0.5*lovasz", category_weights=[1.0] * 8, region_weights=recipe.REGION_WEIGHTS)


def witnesses(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Two networks: the first knows the lower four categories and guesses the others, the second the upper four."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 8, count).astype(np.uint8)
    logits = []
    for known in (range(4), range(4, 8)):
        found = random.normal(0, 3, (count, 8)).astype(np.float32)
        for category in known:
            found[:, category] = np.where(labels == category, 4, -4)
        logits.append(found)
    return logits, labels


def test_it_learns_whom_to_trust_for_what():
    keras.utils.set_random_seed(1)
    matrices, offset = stacking.fit(*witnesses(4000, 1), [0.5, 0.5], loss=LOSS, seed=0)
    logits, labels = witnesses(4000, 2)
    mean = (logits[0] + logits[1]).argmax(-1)
    mixed = (logits[0] @ matrices[0].T + logits[1] @ matrices[1].T + offset).argmax(-1)
    assert (mean == labels).mean() < 0.9
    assert (mixed == labels).mean() > 0.99


def test_it_begins_with_the_mean(monkeypatch):
    monkeypatch.setattr(stacking, "_STEPS", 0)
    monkeypatch.setattr(keras.optimizers.schedules, "CosineDecay", lambda rate, steps: rate)
    matrices, offset = stacking.fit(*witnesses(10, 1), [0.7, 0.3], loss=LOSS, seed=0)
    np.testing.assert_allclose(matrices[0], 0.7 * np.eye(8), rtol=1e-6)
    np.testing.assert_allclose(matrices[1], 0.3 * np.eye(8), rtol=1e-6)
    assert not offset.any()


def test_no_pixel_is_an_error():
    with pytest.raises(ValueError, match=r"without a pixel of ground truth\. Expected masks"):
        stacking.fit([np.zeros((0, 8), np.float32)] * 2, np.zeros(0, np.uint8), [0.5, 0.5], loss=LOSS, seed=0)


def test_all_networks_are_asked_about_the_same_pixels():
    first = keras.Sequential([keras.Input((64, 128, 3)), keras.layers.Conv2D(8, 1)])
    second = keras.Sequential([keras.Input((64, 128, 3)), keras.layers.Conv2D(8, 1)])
    second.set_weights([2 * weight for weight in first.get_weights()])
    image, truth = synthetic.scene(3, size=(64, 128))
    truth[:8], truth[8:16] = 0, IGNORE
    sample = SimpleNamespace(read=lambda: Example(image, truth, truth % IGNORE > 0))
    samples = [sample, *synthetic.samples("val", count=2, size=(64, 128))]
    logits, labels = stacking.read([first, second], samples, size=(64, 128))
    assert logits[0].shape == (len(labels), 8)
    # Where there is no ground truth, nothing is asked; void counts, though the official score leaves it out.
    assert len(labels) == 3 * 64 * 128 - 8 * 128
    assert (labels == 0).sum() >= 8 * 128
    np.testing.assert_allclose(logits[1], 2 * logits[0], rtol=1e-5)
    assert set(np.unique(labels)) <= set(range(8))
