"""Where masks lie: known offsets are found again, on generated streets and on flat fields."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import IGNORE
from model.data import synthetic
from model.data.exploration.alignment import edge_sums, offset
from model.data.registration import registered


@pytest.fixture(scope="module")
def streets() -> list:
    return synthetic.samples("train", count=6, size=(160, 320))


def found(samples) -> tuple[float, float] | None:
    examples = [sample.read() for sample in samples]
    return offset(sum(edge_sums(image.mean(axis=2).round().astype(np.uint8), labels) for image, labels, _ in examples))


def test_masks_that_lie_on_their_images_have_no_offset(streets):
    assert found(streets) == pytest.approx((0, 0), abs=0.2)


@pytest.mark.parametrize("pixels", [-2, -0.5, 0.5, 1])
def test_images_that_were_moved_away_leave_their_masks_behind(streets, pixels):
    straight = np.array(found(streets))
    moved = np.array(found(registered(streets, -pixels)))
    np.testing.assert_allclose(moved - straight, pixels, atol=0.3)


def test_each_direction_for_itself():
    image = np.zeros((40, 60), np.uint8)
    image[:, 30:] = 90
    image[20:] += 60
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 32:] = 1
    labels[19:] += 2
    assert offset(edge_sums(image, labels)) == (2, -1)


@pytest.mark.parametrize("label", [0, IGNORE])
def test_without_an_edge_nothing_is_told(label):
    image = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    labels = np.full((40, 60), label, np.uint8)
    labels[:, 30:] = np.uint8(IGNORE)
    assert offset(edge_sums(image, labels)) is None
    assert offset(edge_sums(image[:, :5], labels[:, :5])) is None
