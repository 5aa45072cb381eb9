"""Plain image and mask folders: pairing, splitting, and what they refuse."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import folders
from model.data.samples import check

LABELS = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [255, 1, 1, 1]], np.uint8)

HELD_OUT = [17, 18]


def _add(folder: Path, stem: str, labels: np.ndarray = LABELS, *, suffix: str = "png") -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", labels.shape[::-1], (20, 40, 60)).save(folder / "images" / f"{stem}.{suffix}")
    Image.fromarray(labels).save(folder / "masks" / f"{stem}.png")


def _names(samples) -> list[str]:
    return [sample.name for sample in samples]


def test_images_of_any_kind_are_paired_with_the_mask_of_the_same_stem(tmp_path):
    _add(tmp_path, "b", suffix="jpg")
    _add(tmp_path, "a", suffix="png")
    _add(tmp_path, "c", suffix="webp")
    samples = folders.samples(tmp_path, "all")
    assert _names(samples) == ["a", "b", "c"]
    assert samples[1].mask_path == tmp_path / "masks" / "b.png"


def test_a_masks_pixels_are_the_category_ids(tmp_path):
    _add(tmp_path, "a")
    example = folders.samples(tmp_path, "all")[0].read()
    np.testing.assert_array_equal(example.labels, LABELS)
    np.testing.assert_array_equal(example.scored, (LABELS != categories.VOID) & (LABELS != categories.IGNORE))


def test_a_palette_mask_is_read_by_its_indices(tmp_path):
    _add(tmp_path, "a")
    mask = Image.fromarray(LABELS)
    # All 256 colours, the last for `IGNORE`: with eight, the file has room for the ids 0 to 15 only.
    mask.putpalette(np.resize(categories.PALETTE, (256, 3)).tobytes())
    mask.save(tmp_path / "masks" / "a.png")
    with Image.open(tmp_path / "masks" / "a.png") as written:
        assert written.mode == "P"
    np.testing.assert_array_equal(folders.samples(tmp_path, "all")[0].read().labels, LABELS)


def test_a_mask_of_colours_is_refused_with_advice(tmp_path):
    _add(tmp_path, "a")
    Image.fromarray(categories.PALETTE[LABELS % 8]).save(tmp_path / "masks" / "a.png")
    with pytest.raises(ValueError, match=r"(?s)a\.png is an image of mode RGB.*colours to ids"):
        check(folders.samples(tmp_path, "all"))


def test_unknown_ids_are_named_with_their_file(tmp_path):
    _add(tmp_path, "a", np.array([[1, 8], [33, 2]], np.uint8))
    with pytest.raises(ValueError, match=r"(?s)a\.png: unknown ids \[8, 33\].*7 vehicle, or 255"):
        check(folders.samples(tmp_path, "all"))


def test_a_missing_mask_is_named(tmp_path):
    _add(tmp_path, "a")
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(ValueError, match=r"a\.png has no mask"):
        folders.samples(tmp_path, "all")


def test_a_truncated_mask_is_named(tmp_path):
    _add(tmp_path, "a", np.random.default_rng(0).integers(0, 8, (64, 64), np.uint8))
    mask = tmp_path / "masks" / "a.png"
    mask.write_bytes(mask.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"a\.png can't be read as an image"):
        check(folders.samples(tmp_path, "all"))


def test_a_name_that_is_not_utf_8_is_named(tmp_path):
    try:
        _add(tmp_path, os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(ValueError, match=r"caf\\udce9\.png' is not UTF-8\. Expected.*rename"):
        folders.samples(tmp_path, "val")


def test_two_images_of_one_stem_are_refused(tmp_path):
    _add(tmp_path, "a", suffix="png")
    _add(tmp_path, "a", suffix="jpg")
    with pytest.raises(ValueError, match="a stands twice"):
        check(folders.samples(tmp_path, "all"))


def test_split_folders_are_taken_as_they_are(tmp_path):
    _add(tmp_path / "train", "a")
    _add(tmp_path / "val", "b")
    _add(tmp_path / "night", "c")
    assert folders.detect(tmp_path)
    found = [_names(folders.samples(tmp_path, split)) for split in ("train", "val", "night")]
    assert found == [["a"], ["b"], ["c"]]


def test_without_split_folders_train_and_val_are_disjoint_and_complete(tmp_path):
    for index in range(30):
        _add(tmp_path, f"street_{index:02d}")
    train, validation = (set(_names(folders.samples(tmp_path, split))) for split in ("train", "val"))
    assert train
    assert validation
    assert not train & validation
    assert train | validation == set(_names(folders.samples(tmp_path, "all")))


def test_an_image_stays_in_its_split_when_others_are_added(tmp_path):
    for index in range(30):
        _add(tmp_path, f"street_{index:02d}")
    before = set(_names(folders.samples(tmp_path, "val")))
    for index in range(30):
        _add(tmp_path, f"alley_{index:02d}")
    assert before <= set(_names(folders.samples(tmp_path, "val")))


def test_about_fifteen_percent_are_held_out():
    share = sum(folders.held_out(f"frame_{index:06d}") for index in range(10_000)) / 10_000
    assert share == pytest.approx(folders.VALIDATION_SHARE, abs=0.012)


def test_which_images_are_held_out_never_changes():
    # Worked out once; another hash would leak images trained on into validation.
    assert [index for index in range(40) if folders.held_out(f"street_{index:02d}")] == HELD_OUT


def test_an_unknown_split_is_refused(tmp_path):
    _add(tmp_path, "a")
    with pytest.raises(ValueError, match="no split 'night'"):
        folders.samples(tmp_path, "night")


def test_a_split_without_images_says_so(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    assert folders.detect(tmp_path)
    with pytest.raises(ValueError, match="No images in"):
        folders.samples(tmp_path, "train")


def test_a_split_that_gets_no_image_says_how_to_mend_it(tmp_path):
    _add(tmp_path, "street_00")
    lacking = "train" if folders.held_out("street_00") else "val"
    with pytest.raises(ValueError, match=rf"split '{lacking}'.*Expected more images"):
        folders.samples(tmp_path, lacking)


def test_an_empty_folder_is_not_this_layout(tmp_path):
    assert not folders.detect(tmp_path)
