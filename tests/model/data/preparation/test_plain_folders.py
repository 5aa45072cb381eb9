"""Plain folders prepared: which are splits, what pairs with what, and what is refused."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from model.data.datasets import open_samples
from tests.model.data.preparation.running import ready


def _plain(root: Path, *names: str, ids: int = 1) -> Path:
    """Write plain pairs, named like `night/0001`; their images differ."""
    for index, name in enumerate(names):
        image, mask = (root / Path(name).parent / kind / f"{Path(name).name}.png" for kind in ("images", "masks"))
        for path in (image, mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (index, 0, 0)).save(image)
        Image.new("L", (8, 8), ids).save(mask)
    return root


def _zipped(root: Path, out: Path, pattern: str = "**/*.png", *, below: str = "") -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for path in root.glob(pattern):
            archive.write(path, Path(below) / path.relative_to(root))
    return out


def test_folders_beside_those_of_the_splits_are_left_out_with_a_notice(tmp_path):
    root = _plain(tmp_path / "plain", *(f"{folder}/0001" for folder in ("train", "val", "night", "day")))
    found = ready(root, tmp_path / "out")
    assert [(sample["split"], sample["image"]["path"]) for sample in found["samples"]] == [
        ("train", "train/images/0001.png"),
        ("val", "val/images/0001.png"),
    ]
    assert found["notices"] == ["2 images beside the folders of the splits are left out: of day, night"]


def test_an_image_is_not_paired_with_the_mask_of_another_folder(tmp_path):
    root = _plain(tmp_path / "plain", "night/0000", "day/0000", *(f"night/{index:04d}" for index in range(1, 20)))
    (root / "night/masks/0000.png").unlink()
    (root / "day/images/0000.png").unlink()
    with pytest.raises(ValueError, match="have no mask") as refusal:
        ready(root, tmp_path / "out")
    assert "night/images/0000.png" in str(refusal.value)
    assert "day/masks/0000.png" in str(refusal.value)


def test_folders_of_other_names_alone_are_held_out_by_name(tmp_path):
    root = _plain(tmp_path / "plain", *(f"{'night' if index % 2 else 'day'}/street_{index:02d}" for index in range(20)))
    assert {s: told["images"] for s, told in ready(root, tmp_path / "out")["splits"].items()} == {"train": 18, "val": 2}


def test_a_name_in_two_folders_that_are_no_splits_is_refused(tmp_path):
    root = _plain(tmp_path / "plain", "night/0001", "day/0001", *(f"day/street_{index:02d}" for index in range(20)))
    with pytest.raises(
        ValueError, match=r"(?s)1 names stand twice:\n.*/night/images/0001\.png and .*/day/images/0001\.png\n"
    ):
        ready(root, tmp_path / "out")


@pytest.mark.parametrize("below", ["", "mine", "mine/deeper"])
def test_a_folder_that_wraps_an_archive_is_no_split(tmp_path, below):
    root = _plain(tmp_path / "plain", *(f"street_{index:02d}" for index in range(20)))
    for kind in ("images", "masks"):
        _zipped(root, tmp_path / f"{kind}.zip", f"{kind}/*", below=below)
    found = ready([tmp_path / "images.zip", tmp_path / "masks.zip"], tmp_path / "out")
    assert {split: told["images"] for split, told in found["splits"].items()} == {"train": 18, "val": 2}


@pytest.mark.parametrize("archived", [False, True])
def test_splits_with_a_capital_letter_are_splits(tmp_path, archived):
    root = _plain(tmp_path / "plain", "Train/0001", "VAL/0001")
    given = _zipped(root, tmp_path / "plain.zip") if archived else root
    assert sorted(ready(given, tmp_path / "out")["splits"]) == ["train", "val"]
    for split in ("train", "train-original"):
        sample = open_samples(tmp_path / "out", split)[0]
        assert sample.image_path == given / "Train/images/0001.png"
        sample.read()


def test_a_plain_test_folder_without_labels_is_not_called_official(tmp_path):
    root = _plain(_plain(tmp_path / "plain", "train/a", "val/b"), "test/c", "test/d", ids=255)
    with pytest.raises(ValueError, match="2 masks hold no category") as refusal:
        ready(root, tmp_path / "out")
    said = str(refusal.value)
    assert "test/masks/c.png holds only the ids [255]" in said
    assert "remove or rename" in said
    assert "official" not in said


@pytest.mark.parametrize("layout", ["plain", "cityscapes"])
def test_names_that_are_not_utf_8_are_refused(tmp_path, own, layout):
    # What macOS forbids, Linux allows.
    name = os.fsdecode(b"ulm_\xe9")
    try:
        root = own if layout == "cityscapes" else _plain(tmp_path / "plain", "train/a", "val/b", f"train/{name}")
        if layout == "cityscapes":
            folder = own / "leftImg8bit/train/ulm"
            (folder / "ulm_000000_000019_leftImg8bit.png").rename(folder / f"{name}_leftImg8bit.png")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(ValueError, match=r"ulm_\\udce9.*is not UTF-8\. Expected.*rename"):
        ready(root, tmp_path / "out")


def test_plain_folders_are_held_out_by_name(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "plain" / kind).mkdir(parents=True)
    for index in range(20):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / "plain" / "images" / f"street_{index:02d}.png")
        Image.new("L", (8, 8), 1).save(tmp_path / "plain" / "masks" / f"street_{index:02d}.png")
    ready(tmp_path / "plain", tmp_path / "out")
    for split in ("train", "val"):
        expected = [sample.name for sample in open_samples(tmp_path / "plain", split)]
        assert [sample.name for sample in open_samples(tmp_path / "out", split)] == expected
