"""JPEG held against Pillow; noise, exposure and another camera, against what can be worked out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from model.data.corruption import camera
from model.data.corruption import light as lights


@pytest.mark.parametrize(("strength", "quality"), [(1, 50), (2, 30), (3, 15)])
def test_jpeg_gives_the_pixels_that_pillow_gives(strength, quality, street):
    file = io.BytesIO()
    Image.fromarray(street.image).save(file, "JPEG", quality=quality)
    found = camera.jpeg(street.image, strength=strength, random=np.random.default_rng())
    np.testing.assert_array_equal(found, np.asarray(Image.open(file)))


@pytest.mark.parametrize(("channel", "gain"), [(0, 1.9), (1, 1.0), (2, 1.6)])
def test_noise_has_the_variance_of_its_light_and_of_reading(channel, gain):
    light = np.full((200, 200, 3), 0.3, np.float32)
    found = camera.with_noise(light, electrons=50, random=np.random.default_rng(2))[..., channel]
    assert found.mean() == pytest.approx(0.3, abs=0.003)
    assert found.var() == pytest.approx(0.3 * gain / 50 + (gain / 50) ** 2, rel=0.05)


@pytest.mark.parametrize(("strength", "factor"), [(1, 2), (2, 4), (3, 8)])
def test_exposure_multiplies_or_divides_the_light_by_stops(strength, factor):
    image = np.full((4, 4, 3), 60, np.uint8)
    light = lights.to_light(image)[0, 0, 0]
    found = set()
    for seed in range(20):
        exposed = camera.exposure(image, strength=strength, random=np.random.default_rng(seed))
        found.add(round(float(np.log2(lights.to_light(exposed)[0, 0, 0] / light) / np.log2(factor)), 1))
    assert found == {-1.0, 1.0}


def test_another_camera_exposes_alike_and_sees_less_at_the_corners():
    image = np.full((200, 400, 3), 100, np.uint8)
    found = lights.to_light(camera.camera(image, strength=3, random=np.random.default_rng(1)))
    assert found.mean() == pytest.approx(float(lights.to_light(image).mean()), rel=0.03)
    assert found[0, 0].mean() < 0.75 * found[100, 200].mean()
    assert (found[..., 1] <= found[100, 200, 1] + 1e-3).all()


def test_another_camera_is_warm_or_cold():
    image = np.full((40, 80, 3), 120, np.uint8)
    found = [camera.camera(image, strength=2, random=np.random.default_rng(seed))[20, 40] for seed in range(12)]
    redder = {bool(pixel[0] > pixel[2]) for pixel in found}
    assert redder == {True, False}
