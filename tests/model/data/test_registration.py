"""Masks that do not lie on their images: what moving the image does, and that it heals a common mistake."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest

from model.categories import IGNORE
from model.data import synthetic
from model.data.registration import registered
from model.data.samples import Example, Sample

OFFSET = 0.47


def sample(image: np.ndarray, labels: np.ndarray) -> Sample:
    return Sample("one", None, None, partial(Example, image, labels, labels != IGNORE))


def edges(*, from_the_centre: bool) -> Sample:
    """Black and white fields of many sizes at 1024x512, reduced to 320x160 as images and as masks are."""
    random = np.random.default_rng(3)
    across, down = (random.integers(10, 40, 100).cumsum() for _ in range(2))
    columns, rows = np.searchsorted(across, np.arange(1024)) % 2, np.searchsorted(down, np.arange(512)) % 2
    large = (rows[:, None] ^ columns).astype(np.uint8)
    image = cv2.resize(255 * large, (320, 160), interpolation=cv2.INTER_AREA)
    nearest = cv2.INTER_NEAREST_EXACT if from_the_centre else cv2.INTER_NEAREST
    return sample(np.dstack([image] * 3), cv2.resize(large, (320, 160), interpolation=nearest))


def disagreement(example: Example) -> float:
    return float(((example.image[..., 0] >= 128) != example.labels).mean())


def test_the_image_moves_to_the_right_and_down_by_whole_pixels_exactly():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    (moved,) = registered([sample(image, np.zeros((20, 30), np.uint8))], 2)
    found = moved.read()
    np.testing.assert_array_equal(found.image[2:, 2:], image[:-2, :-2])
    np.testing.assert_array_equal(found.labels, 0)


def test_a_mask_reduced_from_the_upper_left_comes_to_lie_on_its_image():
    wrong, right = edges(from_the_centre=False), edges(from_the_centre=True)
    (healed,) = registered([wrong], OFFSET)
    before, after, least = (disagreement(each.read()) for each in (wrong, healed, right))
    assert after < 0.1 * before
    assert least < after


def test_half_a_pixel_aside_a_street_stays_as_sharp():
    image, labels = synthetic.scene(2, size=(160, 320))
    (moved,) = registered([sample(image, labels)], 0.5)

    def sharpness(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())

    assert sharpness(moved.read().image) > 0.9 * sharpness(image)


def test_nothing_is_moved_by_nothing():
    one = edges(from_the_centre=True)
    assert registered([one], 0) == [one]


@pytest.mark.parametrize("offset", [9.0, -9.0, float("nan"), float("inf")])
def test_an_offset_that_no_reduction_makes_is_refused(offset):
    with pytest.raises(ValueError, match="Expected pixels from -8 to 8"):
        registered([edges(from_the_centre=True)], offset)
