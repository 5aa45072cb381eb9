"""Weather and night change the image alone, and the way the street's geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import IGNORE, NAMES
from model.data import synthetic
from model.data.augmentation import Augmentation, weather
from model.data.augmentation.depth import SKYWARD, Viewpoint, distances, ground_distances
from model.data.augmentation.night import darkened

SIZE = (128, 256)
VIEWPOINT = Viewpoint.of(SIZE, top=0)
KINDS = (weather.fog, weather.rain, weather.snow, weather.low_sun)
FLAT, BUILDING, SKY, HUMAN, VEHICLE = (NAMES.index(n) for n in ("flat", "construction", "sky", "human", "vehicle"))


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.scene(4, size=SIZE)


def painted(kind, scene, seed: int) -> np.ndarray:
    pixels = kind(scene[0].astype(np.float32), scene[1], viewpoint=VIEWPOINT, random=np.random.default_rng(seed))
    return np.clip(pixels, 0, 255)


def blocks() -> np.ndarray:
    """Sky above a wall above a road, with a car on the road in the left half and a person in the right."""
    labels = np.full(SIZE, FLAT, np.uint8)
    labels[:30], labels[30:70] = SKY, BUILDING
    labels[60:110, 20:80], labels[60:75, 200:206] = VEHICLE, HUMAN
    return labels


def test_ground_is_as_far_as_its_row_below_the_horizon_says():
    # 100 pixels of focal length, 1.25 m of height: ten rows below the horizon lie 12.5 m ahead, twenty 6.25 m.
    metres = ground_distances(41, Viewpoint(horizon=20.0, focal=100.0))[:, 0]
    assert metres[30] == pytest.approx(12.5)
    assert metres[40] == pytest.approx(6.25)
    assert (metres[:21] == metres[0]).all()
    assert metres[0] > 100


def test_what_stands_is_as_far_as_its_foot_and_the_sky_is_farthest():
    guess = distances(blocks(), VIEWPOINT)
    metres = ground_distances(SIZE[0], VIEWPOINT)[:, 0]
    car, person = guess[62:108, 30:70], guess[62:70, 202:204]
    assert np.median(car) == pytest.approx(metres[112], rel=0.15)
    assert np.median(person) == pytest.approx(metres[77], rel=0.3)
    assert car.max() < person.min()
    assert (guess[:16] == SKYWARD).all()


def test_a_wall_is_not_nearer_where_a_car_stands_before_it():
    guess = distances(blocks(), VIEWPOINT)
    assert guess[45, 50] == pytest.approx(guess[45, 150], rel=0.2)


def test_a_crop_from_further_down_sees_the_horizon_further_up():
    whole = distances(blocks(), VIEWPOINT)
    part = distances(blocks()[40:], Viewpoint.of(SIZE, top=40))
    np.testing.assert_allclose(part[60:], whole[100:], rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_each_weather_changes_the_picture_and_keeps_to_its_generator(scene, kind):
    one, again, other = painted(kind, scene, 1), painted(kind, scene, 1), painted(kind, scene, 2)
    np.testing.assert_array_equal(one, again)
    assert np.isfinite(one).all()
    assert (np.abs(one - scene[0]) > 2).mean() > 0.3
    assert (np.abs(one - other) > 2).mean() > 0.2


def test_fog_hides_the_far_more_than_the_near():
    labels = blocks()
    checks = (np.indices(SIZE).sum(axis=0) % 2 * 100 + 80).astype(np.uint8)
    image = np.repeat(checks[..., None], 3, axis=-1)
    for seed in range(5):
        pixels = painted(weather.fog, (image, labels), seed)
        near, far, sky = pixels[115:125].std(), pixels[80:84, 120:190].std(), pixels[:20].std()
        assert near > far > sky


def test_rain_makes_the_road_mirror_what_stands_on_it():
    labels = blocks()
    image = np.full((*SIZE, 3), 60, np.uint8)
    image[labels == BUILDING] = 250
    pixels = painted(weather.rain, (image, labels), 3)[..., 1]
    # In the middle, the wall's mirror reaches about as far below its foot as the wall reaches above.
    assert np.median(pixels[75:90, 100:180]) > np.median(pixels[118:126, 100:180]) + 10


def test_a_low_sun_blinds_in_the_sky(scene):
    for seed in range(5):
        pixels = painted(weather.low_sun, (np.full((*SIZE, 3), 90, np.uint8), blocks()), seed)
        brightest = np.unravel_index(pixels.sum(axis=-1).argmax(), SIZE)
        assert brightest[0] < 40
        assert pixels[brightest].min() > 200


def test_night_is_dark_and_its_sky_darker(scene):
    labels = blocks()
    image = np.full((*SIZE, 3), 150, np.uint8)
    image[labels == SKY] = 230
    for seed in range(8):
        night = darkened(image, labels, viewpoint=VIEWPOINT, random=np.random.default_rng(seed))
        assert night.mean() < 0.75 * image.mean()
        assert np.median(night[labels == SKY]) < np.median(night[labels == BUILDING])


def test_headlamps_light_the_road_ahead_more_than_what_is_far():
    labels, image = blocks(), np.full((*SIZE, 3), 150, np.uint8)
    labels[labels == HUMAN] = BUILDING
    for seed in range(8):
        night = darkened(image, labels, viewpoint=VIEWPOINT, random=np.random.default_rng(seed)).astype(int)
        assert np.median(night[115:, 110:150]) > np.median(night[72:78, 110:150]) > np.median(night[40:50, 110:150])


def test_cars_shine_at_night():
    labels, image = blocks(), np.full((*SIZE, 3), 60, np.uint8)
    brightest = [
        darkened(image, labels, viewpoint=VIEWPOINT, random=np.random.default_rng(seed))[60:110, 20:80].max()
        for seed in range(8)
    ]
    assert sum(level == 255 for level in brightest) >= 4


@pytest.mark.parametrize("change", ["weather", "night", "motion", "noise"])
def test_the_labels_stay_as_they_are(scene, change):
    plain = Augmentation(crop=(96, 192), scale=(1.0, 1.0))
    changed = Augmentation(crop=(96, 192), scale=(1.0, 1.0), **{change: 1.0})
    for seed in range(4):
        image, labels = plain.apply(*scene, reference=SIZE, random=np.random.default_rng(seed))
        other_image, other_labels = changed.apply(*scene, reference=SIZE, random=np.random.default_rng(seed))
        np.testing.assert_array_equal(labels, other_labels)
        assert not np.array_equal(image, other_image)


@pytest.mark.parametrize("labels", [0, FLAT, BUILDING, SKY, IGNORE], ids=str)
@pytest.mark.parametrize("top", [-60, 0, 200])
def test_crops_of_one_category_above_and_below_the_horizon_are_no_trouble(labels, top):
    viewpoint = Viewpoint.of((256, 512), top=top)
    image, uniform = np.full((*SIZE, 3), 120, np.uint8), np.full(SIZE, labels, np.uint8)
    for kind in KINDS:
        random = np.random.default_rng(5)
        assert np.isfinite(kind(image.astype(np.float32), uniform, viewpoint=viewpoint, random=random)).all()
    assert darkened(image, uniform, viewpoint=viewpoint, random=np.random.default_rng(5)).dtype == np.uint8


def test_black_and_white_pictures_are_no_trouble():
    for level in (0, 255):
        image, labels = np.full((*SIZE, 3), level, np.uint8), blocks()
        for seed in range(12):
            view = weather.weathered(image, labels, viewpoint=VIEWPOINT, random=np.random.default_rng(seed))
            assert view.dtype == np.uint8
