"""Night, fog, rain and glare do to a street what they do in nature; the layout that they guess."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model.categories import NAMES
from model.data import cityscapes, synthetic
from model.data.corruption import drops, layout
from model.data.corruption import light as lights
from model.data.corruption.night import night
from model.data.corruption.weather import fog, glare, rain

FLAT, SKY = NAMES.index("flat"), NAMES.index("sky")


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def contrast(image: np.ndarray, rows: slice) -> float:
    return float(lights.to_light(image)[rows].mean(2).std())


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_the_far_of_a_street_is_where_the_horizon_is(street):
    found = layout.distances(lights.to_light(street.image))
    assert found.shape == street.labels.shape
    assert found.min() > 1
    assert found.max() <= layout.FARTHEST * 1.001
    assert np.median(found[150:160, 280:360]) > 4 * np.median(found[300:, 280:360])


def test_the_road_is_guessed_about_where_it_is():
    found = []
    for seed in range(6):
        image, labels = synthetic.scene(seed, size=(160, 320))
        found.append(overlap(layout.road(lights.to_light(image)) > 0.5, labels == FLAT))
    assert np.mean(found) > 0.65


def test_sky_is_found_in_real_streets(data_folder):
    found = []
    for sample in cityscapes.samples(data_folder / "cityscapes", "val")[:60:6]:
        example = sample.read()
        sky = example.labels == SKY
        if sky.mean() > 0.02:
            found.append(overlap(layout.sky(lights.to_light(example.image)) > 0.5, sky))
    assert np.mean(found) > 0.6


def test_night_is_dark_above_and_has_lamps(street):
    dark = lights.to_light(night(street.image, strength=3, random=generator()))
    assert dark.mean() < 0.25 * lights.to_light(street.image).mean()
    assert dark.max() > 0.9
    assert dark[street.labels == SKY].mean() < 0.1


def test_the_sky_of_a_night_is_dark_though_it_was_the_brightest():
    image = np.full((160, 320, 3), 60, np.uint8)
    image[:60] = (200, 215, 225)
    found = night(image, strength=2, random=generator())
    assert np.median(found[:20, :80]) < 15


def test_fog_is_as_bright_as_the_sky_was():
    image = np.full((160, 320, 3), 60, np.uint8)
    image[:60] = 180
    found = fog(image, strength=3, random=generator())
    assert found[72:76, 150:170].mean() > 150
    assert found[150:].mean() < 100


def test_fog_takes_the_contrast_of_what_is_far_and_little_of_what_is_near(street):
    found = fog(street.image, strength=2, random=generator())
    far, near = slice(100, 150), slice(280, 320)
    assert contrast(found, far) < 0.7 * contrast(street.image, far)
    assert contrast(found, near) > 0.75 * contrast(street.image, near)


def test_streaks_run_downwards_and_become_more_with_the_rate():
    drizzle, downpour = (drops.falling((320, 640), rate=rate, random=generator()) for rate in (5.0, 90.0))
    assert 0 < drizzle.mean() < downpour.mean() < 0.5
    down, across = (float(np.abs(np.diff(downpour, axis=axis)).mean()) for axis in (0, 1))
    assert down < 0.7 * across


def test_a_drop_on_the_windscreen_shows_the_scene_upside_down():
    light = np.zeros((320, 640, 3), np.float32)
    light[:160] = 1

    class Middle:
        def random(self, size):
            return np.array([[0.5, 0.5, 1.0, 0.0]])

    found = drops.on_windscreen(light, number=1, random=Middle())
    assert found[155, 320, 0] < 0.4
    assert found[165, 320, 0] > 0.4
    np.testing.assert_array_equal(found[:130], light[:130])


def test_rain_is_dull_and_pale(street):
    def colour(image: np.ndarray) -> float:
        return float(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1].mean())

    found = rain(street.image, strength=2, random=generator())
    assert colour(found) < 0.7 * colour(street.image)
    assert found.max() < street.image.max()


def test_a_low_sun_saturates_the_picture_around_itself(street):
    found = glare(street.image, strength=3, random=generator())
    white = (found > 250).all(2)
    rows, columns = np.nonzero(white)
    assert 0.005 < white.mean() < 0.2
    assert rows.mean() < 0.5 * 320
    assert columns.std() < 0.15 * 640


@pytest.mark.parametrize("corruption", [fog, rain, glare, night])
def test_pictures_without_any_light_stay_pictures(corruption):
    found = corruption(np.zeros((64, 128, 3), np.uint8), strength=2, random=generator())
    assert found.shape == (64, 128, 3)
