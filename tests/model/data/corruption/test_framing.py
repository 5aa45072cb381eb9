"""The portrait crop: where it lies, and that the ground truth is cut with it."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.corruption.framing import portrait
from model.data.samples import Example


def numbered(height: int, width: int) -> Example:
    """An example whose image, labels and scored tell the column of each pixel."""
    columns = np.tile(np.arange(width) % 251, (height, 1)).astype(np.uint8)
    return Example(np.dstack([columns] * 3), columns, columns % 2 == 1)


@pytest.mark.parametrize(("strength", "width"), [(1, 240), (2, 180), (3, 144)])
def test_the_full_height_is_kept_and_the_width_follows_the_shape(strength, width):
    found = portrait(numbered(320, 640), strength=strength, random=np.random.default_rng(0))
    assert found.image.shape == (320, width, 3)


@pytest.mark.parametrize("seed", range(5))
def test_labels_and_scored_are_of_the_same_window(seed):
    found = portrait(numbered(32, 64), strength=2, random=np.random.default_rng(seed))
    np.testing.assert_array_equal(found.image[..., 0], found.labels)
    np.testing.assert_array_equal(found.labels % 2 == 1, found.scored)
    assert (np.diff(found.labels[0].astype(int)) == 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_narrower_windows_lie_in_wider_ones(seed):
    found = [
        set(portrait(numbered(80, 200), strength=strength, random=np.random.default_rng(seed)).labels[0].tolist())
        for strength in (1, 2, 3)
    ]
    assert found[0] > found[1] > found[2]


def test_windows_lie_everywhere():
    seen = set()
    for seed in range(200):
        seen.update(portrait(numbered(80, 200), strength=1, random=np.random.default_rng(seed)).labels[0].tolist())
    assert len(seen) > 190


def test_what_is_narrower_already_is_left_whole():
    example = numbered(100, 30)
    np.testing.assert_array_equal(portrait(example, strength=3, random=np.random.default_rng(0)).image, example.image)
