"""Our category scores equal those of the official Cityscapes scripts on the PNGs that `--export-official` writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model import artifact
from model.categories import NAMES, VOID
from model.data import cityscapes, synthetic
from model.inference import segmenter
from model.training.evaluate import evaluate
from model.training.scoring import Scores
from tests.official.scripts import as_official_val, official_scores

TOLERANCE = 1e-6
REAL_IMAGES = 40


class _Mistaken:
    """An engine that is right about two thirds of the time, so that every category gets every kind of mistake."""

    name = "mistaken"
    precision = "f32"

    def __init__(self):
        self._random = np.random.default_rng(5)

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        height, width, _ = image.shape
        blobs = self._random.random((height // 8, width // 8, len(NAMES)))
        large = cv2.resize(blobs, (width, height), interpolation=cv2.INTER_LINEAR)
        yield np.ascontiguousarray(large.transpose(2, 0, 1), np.float32)


@pytest.fixture
def mistaken() -> segmenter.Segmenter:
    card = artifact.describe(size=(64, 128), mean=127.5, std=127.5) | {"name": "mistaken", "keras_sha256": "0" * 64}
    return segmenter.Segmenter(artifact.Artifact(Path(), card), _Mistaken())


def write_every_label(root: Path, count: int) -> None:
    """A Cityscapes folder whose masks hold all 34 label ids, the ignored ones of every category among them."""
    random = np.random.default_rng(6)
    for folder in ("leftImg8bit/train/aachen", "gtFine/train/aachen"):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        name = f"aachen_{number:06d}_000019"
        image, _ = synthetic.scene(number, size=(64, 128))
        label_ids = random.integers(0, 34, (8, 16)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(image).save(root / f"leftImg8bit/train/aachen/{name}_leftImg8bit.png")
        Image.fromarray(label_ids).save(root / f"gtFine/train/aachen/{name}_gtFine_labelIds.png")


def assert_same(ours: Scores, official: dict) -> None:
    scores = ours.as_dict()
    assert set(official["categoryScores"]) == set(NAMES)
    for name in NAMES[VOID + 1 :]:
        assert scores["iou"][name] == pytest.approx(official["categoryScores"][name], abs=TOLERANCE), name
    assert np.isnan(official["categoryScores"]["void"])
    assert scores["mean_iou"] == pytest.approx(official["averageScoreCategories"], abs=TOLERANCE)


def test_scores_equal_the_official_ones_with_every_label_id_and_every_mistake(mistaken, tmp_path):
    write_every_label(tmp_path / "data", count=6)
    samples = cityscapes.samples(tmp_path / "data", "val")
    ours = evaluate(mistaken, samples, export_official=tmp_path / "results")
    official = official_scores(as_official_val(samples, tmp_path / "official"), tmp_path / "results", tmp_path / "out")
    assert 0.05 < ours.mean_iou < 0.95
    assert_same(ours, official)


def test_the_shipped_network_scores_the_same_on_real_photographs(data_folder, tmp_path):
    samples = cityscapes.samples(data_folder / "cityscapes", "val")
    samples = samples[:: max(1, len(samples) // REAL_IMAGES)]
    ours = evaluate(segmenter.load(), samples, export_official=tmp_path / "results")
    official = official_scores(as_official_val(samples, tmp_path / "official"), tmp_path / "results", tmp_path / "out")
    assert ours.mean_iou > 0.7
    assert_same(ours, official)
