"""Resizing and normalising against Pillow and against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model import preprocessing


def _image(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_by_a_whole_factor_averages_as_pillows_box_filter(factor):
    image = _image((24, 48))
    size = (24 // factor, 48 // factor)
    theirs = np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BOX))
    ours = preprocessing.resize_image(image, size)
    # The two round a half in different directions.
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_shrinking_keeps_a_line_thinner_than_the_step():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 33] = 255
    assert preprocessing.resize_image(image, (16, 16))[:, 8].min() == 64


def test_growing_is_bilinear_between_pixel_centres():
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 200
    assert preprocessing.resize_image(image, (1, 4))[0, :, 0].tolist() == [0, 50, 150, 200]


@pytest.mark.parametrize("size", [(10, 30), (80, 20), (64, 32), (7, 9)])
def test_sizes_are_height_then_width(size):
    assert preprocessing.resize_image(_image((40, 25)), size).shape == (*size, 3)
    assert preprocessing.resize_labels(np.zeros((40, 25), np.uint8), size).shape == size


def test_an_image_of_the_size_already_is_returned_as_it_is():
    image = _image((8, 16))
    assert preprocessing.resize_image(image, (8, 16)) is image


@pytest.mark.parametrize("image_size", [(1024, 2048), (360, 480), (100, 300), (480, 960)])
def test_a_photograph_of_a_near_aspect_fills_the_frame(image_size):
    assert preprocessing.window(image_size, (480, 960)) == (slice(0, 480), slice(0, 960))


@pytest.mark.parametrize(
    ("image_size", "rows", "columns"),
    [
        # 3:4 is 0.375 times as wide as 2:1, and 0.5625 after it was stretched by a half.
        ((640, 480), (0, 480), (210, 750)),
        ((500, 500), (0, 480), (120, 840)),
        # 6:1 is three times as wide.
        ((100, 600), (120, 360), (0, 960)),
        ((20000, 1), (0, 480), (479, 480)),
        ((1, 20000), (239, 240), (0, 960)),
    ],
)
def test_a_photograph_of_another_aspect_lies_in_the_middle(image_size, rows, columns):
    assert preprocessing.window(image_size, (480, 960)) == (slice(*rows), slice(*columns))


@pytest.mark.parametrize("image_size", [(64, 20), (20, 100), (300, 3)])
def test_around_its_window_a_photograph_is_mirrored(image_size):
    image = _image(image_size)
    rows, columns = preprocessing.window(image_size, (32, 64))
    fitted = preprocessing.fit_image(image, (32, 64))
    inside = preprocessing.resize_image(image, (rows.stop - rows.start, columns.stop - columns.start))
    np.testing.assert_array_equal(fitted[rows, columns], inside)
    around = ((rows.start, 32 - rows.stop), (columns.start, 64 - columns.stop), (0, 0))
    np.testing.assert_array_equal(fitted, np.pad(inside, around, mode="symmetric"))


@pytest.mark.parametrize("size", [(13, 17), (90, 140), (32, 64)])
def test_resized_labels_hold_only_ids_that_were_there(size):
    labels = np.random.default_rng(1).choice(np.array([0, 3, 7, 255], np.uint8), (64, 128))
    resized = preprocessing.resize_labels(labels, size)
    assert resized.dtype == np.uint8
    assert set(np.unique(resized)) <= {0, 3, 7, 255}


def test_enlarged_labels_repeat_every_pixel():
    labels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    np.testing.assert_array_equal(preprocessing.resize_labels(labels, (6, 12)), labels.repeat(3, 0).repeat(3, 1))


def test_labels_shrunk_by_an_odd_factor_take_the_centre_of_each_cell():
    labels = np.random.default_rng(2).integers(0, 8, (9, 15), np.uint8)
    np.testing.assert_array_equal(preprocessing.resize_labels(labels, (3, 5)), labels[1::3, 1::3])


def test_labels_stay_aligned_with_the_image_as_it_shrinks():
    labels = np.zeros((60, 90), np.uint8)
    labels[:, 31:] = 7
    image = np.repeat(labels[..., None] * 36, 3, axis=2).astype(np.uint8)
    small_image = preprocessing.resize_image(image, (12, 18))[..., 0]
    small_labels = preprocessing.resize_labels(labels, (12, 18))
    np.testing.assert_array_equal(small_image > 126, small_labels == 7)


def test_normalise_maps_black_to_minus_one_and_white_to_one():
    normalised = preprocessing.normalise(np.array([[[0, 127, 255]]], np.uint8))
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, [[[-1, -1 / 255, 1]]], rtol=1e-6)


def test_normalise_takes_mean_and_deviation_from_the_caller():
    normalised = preprocessing.normalise(np.array([10, 30], np.uint8), mean=20, std=5)
    np.testing.assert_allclose(normalised, [-2, 2])
