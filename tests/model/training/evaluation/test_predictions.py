"""Folders of predictions: found, scored, refused; what a cache keeps and when it does not."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.categories import VOID
from model.data import synthetic
from model.data.samples import Sample
from model.training import metrics
from model.training.evaluation import predictions as scoring
from model.training.evaluation import truths
from model.training.scoring import score


class Answers:
    """A segmenter that says what is in a folder of predictions."""

    def __init__(self, samples, folder):
        self._answers = {
            sample.read().image.tobytes(): categories.from_label_ids(np.asarray(Image.open(path)))
            for sample, path in zip(samples, scoring.find(samples, folder), strict=True)
        }

    @contextmanager
    def planes(self, image):
        labels = self._answers[image.tobytes()]
        yield np.ascontiguousarray(np.eye(8, dtype=np.float32)[labels].transpose(2, 0, 1))


def test_a_folder_scores_as_the_network_that_wrote_it(samples, predictions, tmp_path):
    # Of ids that our own files hold: one for each category, and no void.
    for path in predictions.iterdir():
        labels = np.maximum(categories.from_label_ids(np.asarray(Image.open(path))), VOID + 1)
        Image.fromarray(categories.to_label_ids(labels)).save(path)
    folder = scoring.score_predictions(samples, predictions)
    network = score(samples, Answers(samples, predictions), details=True)
    expected = network.as_dict()
    assert expected.pop("calibration_error") > 0
    assert expected.pop("calibration")["share"][-1] == 1
    assert folder.as_dict() == expected
    assert [image.name for image in folder.per_image] == [sample.name for sample in samples]


def test_the_sums_over_images_are_the_scores(samples, predictions):
    found = scoring.score_predictions(samples, predictions)
    np.testing.assert_array_equal(found.official, sum(image.official for image in found.per_image))
    np.testing.assert_array_equal(found.boundaries, sum(image.boundaries for image in found.per_image))


def test_photographs_are_not_needed(samples, predictions):
    gone = [replace(sample, image_path=None) for sample in samples]
    assert scoring.score_predictions(gone, predictions).images == 5


def test_data_sets_without_label_ids_are_scored_by_category(tmp_path):
    samples = synthetic.samples("val", count=2, size=(64, 128))
    for sample in samples:
        labels = sample.read().labels
        Image.fromarray(categories.to_label_ids(labels)).save(tmp_path / f"{sample.name}.png")
    found = scoring.score_predictions(samples, tmp_path)
    assert found.mean_iou == found.mean_iou_with_void == 1
    assert metrics.intersection_over_union(found.official)[1:].tolist() == [1] * 7
    assert np.nanmean(found.instances.iiou()) == 1
    assert not found.instances.annotated


def test_instances_are_read_where_there_are_any(samples):
    assert [truths.of_sample(sample).annotated for sample in samples] == [True, False, False, False, False]


def test_the_boundary_can_be_left_out(samples, predictions):
    assert scoring.score_predictions(samples, predictions, boundary=False).boundaries is None


def test_a_cache_gives_the_same_scores(samples, predictions, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    plain = scoring.score_predictions(samples, predictions).as_dict()
    assert scoring.score_predictions(samples, predictions, cache=cache).as_dict() == plain
    assert [path.name for path in cache.iterdir()] == [truths.FILE]
    # Were the masks read again, this would fail.
    monkeypatch.setattr(truths, "of_sample", None)
    assert scoring.score_predictions(samples, predictions, cache=cache).as_dict() == plain


def test_a_cache_is_made_anew_when_a_mask_changes(samples, predictions, tmp_path):
    copies = []
    for sample in samples:
        mask = tmp_path / sample.mask_path.name
        mask.write_bytes(sample.mask_path.read_bytes())
        copies.append(replace(sample, mask_path=mask, instances_path=None))
    before = scoring.score_predictions(copies, predictions, cache=tmp_path / "cache").mean_iou
    Image.fromarray(np.full((64, 128), 7, np.uint8)).save(copies[0].mask_path)
    os.utime(copies[0].mask_path, ns=(1, 1))
    after = scoring.score_predictions(copies, predictions, cache=tmp_path / "cache").mean_iou
    assert after != before
    assert after == scoring.score_predictions(copies, predictions).mean_iou


@pytest.mark.parametrize("content", [b"PK no archive", b"PK\x03\x04 cut off", b""])
def test_a_damaged_cache_is_told(content, samples, predictions, tmp_path):
    (tmp_path / truths.FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"truths\.npz can't be read.*remove it"):
        scoring.score_predictions(samples, predictions, cache=tmp_path)


def test_masks_that_are_no_files_of_their_own_are_not_kept(predictions, tmp_path):
    with pytest.raises(ValueError, match=r"Received --cache with masks that are generated, resized by prepare"):
        truths.of_samples(synthetic.samples("val", count=1, size=(32, 64)), cache=tmp_path)


def test_predictions_are_found_by_name_in_subfolders(samples, predictions):
    (predictions / "more").mkdir()
    path = next(predictions.glob("aachen_000001*"))
    path.rename(predictions / "more" / "aachen_000001_000019.png")
    assert [path.name[:13] for path in scoring.find(samples, predictions)] == [s.name[:13] for s in samples]


def test_a_name_that_another_begins_with_is_not_taken_for_it(tmp_path):
    for name in ("street_1", "street_10", "street_1_x"):
        Image.new("L", (4, 4)).save(tmp_path / f"{name}.png")
    sample = Sample("street_10", None, None, None)
    assert [path.stem for path in scoring.find([sample], tmp_path)] == ["street_10"]


def test_a_file_that_fits_two_names_is_of_the_longer(tmp_path):
    for name in ("street_pred_labelIds", "street_1_pred_labelIds", "street_1_b"):
        Image.new("L", (4, 4)).save(tmp_path / f"{name}.png")
    samples = [Sample(name, None, None, None) for name in ("street", "street_1", "street_1_b")]
    found = [path.stem for path in scoring.find(samples, tmp_path)]
    assert found == ["street_pred_labelIds", "street_1_pred_labelIds", "street_1_b"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: path.unlink(), "no prediction of aachen_000000_000019"),
        (lambda path: path.with_stem("aachen_000000_000019_b").write_bytes(path.read_bytes()), "several predictions"),
        (lambda path: Image.new("L", (64, 64)).save(path), r"any\.png: it is 64x64, its mask 128x64"),
        (lambda path: Image.new("L", (128, 64), 77).save(path), r"any\.png: unknown label ids \[77\]"),
        (lambda path: Image.new("RGB", (128, 64)).save(path), r"any\.png is an image of mode RGB"),
        (lambda path: path.write_bytes(b"no image"), r"any\.png can't be read as an image"),
    ],
)
def test_bad_predictions_are_told_with_their_name(samples, predictions, change, expected):
    change(next(predictions.glob("aachen_000000*")))
    with pytest.raises(ValueError, match=expected):
        scoring.score_predictions(samples, predictions)


def test_a_folder_that_is_none_is_told(samples, tmp_path):
    with pytest.raises(ValueError, match=r"nowhere' is not a folder"):
        scoring.score_predictions(samples, tmp_path / "nowhere")


def test_instances_of_another_size_are_told(samples, predictions, tmp_path):
    path = tmp_path / "aachen_gtFine_instanceIds.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(path)
    wrong = [replace(samples[0], instances_path=path)]
    with pytest.raises(ValueError, match=r"instanceIds\.png is \(4, 4\), the mask \(64, 128\)"):
        scoring.score_predictions(wrong, predictions)
