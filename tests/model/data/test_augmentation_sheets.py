"""A contact sheet shows each sample and the views that training would see."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import PALETTE
from model.data import synthetic
from model.data.augmentation import create
from model.data.augmentation.sheets import contact_sheet
from model.preprocessing import resize_image, resize_labels

SIZE, CROP = (64, 128), (32, 64)
# Four pixels of white around each picture.
CELL = (40, 72)


@pytest.fixture(scope="module")
def samples():
    return synthetic.samples("train", count=2, size=SIZE)


def sheet(samples, preset: str = "strong", **options) -> np.ndarray:
    return contact_sheet(samples, create(preset, crop=CROP), reference=SIZE, **{"views": 3, **options})


def cell(pictures: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * CELL[0] + 4, column * CELL[1] + 4
    return pictures[top : top + CROP[0], left : left + CROP[1]]


def test_a_row_begins_with_the_whole_sample_and_goes_on_with_its_views(samples):
    pictures = sheet(samples)
    assert (pictures.shape, pictures.dtype) == ((2 * CELL[0], 4 * CELL[1], 3), np.uint8)
    for row, sample in enumerate(samples):
        np.testing.assert_array_equal(cell(pictures, row, 0), resize_image(sample.read().image, CROP))
        assert not np.array_equal(cell(pictures, row, 1), cell(pictures, row, 2))


def test_the_seed_decides_what_is_seen(samples):
    np.testing.assert_array_equal(sheet(samples, seed=1), sheet(samples, seed=1))
    assert not np.array_equal(sheet(samples, seed=1), sheet(samples, seed=2))


def test_labels_tint_the_views_with_their_categories(samples):
    example = samples[0].read()
    image, labels = resize_image(example.image, CROP), resize_labels(example.labels, CROP)
    tinted = cell(sheet(samples, "none", with_labels=True), 0, 1)
    np.testing.assert_allclose(tinted, 0.65 * image + 0.35 * PALETTE[labels], atol=0.51)


@pytest.mark.parametrize(("count", "views"), [(0, 3), (2, 0)])
def test_an_empty_sheet_is_refused(samples, count, views):
    with pytest.raises(ValueError, match=f"Received {count} samples and {views} views"):
        sheet(samples[:count], views=views)
