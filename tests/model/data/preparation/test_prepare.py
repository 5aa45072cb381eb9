"""From archives, folders or nothing to a prepared folder: what it holds, and what is refused on the way."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import cityscapes
from model.data.datasets import open_samples
from model.preprocessing import resize_image, resize_labels
from tests.model.data.preparation.official import SIZE, mask_path
from tests.model.data.preparation.running import CACHE, ready


@pytest.fixture(scope="module")
def manifest(dataset, tmp_path_factory) -> dict:
    return ready(dataset, tmp_path_factory.mktemp("prepared") / "out")


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
    content = mask_path(dataset, "ulm_000001_000019").read_bytes()
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


def test_a_limit_spreads_over_a_split(dataset, tmp_path):
    found = ready(dataset, tmp_path / "out", limit=2)
    train = [sample["name"] for sample in found["samples"] if sample["split"] == "train"]
    assert train == ["ulm_000000_000019", "weimar_000000_000019"]
