"""One image measured: exact counts wherever they lie, light that does not depend on the size, sizes of things."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from model.data.exploration import measuring


@pytest.fixture
def labels() -> np.ndarray:
    """A mask whose sides no grid divides, with pixels that have no ground truth."""
    ids = np.random.default_rng(3).integers(0, 9, (83, 131)).astype(np.uint8)
    return np.where(ids == 8, 255, ids).astype(np.uint8)


def test_cells_sum_to_the_exact_count_of_each_category(labels):
    expected = confusion_matrix(labels.ravel(), labels.ravel(), labels=[*range(8), 255]).diagonal()
    assert measuring.count_cells(labels).sum(axis=(1, 2)).tolist() == expected.tolist()


def test_each_pixel_is_counted_in_its_own_cell(labels):
    expected = np.zeros((9, 40, 80), int)
    for (row, column), label in np.ndenumerate(labels):
        expected[min(int(label), 8), int(40 * row / 83), int(80 * column / 131)] += 1
    assert (measuring.count_cells(labels) == expected).all()


def test_an_image_smaller_than_the_grid_loses_no_pixel():
    assert measuring.count_cells(np.full((3, 5), 7, np.uint8)).sum(axis=(1, 2)).tolist() == [0] * 7 + [15, 0]


def test_brightness_is_luma_and_a_plain_image_has_neither_contrast_nor_sharpness(sample):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    measured = measuring.measure(sample(np.ones((8, 8)), image=red))
    assert measured.brightness == pytest.approx(0.299 * 200, abs=0.5)
    assert (measured.contrast, measured.sharpness) == (0, 0)


def test_sharpness_is_the_variance_of_the_laplacian(sample):
    # Columns of 0 and 100 by turns: the Laplacian is 200 on the dark ones and -200 on the light ones.
    striped = np.zeros((6, 8, 3), np.uint8)
    striped[:, 1::2] = 100
    assert measuring.measure(sample(np.ones((6, 8)), image=striped)).sharpness == pytest.approx(40_000)


def test_a_blurred_image_is_less_sharp_and_as_bright(sample, labels):
    noise = np.random.default_rng(1).integers(0, 256, (83, 131, 3)).astype(np.uint8)
    sharp, soft = (
        measuring.measure(sample(labels, image=image)) for image in (noise, cv2.GaussianBlur(noise, (0, 0), 2))
    )
    assert soft.sharpness < 0.1 * sharp.sharpness
    assert soft.brightness == pytest.approx(sharp.brightness, abs=2)


def test_a_wide_image_is_measured_as_its_reduced_copy(sample):
    large = np.random.default_rng(2).integers(0, 256, (160, 1280, 3)).astype(np.uint8)
    reduced = cv2.resize(large, (640, 80), interpolation=cv2.INTER_AREA)
    one = measuring.measure(sample(np.ones((160, 1280)), image=large))
    other = measuring.measure(sample(np.ones((80, 640)), image=reduced))
    assert one.sharpness == pytest.approx(other.sharpness, rel=0.02)
    assert np.abs(one.small.astype(int) - other.small).max() <= 1


def test_connected_people_and_vehicles_are_things_where_there_is_no_instance_file(sample):
    measured = measuring.measure(sample([[6, 6, 0, 7], [6, 0, 0, 7], [0, 0, 6, 7]]))
    assert measured.things.tolist() == [[6, 3, 2], [6, 1, 1], [7, 3, 3]]
    assert not measured.official


def test_official_instances_become_people_and_vehicles(sample, tmp_path):
    path = tmp_path / "ids.png"
    ids = np.array([[24000, 25000, 26000, 7], [24000, 24, 33001, 11]], np.uint16)
    Image.fromarray(ids).save(path)
    measured = measuring.measure(sample([[6, 6, 7, 1], [6, 6, 7, 2]], instances_path=path))
    assert measured.things.tolist() == [[6, 2, 2], [6, 1, 1], [7, 1, 1], [7, 1, 1]]
    assert measured.official


def test_instances_of_another_size_are_refused_with_both_sizes(sample, tmp_path):
    path = tmp_path / "ids.png"
    Image.fromarray(np.zeros((4, 6), np.uint16)).save(path)
    with pytest.raises(ValueError, match=r"ids\.png has \(height, width\) \(4, 6\), its mask \(2, 3\)"):
        measuring.measure(sample(np.ones((2, 3)), instances_path=path))
