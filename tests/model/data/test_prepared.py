"""A prepared folder as one more layout: quick rows, the originals behind them, and what is said of a broken one."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model.data import cityscapes, prepared
from model.data.augmentation import Augmentation
from model.data.batches import TrainingBatches
from model.data.datasets import open_samples, terms
from model.data.datasets import splits as splits_of
from model.data.preparation.prepare import Settings, prepare
from model.data.samples import check
from tests.model.data.preparation.official import SIZE, write_archives, write_dataset

CACHE = (32, 32)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="module")
def ready(dataset, tmp_path_factory) -> Path:
    """Prepared from the folder. Not to be changed by a test."""
    out = tmp_path_factory.mktemp("prepared") / "out"
    prepare([dataset], out, Settings(size=CACHE), say=lambda line: None)
    return out


def test_it_is_recognised_before_every_other_layout(ready, dataset):
    assert prepared.detect(ready)
    assert not prepared.detect(dataset)


def test_a_manifest_of_something_else_is_not_taken_for_one(tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    assert not prepared.detect(tmp_path)


def test_the_terms_are_those_of_the_source(ready):
    assert terms(ready) == ("cityscapes", cityscapes.TERMS)


def test_splits_are_those_that_were_prepared(ready):
    assert splits_of(ready) == ("train", "val", "test")


def test_an_unknown_split_is_refused_with_those_there_are(ready):
    with pytest.raises(ValueError, match=r"no split 'official-val'.*train, val, test, train-original, val-original"):
        open_samples(ready, "official-val")


def test_every_row_can_be_read_and_belongs_to_its_name(ready, dataset):
    samples = open_samples(ready, "train")
    check(samples)
    assert samples[1].image_path == cityscapes.samples(dataset, "train")[1].image_path
    assert samples[1].read().image.shape == (*CACHE, 3)


def test_rows_may_not_be_written_into(ready):
    example = open_samples(ready, "train")[0].read()
    with pytest.raises(ValueError, match="read-only"):
        example.labels[0, 0] = 1


def test_originals_come_as_the_own_reader_gives_them(ready, dataset):
    for split in ("train", "val"):
        for one, other in zip(
            open_samples(ready, f"{split}-original"), cityscapes.samples(dataset, split), strict=True
        ):
            assert (one.name, one.image_path, one.mask_path) == (other.name, other.image_path, other.mask_path)
            assert one.instances_path.name == f"{one.name}_gtFine_instanceIds.png"
            for found, expected in zip(one.read(), other.read(), strict=True):
                np.testing.assert_array_equal(found, expected)


def test_originals_are_read_out_of_archives(dataset, tmp_path):
    archives = write_archives(dataset, tmp_path)
    prepare(archives, tmp_path / "out", Settings(size=CACHE), say=lambda line: None)
    for one, other in zip(
        open_samples(tmp_path / "out", "val-original"), cityscapes.samples(dataset, "val"), strict=True
    ):
        assert one.image_path == archives[0] / other.image_path.relative_to(dataset)
        for found, expected in zip(one.read(), other.read(), strict=True):
            np.testing.assert_array_equal(found, expected)
    cached = open_samples(tmp_path / "out", "val")[0]
    assert cached.image_path == open_samples(tmp_path / "out", "val-original")[0].image_path


def test_without_a_cache_samples_come_from_the_source(dataset, tmp_path):
    prepare([dataset], tmp_path / "out", Settings(size=CACHE, cached=False), say=lambda line: None)
    samples = open_samples(tmp_path / "out", "train")
    check(samples)
    assert samples[0].read().image.shape == (*SIZE, 3)


def test_generated_streets_have_originals_too(tmp_path):
    prepare([], tmp_path / "out", Settings(size=(64, 128), limit=1), say=lambda line: None)
    cached, original = (open_samples(tmp_path / "out", split)[0] for split in ("val", "val-original"))
    assert (cached.name, cached.image_path) == (original.name, None)
    for one, other in zip(cached.read(), original.read(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_source_that_is_gone_is_told_and_the_cache_still_serves(tmp_path):
    root = write_dataset(tmp_path / "data", splits=("train",))
    prepare([root], tmp_path / "out", Settings(size=CACHE), say=lambda line: None)
    shutil.rmtree(root / "leftImg8bit" / "train" / "ulm")
    check(open_samples(tmp_path / "out", "train"))
    with pytest.raises(
        ValueError, match=r"2 images or masks are no longer where.*leftImg8bit/train/ulm/ulm_000000_000019"
    ):
        open_samples(tmp_path / "out", "train-original")


def test_a_mask_that_is_gone_is_named(tmp_path):
    root = write_dataset(tmp_path / "data", splits=("train",))
    prepare([root], tmp_path / "out", Settings(size=CACHE), say=lambda line: None)
    mask = "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    (root / mask).unlink()
    with pytest.raises(ValueError, match=f"1 images or masks are no longer where.*{mask} first.*without -original"):
        open_samples(tmp_path / "out", "train-original")


def test_without_a_cache_nobody_is_sent_to_it(tmp_path):
    root = write_dataset(tmp_path / "data", splits=("train",))
    prepare([root], tmp_path / "out", Settings(size=CACHE, cached=False), say=lambda line: None)
    shutil.rmtree(root / "gtFine" / "train" / "ulm")
    with pytest.raises(ValueError, match=r"2 images or masks are no longer.*: put them back\.$"):
        open_samples(tmp_path / "out", "train")


def test_opening_originals_keeps_no_archive_open(dataset, tmp_path):
    archives = write_archives(dataset, tmp_path)
    prepare(archives, tmp_path / "out", Settings(size=CACHE), say=lambda line: None)
    samples = open_samples(tmp_path / "out", "val-original")
    archives[0].unlink()
    with pytest.raises(ValueError, match=r"leftImg8bit_trainvaltest\.zip is no whole zip archive"):
        samples[0].read()


@pytest.mark.parametrize("archived", [False, True])
def test_what_is_an_archive_is_not_told_by_its_name(tmp_path, archived):
    root = given = write_dataset(tmp_path / "data.zip", splits=("train",))
    if archived:
        given = tmp_path / "download"
        with zipfile.ZipFile(given, "w") as file:
            for path in root.rglob("*.png"):
                file.write(path, path.relative_to(root))
    prepare([given], tmp_path / "out", Settings(size=CACHE), say=lambda line: None)
    cached, original = (open_samples(tmp_path / "out", split)[0] for split in ("train", "train-original"))
    member = "leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png"
    assert cached.image_path == original.image_path == given / member


def test_a_folder_that_is_not_finished_says_how_to_finish_it(ready, tmp_path):
    shutil.copytree(ready, tmp_path / "out")
    (tmp_path / "out" / "preparing.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match=r"not prepared to its end.*goes on where it was"):
        open_samples(tmp_path / "out", "train")


@pytest.mark.parametrize("damage", ["missing", "short", "other shape"])
def test_a_damaged_cache_is_named(ready, tmp_path, damage):
    shutil.copytree(ready, tmp_path / "out")
    path = tmp_path / "out" / "cache" / "train.labels.npy"
    if damage == "missing":
        path.unlink()
    elif damage == "short":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        np.save(path, np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"train\.labels\.npy.*prepare with --anew"):
        open_samples(tmp_path / "out", "train")


@pytest.mark.parametrize("text", ["", "[]", '{"made_by": "python -m model prepare", "format": 99}'])
def test_a_damaged_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json"):
        prepared.samples(tmp_path, "train")


def test_training_batches_come_from_the_cache(ready):
    batches = TrainingBatches(
        open_samples(ready, "train"), batch_size=2, augmentation=Augmentation(crop=CACHE), reference=CACHE, seed=1
    )
    images, labels = batches.batch(0, 0)
    assert (images.shape, labels.shape) == ((2, *CACHE, 3), (2, *CACHE))
