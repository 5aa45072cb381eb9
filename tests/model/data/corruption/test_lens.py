"""Defocus, motion and resolution, measured on a dot of light."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.corruption import lens
from model.data.corruption import light as lights

RANDOM = np.random.default_rng(0)


def spread(corruption, strength: int, width: int) -> tuple[float, float]:
    """Standard deviations, down and across, of what becomes of a dot."""
    image = np.zeros((101, width, 3), np.uint8)
    image[49:52, width // 2 - 1 : width // 2 + 2] = 255
    found = lights.to_light(corruption(image, strength=strength, random=np.random.default_rng(5)))[..., 1]
    found = found / found.sum()
    rows, columns = np.arange(101) - 50, np.arange(width) - width // 2
    # The dot itself is three pixels wide.
    return tuple(
        np.sqrt(max(0.0, float((found.sum(axis) * place**2).sum()) - 2 / 3))
        for axis, place in ((1, rows), (0, columns))
    )


@pytest.mark.parametrize(("strength", "sigma"), [(1, 1.0), (2, 2.0), (3, 3.5)])
@pytest.mark.parametrize("width", [640, 1280])
def test_defocus_has_the_same_deviation_both_ways_by_width(strength, sigma, width):
    assert spread(lens.blur, strength, width) == pytest.approx((sigma * width / 640,) * 2, rel=0.1)


@pytest.mark.parametrize(("strength", "length"), [(1, 5), (2, 10), (3, 18)])
def test_motion_smears_a_dot_over_its_length(strength, length):
    # The standard deviation of an even line is its length by the root of twelve.
    assert np.hypot(*spread(lens.motion, strength, 640)) == pytest.approx(length / np.sqrt(12), rel=0.15)


@pytest.mark.parametrize("corruption", [lens.blur, lens.motion, lens.lowres])
def test_an_even_picture_stays(corruption):
    image = np.full((20, 30, 3), (10, 90, 200), np.uint8)
    np.testing.assert_array_equal(corruption(image, strength=3, random=RANDOM), image)


@pytest.mark.parametrize(("width", "period"), [(640, 4), (1280, 8), (320, 4)])
def test_lowres_loses_stripes_of_the_size_it_shrinks_by(width, period):
    stripes = np.where(np.arange(width) % period < period / 2, 255, 0).astype(np.uint8)
    found = lens.lowres(np.tile(stripes[None, :, None], (40, 1, 3)), strength=3, random=RANDOM)
    assert np.ptp(found[20, width // 4 : -width // 4].astype(int)) <= 4
