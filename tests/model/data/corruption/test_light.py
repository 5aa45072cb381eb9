"""Light and pixels, held against the definition of sRGB; filters, on what can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.corruption import light as lights


def test_pixels_survive_the_way_to_light_and_back():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    np.testing.assert_array_equal(lights.to_image(lights.to_light(image)), image)


@pytest.mark.parametrize(("value", "light"), [(0, 0.0), (10, 0.003035), (128, 0.215861), (255, 1.0)])
def test_light_is_that_of_srgb(value, light):
    assert lights.to_light(np.full((1, 1, 3), value, np.uint8))[0, 0, 0] == pytest.approx(light, abs=1e-6)


def test_light_out_of_range_is_cut_off():
    assert lights.to_image(np.array([[[-1, 0.5, 7]]], np.float32)).tolist() == [[[0, 188, 255]]]


@pytest.mark.parametrize("sigma", [1.0, 9.0])
def test_a_blur_keeps_the_sum_and_has_its_width(sigma):
    dot = np.zeros((201, 201), np.float32)
    dot[100, 100] = 1
    found = lights.blurred(dot, sigma)
    place = np.arange(201) - 100
    assert found.sum() == pytest.approx(1, abs=0.02)
    assert np.sqrt((found.sum(0) * place**2).sum()) == pytest.approx(sigma, rel=0.15)


def test_clouds_are_even_on_the_whole_and_the_same_at_every_size():
    small, large = (lights.clouds(size, random=np.random.default_rng(4)) for size in ((80, 160), (160, 320)))
    assert abs(float(small.mean())) < 0.7
    assert 0.3 < float(small.std()) < 1.5
    assert np.corrcoef(small.ravel(), large[::2, ::2].ravel())[0, 1] > 0.98


def test_the_guided_filter_moves_a_border_to_the_edge_of_its_guide():
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1
    values = np.zeros((40, 40), np.float32)
    values[:, 17:] = 1
    found = lights.guided(guide, values, radius=6)
    assert found[20, 18] < 0.5
    assert found[20, 21] > 0.9


def test_evening_out_takes_light_and_shadow_together():
    light = np.full((64, 640, 3), 0.1, np.float32)
    light[:, 320:] = 0.4
    found = lights.evened(light, power=0.5)
    assert found[30, 600, 0] / found[30, 40, 0] == pytest.approx(2, rel=0.02)
    assert found.mean() == pytest.approx(light.mean(), rel=1e-4)
