"""What prepare refuses: all that is wrong at once, by name, and nothing that was there is lost."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from model.data.preparation.prepare import Settings, prepare
from tests.model.data.preparation.official import SIZE, mask_path, write_frame
from tests.model.data.preparation.running import CACHE, ready


def test_everything_that_is_wrong_with_pairs_is_named_at_once(own, tmp_path):
    mask_path(own, "ulm_000000_000019").unlink()
    (own / "leftImg8bit/train/weimar/weimar_000001_000019_leftImg8bit.png").unlink()
    with pytest.raises(ValueError, match="have no mask") as refusal:
        ready(own, tmp_path / "out")
    said = str(refusal.value)
    assert "1 images have no mask:\n" in said
    assert "ulm_000000_000019_leftImg8bit.png" in said
    assert "1 masks have no image:\n" in said
    assert "weimar_000001_000019_gtFine_labelIds.png" in said


def test_no_more_than_ten_are_named_with_the_total(own, tmp_path):
    for index in range(2, 15):
        write_frame(own, "train", f"ulm_{index:06d}_000019")
        mask_path(own, f"ulm_{index:06d}_000019").unlink()
    with pytest.raises(ValueError, match="13 images have no mask") as refusal:
        ready(own, tmp_path / "out")
    assert str(refusal.value).count("_leftImg8bit.png") == 10
    assert "and 3 more" in str(refusal.value)


def test_what_is_missing_in_a_split_nobody_asked_for_does_not_matter(own, tmp_path):
    mask_path(own, "lindau_000000_000019", "val").unlink()
    assert "test" not in ready(own, tmp_path / "out", test=())["splits"]


def test_bad_files_are_named_by_kind_and_the_good_ones_kept(own, tmp_path):
    Image.new("L", (8, 8), 7).save(mask_path(own, "ulm_000000_000019"))
    Image.fromarray(np.full(SIZE, 77, np.uint8)).save(mask_path(own, "ulm_000001_000019"))
    mask_path(own, "weimar_000000_000019").write_bytes(b"no image")
    Image.fromarray(np.full(SIZE, 3, np.uint8)).save(mask_path(own, "weimar_000001_000019"))
    with pytest.raises(ValueError, match="masks are placeholders") as refusal:
        ready(own, tmp_path / "out")
    said = str(refusal.value)
    assert "ulm_000000_000019_gtFine_labelIds.png is 8x8, its image" in said
    assert "ulm_000001_000019_gtFine_labelIds.png: Unknown label ids [77]" in said
    assert "weimar_000000_000019_gtFine_labelIds.png can't be read as an image" in said
    assert "weimar_000001_000019_gtFine_labelIds.png holds only the ids [3]" in said
    for name in ("ulm_000000", "ulm_000001", "weimar_000000", "weimar_000001"):
        write_frame(own, "train", f"{name}_000019")
    lines: list[str] = []
    found = prepare([own], tmp_path / "out", Settings(size=CACHE), say=lines.append)
    assert "going on after 6 of 10 images" in lines
    assert found.before == 6


def test_asking_for_the_official_test_is_refused(dataset, tmp_path):
    said = (
        r"(?s)2 images of the official test .*placeholders.*berlin_000000_000019.*ids \[0, 1, 2, 3\].*not\s+published"
    )
    with pytest.raises(ValueError, match=said):
        ready(dataset, tmp_path / "out", test=("official-test",))
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_folder_of_another_city_is_refused(own, tmp_path):
    for kind, ending in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_labelIds")):
        file = own / kind / "train" / "ulm" / f"ulm_000000_000019_{ending}.png"
        file.rename(own / kind / "train" / "aachen" / file.name)
    with pytest.raises(ValueError, match=r"(?s)in the folder of another city.*ulm_000000_000019_leftImg8bit.png is of"):
        ready(own, tmp_path / "out")


def test_two_images_of_one_name_are_refused(own, tmp_path):
    folder = own / "leftImg8bit" / "train" / "ulm"
    shutil.copy(folder / "ulm_000000_000019_leftImg8bit.png", folder / "ulm_000000_000019_leftImg8bit.jpg")
    with pytest.raises(ValueError, match=r"(?s)1 names stand twice:.*ulm_000000_000019_leftImg8bit\.(png|jpg) and "):
        ready(own, tmp_path / "out")


def test_the_same_photograph_in_two_splits_is_told(own, tmp_path):
    image = "leftImg8bit/train/{0}/{0}_000000_000019_leftImg8bit.png"
    shutil.copy(own / image.format("ulm"), own / image.format("zurich"))
    found = ready(own, tmp_path / "out")
    assert "the same photograph is in train (ulm_000000_000019) and in val (zurich_000000_000019)" in found["notices"]


def test_a_folder_of_something_else_is_never_written_into(dataset, tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(ValueError, match="not empty and was not made by prepare"):
        ready(dataset, tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(ValueError, match="manifest"):
        ready(dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "thesis.tex"]


def test_a_disk_without_room_is_told_before_anything_is_read(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(ValueError, match=r"The cache takes .* GB in .*Expected room for it.*--no-cache"):
        ready(dataset, tmp_path / "out")
    ready(dataset, tmp_path / "without", cached=False)
    assert not (tmp_path / "without" / "cache").exists()


@pytest.mark.parametrize(("name", "value"), [("height", 0), ("width", -1), ("limit", 0)])
def test_impossible_numbers_are_refused(name, value):
    numbers = {"height": 320, "width": 640, "limit": 1} | {name: value}
    with pytest.raises(ValueError, match=f"--{name} is {value}. Expected at least 1"):
        Settings(size=(numbers["height"], numbers["width"]), limit=numbers["limit"])
