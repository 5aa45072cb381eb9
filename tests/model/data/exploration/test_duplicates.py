"""Near-duplicates: planted ones are found whatever was done to them, and neighbours on one street do not drown them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from model.data import cityscapes, synthetic
from model.data.exploration.duplicates import SAME_PICTURE, correlation, search
from model.data.exploration.gathering import gather
from model.data.exploration.leaks import between_splits, groups_in_several
from model.data.exploration.measuring import SMALL
from model.data.samples import read_image


def _jpeg(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)


def _cropped(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return image[height // 40 : -height // 40, width // 40 : -width // 40]


DONE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "copied": lambda image: image,
    "resized": lambda image: cv2.resize(image, None, fx=0.37, fy=0.37, interpolation=cv2.INTER_AREA),
    "as JPEG of quality 50": _jpeg,
    "cropped by 5 %": _cropped,
    "cropped at a corner by 10 %": lambda image: image[: image.shape[0] * 9 // 10, image.shape[1] // 10 :],
    "brightened": lambda image: np.clip(1.3 * image + 15, 0, 255).astype(np.uint8),
    "darkened": lambda image: np.rint(255 * (image / 255) ** 1.8).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
}


def _small(image: np.ndarray) -> np.ndarray:
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), SMALL[::-1], interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def scenes() -> list[np.ndarray]:
    return [synthetic.scene(seed, size=(160, 320))[0] for seed in range(16)]


def test_every_planted_picture_is_found_and_no_other(scenes):
    planted = [do(scene) for do, scene in zip(DONE.values(), scenes, strict=False)]
    small = np.stack([_small(image) for image in scenes + planted])
    found = search(small, np.arange(10), np.arange(10, len(small)))
    same = {(pair.first, pair.second) for pair in found.pairs if pair.correlation >= SAME_PICTURE}
    assert same == {(index, 16 + index) for index in range(len(DONE))}
    assert [pair.second for pair in found.pairs if pair.mirrored and pair.correlation >= SAME_PICTURE] == [23]


def test_the_search_says_how_hard_it_looked(scenes):
    small = np.stack([_small(image) for image in scenes[:9]])
    found = search(small, np.arange(4), np.arange(4, 9))
    assert found.compared == 20
    assert found.confirmed == len(found.pairs) == 4 * 3
    assert all(one.correlation >= other.correlation for one, other in zip(found.pairs, found.pairs[1:], strict=False))


def test_a_picture_fits_itself_and_nothing_fits_a_blank(scenes):
    one = _small(scenes[0])
    assert correlation(one, one) == pytest.approx(1, abs=1e-4)
    assert correlation(one[:, ::-1], one, mirrored=True) == pytest.approx(1, abs=1e-4)
    assert correlation(np.full_like(one, 7), one) == -1


def test_planted_real_pictures_come_before_neighbours_on_one_street(data_folder):
    # Every other frame of one film in the other split: many pairs of one street, a few seconds apart.
    train = cityscapes.samples(data_folder / "cityscapes", "train")
    images = [read_image(sample.image_path) for sample in train if sample.name.startswith("strasbourg")][:80]
    planted = [do(images[10 * index]) for index, do in enumerate(DONE.values())]
    small = np.stack([_small(image) for image in images + planted])
    found = search(small, np.arange(0, 80, 2), np.array([*range(1, 80, 2), *range(80, 80 + len(DONE))]))
    best = {(pair.first, pair.second) for pair in found.pairs if pair.correlation >= SAME_PICTURE}
    assert best == {(10 * index, 80 + index) for index in range(len(DONE))}


def test_splits_are_searched_in_pairs_and_shared_cities_named(collection):
    assert [(leak.first, leak.second, leak.found.compared) for leak in between_splits(collection)] == [
        ("train", "val", 3)
    ]
    assert groups_in_several(collection) == []


def test_a_city_in_two_splits_is_named(sample):
    splits = {"train": ["ulm_1", "jena_1"], "val": ["ulm_2"], "test": ["bonn_1"]}
    collection = gather({split: [sample([[1, 2]], name=name) for name in names] for split, names in splits.items()})
    assert groups_in_several(collection) == ["ulm"]
    assert [(leak.first, leak.second) for leak in between_splits(collection)] == [
        ("train", "val"),
        ("train", "test"),
        ("val", "test"),
    ]
