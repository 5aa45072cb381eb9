"""Single people and vehicles: official ids where there are some, connected regions where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.data import cityscapes, instances
from model.data.samples import Sample


@pytest.fixture
def root(tmp_path):
    """One Cityscapes image of two people, one with a number, one in a crowd, and a car."""
    ids = np.array([[7, 24000, 24000], [24, 24, 26003]], np.uint16)
    name = "ulm_000000_000019"
    for folder in ("leftImg8bit", "gtFine"):
        (tmp_path / folder / "train/ulm").mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(tmp_path / f"leftImg8bit/train/ulm/{name}_leftImg8bit.png")
    masks = tmp_path / "gtFine/train/ulm"
    Image.fromarray(np.where(ids < 1000, ids, ids // 1000).astype(np.uint8)).save(masks / f"{name}_gtFine_labelIds.png")
    Image.fromarray(ids).save(masks / f"{name}_gtFine_instanceIds.png")
    return tmp_path


def test_official_instances_are_read_as_they_are(root):
    (sample,) = cityscapes.samples(root, "train")
    read = instances.read_instances(sample)
    assert read.dtype == np.int32
    assert read.tolist() == [[7, 24000, 24000], [24, 24, 26003]]


def test_a_sample_without_an_instance_file_has_none(root):
    next(root.rglob("*_instanceIds.png")).unlink()
    (sample,) = cityscapes.samples(root, "train")
    assert sample.instances_path is None
    assert instances.read_instances(sample) is None


def test_an_eight_bit_mask_is_no_instance_file(tmp_path):
    path = tmp_path / "ids.png"
    Image.new("L", (3, 2)).save(path)
    with pytest.raises(ValueError, match=r"ids\.png is an image of mode L\. Expected the 16-bit grey PNG"):
        instances.read_instances(Sample("one", None, None, None, path))


def test_connected_regions_touch_at_corners_too():
    labels = np.array([[24, 0, 24, 26], [0, 24, 0, 26], [7, 0, 0, 24]], np.uint8)
    assert instances.connected_instances(labels).tolist() == [
        [24000, 0, 24000, 26000],
        [0, 24000, 0, 26000],
        [7, 0, 0, 24001],
    ]


def test_regions_of_categories_are_counted_where_asked():
    labels = np.array([[6, 0, 6], [7, 7, 5]], np.uint8)
    assert instances.connected_instances(labels, counted=(6,)).tolist() == [[6000, 0, 6001], [7, 7, 5]]


def test_more_than_a_thousand_regions_stay_within_their_label():
    labels = np.zeros((1, 2100), np.uint8)
    labels[0, ::2] = 24
    found = instances.connected_instances(labels)
    assert set(np.unique(found)) == {0, *range(24000, 25000)}


def test_sizes_are_pixels_and_the_height_of_the_box():
    ids = np.array([[0, 26001, 24, 24002], [0, 26001, 0, 0], [26001, 0, 0, 24002]], np.int32)
    assert instances.sizes(ids).tolist() == [[24, 2, 3], [26, 3, 3]]


def test_nothing_has_no_sizes():
    assert instances.sizes(np.full((3, 4), 24, np.int32)).shape == (0, 3)
