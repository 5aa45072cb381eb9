"""CamVid's layout and its twelve ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import camvid
from model.data.samples import check

EXPECTED = ["sky", "construction", "object", "flat", "flat", "nature", "object", "construction", "vehicle", "human"]


def _add(root: Path, split: str, stem: str, ids: np.ndarray) -> None:
    for folder in (root / split, root / f"{split}annot"):
        folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", ids.shape[::-1], (90, 90, 90)).save(root / split / f"{stem}.jpg")
    Image.fromarray(ids).save(root / f"{split}annot" / f"{stem}.png")


@pytest.fixture
def root(tmp_path) -> Path:
    """Two training images and one validation image that hold all twelve ids."""
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    _add(tmp_path, "train", "b", ids)
    _add(tmp_path, "train", "a", ids)
    _add(tmp_path, "val", "c", ids)
    return tmp_path


def test_samples_of_a_split_are_sorted_by_name(root):
    assert [sample.name for sample in camvid.samples(root, "train")] == ["a", "b"]
    assert [sample.name for sample in camvid.samples(root, "val")] == ["c"]


def test_every_id_becomes_its_category(root):
    labels = camvid.samples(root, "val")[0].read().labels.ravel()
    assert [categories.NAMES[label] for label in labels[:10]] == EXPECTED


def test_a_rider_with_the_bicycle_and_the_unlabelled_have_no_ground_truth(root):
    example = camvid.samples(root, "val")[0].read()
    assert example.labels.ravel()[10:].tolist() == [categories.IGNORE] * 2
    assert example.scored.ravel().tolist() == [True] * 10 + [False] * 2


def test_an_unknown_id_is_named_with_its_file(root):
    _add(root, "train", "b", np.array([[3, 12], [200, 3]], np.uint8))
    with pytest.raises(ValueError, match=r"(?s)b\.png: unknown ids \[12, 200\].*0 to 11"):
        check(camvid.samples(root, "train"))


def test_a_missing_mask_is_named(root):
    (root / "trainannot" / "b.png").unlink()
    with pytest.raises(ValueError, match=r"(?s)b\.jpg has no mask .*b\.png"):
        camvid.samples(root, "train")


def test_a_mask_of_another_size_is_named(root):
    Image.new("L", (8, 6), 3).save(root / "trainannot" / "b.png")
    with pytest.raises(ValueError, match=r"(?s)b\.png is 8x6.*is 4x3"):
        check(camvid.samples(root, "train"))


def test_an_unknown_split_is_refused(root):
    with pytest.raises(ValueError, match=r"'all'.*train, val, test"):
        camvid.samples(root, "all")


def test_a_split_that_is_not_there_says_where_it_looked(root):
    with pytest.raises(ValueError, match="No images for split 'test'"):
        camvid.samples(root, "test")


def test_the_layout_is_recognised_by_its_annotation_folders(root, tmp_path_factory):
    assert camvid.detect(root)
    assert not camvid.detect(tmp_path_factory.mktemp("empty"))


def test_all_real_masks_are_read_and_hold_all_seven_categories(data_folder):
    train = camvid.samples(data_folder / "camvid", "train")
    validation = camvid.samples(data_folder / "camvid", "val")
    assert (len(train), len(validation)) == (367, 101)
    check(train + validation)
    found = set()
    for sample in validation:
        found |= set(np.unique(sample.read().labels).tolist())
    assert found == {1, 2, 3, 4, 5, 6, 7, categories.IGNORE}
