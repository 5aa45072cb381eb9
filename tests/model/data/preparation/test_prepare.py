"""From archives, folders or nothing to a prepared folder: what it holds, and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import cityscapes
from model.data.datasets import open_samples
from model.data.preparation.prepare import Settings, prepare
from model.data.preparation.splits import Wishes
from model.preprocessing import resize_image, resize_labels
from tests.model.data.preparation.official import SIZE, write_dataset, write_frame

CACHE = (16, 32)


def ready(given, out: Path, *, cached: bool = True, limit: int | None = None, size=CACHE, **wishes) -> dict:
    """Prepare quietly and return the manifest as it lies in the folder."""
    settings = Settings(size=size, cached=cached, limit=limit, wishes=Wishes(**wishes))
    given = given if isinstance(given, tuple | list) else [given]
    found = prepare(given, out, settings, say=lambda line: None).manifest
    assert json.loads((out / "manifest.json").read_text()) == found
    return found


@pytest.fixture
def own(tmp_path) -> Path:
    """A data set that a test may change."""
    return write_dataset(tmp_path / "own")


@pytest.fixture(scope="module")
def manifest(dataset, tmp_path_factory) -> dict:
    return ready(dataset, tmp_path_factory.mktemp("prepared") / "out")


def _mask(root: Path, name: str, split: str = "train") -> Path:
    return root / "gtFine" / split / name.partition("_")[0] / f"{name}_gtFine_labelIds.png"


def test_cities_are_divided_as_the_project_does(manifest):
    cities = {split: found["cities"] for split, found in manifest["splits"].items()}
    assert cities == {"train": ["ulm", "weimar"], "val": ["aachen", "zurich"], "test": ["lindau"]}


def test_the_official_test_is_left_out_with_a_notice(manifest):
    assert not any(sample["city"] == "berlin" for sample in manifest["samples"])
    assert manifest["notices"] == [
        "official-test: 2 images left out; its published masks are placeholders without categories"
    ]


def test_a_sample_is_told_with_sizes_checksums_and_pixels(dataset, manifest):
    told = next(sample for sample in manifest["samples"] if sample["name"] == "ulm_000001_000019")
    assert (told["split"], told["city"], told["height"], told["width"]) == ("train", "ulm", *SIZE)
    content = _mask(dataset, "ulm_000001_000019").read_bytes()
    assert told["mask"]["path"] == "gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png"
    assert (told["mask"]["bytes"], told["mask"]["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_pixels_are_counted_at_the_original_size(dataset, manifest):
    for sample in cityscapes.samples(dataset, "train"):
        told = next(entry for entry in manifest["samples"] if entry["name"] == sample.name)
        _, labels, scored = sample.read()
        expected = [int((labels == category).sum()) for category in range(categories.COUNT)]
        assert list(told["pixels"].values()) == expected
        assert told["not_scored"] == int((~scored).sum())
        assert told["without_truth"] == 0


def test_the_summary_adds_up(manifest):
    train = [sample for sample in manifest["samples"] if sample["split"] == "train"]
    summary = manifest["splits"]["train"]
    assert summary["images"] == len(train) == 4
    assert summary["pixels"]["human"] == sum(sample["pixels"]["human"] for sample in train)
    assert sum(summary["pixels"].values()) == 4 * SIZE[0] * SIZE[1]
    assert summary["shares"]["human"] == pytest.approx(summary["pixels"]["human"] / (4 * SIZE[0] * SIZE[1]), abs=1e-6)


def test_the_cache_holds_what_resizing_the_originals_gives(dataset, tmp_path):
    ready(dataset, tmp_path / "out")
    cached, originals = open_samples(tmp_path / "out", "val"), cityscapes.samples(dataset, "val")
    assert [sample.name for sample in cached] == [sample.name for sample in originals]
    for one, other in zip(cached, originals, strict=True):
        image, labels, scored = other.read()
        found = one.read()
        np.testing.assert_array_equal(found.image, resize_image(image, CACHE))
        np.testing.assert_array_equal(found.labels, resize_labels(labels, CACHE))
        np.testing.assert_array_equal(found.scored, resize_labels(scored.astype(np.uint8), CACHE).astype(bool))


def test_archives_give_the_same_as_the_folder(archives, dataset, manifest, tmp_path):
    found = ready(archives, tmp_path / "out")
    # Where a file lies, and by what its change would be seen, is all that differs.
    kept = ("split", "row", "name", "city", "height", "width", "pixels", "without_truth", "not_scored")
    assert [[entry[key] for key in kept] for entry in found["samples"]] == [
        [entry[key] for key in kept] for entry in manifest["samples"]
    ]
    assert [entry["image"]["sha256"] for entry in found["samples"]] == [
        entry["image"]["sha256"] for entry in manifest["samples"]
    ]
    first = found["samples"][0]["image"]["path"]
    assert first == "leftImg8bit_trainvaltest.zip/leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png"


def test_a_folder_that_holds_the_archives_is_enough(archives, tmp_path):
    assert ready(archives[0].parent, tmp_path / "out")["source"]["paths"] == [str(path) for path in archives]


def test_images_and_masks_may_lie_in_two_folders(own, tmp_path):
    (tmp_path / "masks").mkdir()
    (own / "gtFine").rename(tmp_path / "masks" / "gtFine")
    assert ready([own, tmp_path / "masks"], tmp_path / "out")["splits"]["train"]["images"] == 4


def test_nothing_at_all_gives_generated_streets(tmp_path):
    found = ready([], tmp_path / "out", limit=3, size=(64, 128))
    assert {split: summary["images"] for split, summary in found["splits"].items()} == {"train": 3, "val": 3}
    assert found["source"]["layout"] == "synthetic"
    assert open_samples(tmp_path / "out", "train")[0].read().image.shape == (64, 128, 3)


def test_camvid_keeps_its_own_splits(tmp_path):
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for folder in (split, f"{split}annot"):
            (tmp_path / "camvid" / folder).mkdir(parents=True)
        Image.fromarray(random.integers(0, 256, (*SIZE, 3), np.uint8)).save(tmp_path / "camvid" / split / "0001.jpg")
        ids = random.integers(0, 12, SIZE, np.uint8)
        Image.fromarray(ids).save(tmp_path / "camvid" / f"{split}annot" / "0001.png")
    found = ready(tmp_path / "camvid", tmp_path / "out", size=SIZE)
    assert [sample["split"] for sample in found["samples"]] == ["train", "val"]
    # 10 is the bicyclist with the bicycle, 11 unlabelled: neither has a category here.
    assert found["samples"][1]["without_truth"] == int((ids >= 10).sum())
    _, labels, scored = open_samples(tmp_path / "out", "val")[0].read()
    np.testing.assert_array_equal(labels == categories.IGNORE, ids >= 10)
    np.testing.assert_array_equal(scored, ids < 10)


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


def test_a_limit_spreads_over_a_split(dataset, tmp_path):
    found = ready(dataset, tmp_path / "out", limit=2)
    train = [sample["name"] for sample in found["samples"] if sample["split"] == "train"]
    assert train == ["ulm_000000_000019", "weimar_000000_000019"]


def test_everything_that_is_wrong_with_pairs_is_named_at_once(own, tmp_path):
    _mask(own, "ulm_000000_000019").unlink()
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
        _mask(own, f"ulm_{index:06d}_000019").unlink()
    with pytest.raises(ValueError, match="13 images have no mask") as refusal:
        ready(own, tmp_path / "out")
    assert str(refusal.value).count("_leftImg8bit.png") == 10
    assert "and 3 more" in str(refusal.value)


def test_what_is_missing_in_a_split_nobody_asked_for_does_not_matter(own, tmp_path):
    _mask(own, "lindau_000000_000019", "val").unlink()
    assert "test" not in ready(own, tmp_path / "out", test=())["splits"]


def test_bad_files_are_named_by_kind_and_the_good_ones_kept(own, tmp_path):
    Image.new("L", (8, 8), 7).save(_mask(own, "ulm_000000_000019"))
    Image.fromarray(np.full(SIZE, 77, np.uint8)).save(_mask(own, "ulm_000001_000019"))
    _mask(own, "weimar_000000_000019").write_bytes(b"no image")
    Image.fromarray(np.full(SIZE, 3, np.uint8)).save(_mask(own, "weimar_000001_000019"))
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
