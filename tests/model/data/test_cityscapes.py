"""The official layout: which images belong to which split, and what a bad mask says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import cityscapes
from model.data.samples import check

# Percent of pixels by category, as shared/data's README counted them on 400 images.
PUBLISHED_SHARES = (10.0, 38.8, 21.9, 1.8, 15.3, 3.6, 1.1, 7.5)


def _add(root: Path, name: str, label_ids: np.ndarray, *, split: str = "train", suffix: str = "png") -> None:
    city = name.split("_")[0]
    images, masks = root / "leftImg8bit" / split / city, root / "gtFine" / split / city
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", label_ids.shape[::-1], (10, 200, 30)).save(images / f"{name}_leftImg8bit.{suffix}")
    Image.fromarray(label_ids).save(masks / f"{name}_gtFine_labelIds.png")


@pytest.fixture
def root(tmp_path) -> Path:
    """Two training images of two cities, two of the validation cities, one of the official val."""
    label_ids = np.array([[7, 11, 17, 21], [23, 24, 26, 4]], np.uint8)
    for name in ("ulm_000001_000019", "bremen_000002_000019", "zurich_000000_000019", "aachen_000003_000019"):
        _add(tmp_path, name, label_ids)
    _add(tmp_path, "lindau_000000_000019", label_ids, split="val")
    return tmp_path


def _names(samples) -> list[str]:
    return [sample.name for sample in samples]


def test_validation_is_whole_cities_and_train_is_the_others(root):
    assert _names(cityscapes.samples(root, "val")) == ["aachen_000003_000019", "zurich_000000_000019"]
    assert _names(cityscapes.samples(root, "train")) == ["bremen_000002_000019", "ulm_000001_000019"]
    assert len(cityscapes.samples(root, "all")) == 4


def test_the_official_validation_is_a_split_of_its_own(root):
    assert _names(cityscapes.samples(root, "official-val")) == ["lindau_000000_000019"]


def test_images_may_be_jpeg(root):
    _add(root, "jena_000000_000019", np.full((2, 4), 7, np.uint8), suffix="jpg")
    assert "jena_000000_000019" in _names(cityscapes.samples(root, "train"))


def test_label_ids_become_categories(root):
    example = cityscapes.samples(root, "train")[0].read()
    assert example.labels.tolist() == [[1, 2, 3, 4], [5, 6, 7, 0]]
    assert example.image.shape == (2, 4, 3)
    assert example.image[0, 0].tolist() == [10, 200, 30]


def test_pixels_of_ignored_labels_have_a_category_but_are_not_scored(root):
    _add(root, "bremen_000000_000019", np.array([[7, 9, 14, 0]], np.uint8))
    example = cityscapes.samples(root, "train")[0].read()
    assert example.labels.tolist() == [[1, 1, 2, 0]]
    assert example.scored.tolist() == [[True, False, False, False]]


def test_a_missing_mask_is_named_before_anything_is_read(root):
    (root / "gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(ValueError, match=r"ulm_000001_000019_leftImg8bit\.png has no mask .*ulm_000001_000019_gtFine"):
        cityscapes.samples(root, "train")


def test_an_unknown_label_id_is_named_with_its_file(root):
    _add(root, "ulm_000001_000019", np.full((2, 4), 77, np.uint8))
    with pytest.raises(ValueError, match=r"(?s)ulm_000001_000019_gtFine_labelIds\.png.*\[77\]"):
        check(cityscapes.samples(root, "train"))


def test_a_mask_of_another_size_is_named_with_both_sizes(root):
    mask = root / "gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png"
    Image.new("L", (8, 4), 7).save(mask)
    with pytest.raises(ValueError, match=r"(?s)ulm_000001_000019_gtFine_labelIds\.png is 8x4.*is 4x2"):
        check(cityscapes.samples(root, "train"))


def test_an_unknown_split_is_refused_with_those_there_are(root):
    with pytest.raises(ValueError, match=r"'test'.*train, val, official-val, all"):
        cityscapes.samples(root, "test")


def test_an_empty_split_says_where_it_looked(tmp_path):
    (tmp_path / "leftImg8bit").mkdir()
    with pytest.raises(ValueError, match="No images for split 'train'"):
        cityscapes.samples(tmp_path, "train")


def test_the_layout_is_recognised_by_its_image_folder(root, tmp_path_factory):
    assert cityscapes.detect(root)
    assert not cityscapes.detect(tmp_path_factory.mktemp("empty"))


def test_the_real_training_set_is_split_by_city(data_folder):
    train = cityscapes.samples(data_folder / "cityscapes", "train")
    validation = cityscapes.samples(data_folder / "cityscapes", "val")
    assert (len(train), len(validation)) == (2361, 280)
    assert {sample.image_path.parent.name for sample in validation} == {"aachen", "zurich"}
    assert len({sample.image_path.parent.name for sample in train} - {"aachen", "zurich"}) == 16


def test_the_real_masks_have_the_published_shares_of_categories(data_folder):
    samples = cityscapes.samples(data_folder / "cityscapes", "train")[::6]
    pixels = np.zeros(categories.COUNT)
    for sample in samples:
        pixels += np.bincount(sample.read().labels.ravel(), minlength=categories.COUNT)
    shares = 100 * pixels / pixels.sum()
    np.testing.assert_allclose(shares, PUBLISHED_SHARES, atol=1.0)


def test_the_real_photographs_at_full_resolution_are_read(data_folder):
    samples = cityscapes.samples(data_folder / "cityscapes_fullres", "all")
    assert len(samples) == 6
    check(samples)
    assert samples[0].read().image.shape == (1024, 2048, 3)
