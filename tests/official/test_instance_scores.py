"""IoU and iIoU equal those of the official Cityscapes scripts, on predictions with every kind of mistake.

All 300 masks that the bar asks for, with the shipped network's predictions and with simulated ones:
`.venv/bin/python -m pytest -m official tests/official`, a minute. Without `-m official`, some of them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model.categories import NAMES, VOID
from model.data import cityscapes
from model.data.samples import Sample, read_mask
from model.inference import segmenter
from model.training.evaluate import evaluate
from model.training.evaluation.predictions import score_predictions
from model.training.scoring import Scores
from tests.official.scripts import as_official_val, official_scores, with_instances

TOLERANCE = 1e-6
VALIDATION, OTHERS = 280, 20
FEW = 12

every = pytest.mark.parametrize(
    "count", [FEW, pytest.param(VALIDATION, marks=[pytest.mark.official, pytest.mark.long])]
)


def chosen(samples: list[Sample], count: int) -> list[Sample]:
    return samples[:: max(1, len(samples) // count)][:count]


def real_samples(data_folder: Path, count: int, request: pytest.FixtureRequest) -> list[Sample]:
    """Masks of aachen and zurich, and for the 300 some of the other cities."""
    if count == VALIDATION and "official" not in request.config.getoption("markexpr"):
        pytest.skip("300 masks take a minute: ask for them by -m official")
    root = data_folder / "cityscapes"
    others = chosen(cityscapes.samples(root, "train"), OTHERS) if count == VALIDATION else []
    return chosen(cityscapes.samples(root, "val"), count) + others


def simulated(label_ids: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An answer with every mistake: moved by some pixels, thin things lost, blobs of any of the 34 ids anywhere."""
    height, width = label_ids.shape
    answer = np.roll(label_ids, random.integers(-6, 7, 2), axis=(0, 1))
    answer = cv2.medianBlur(answer, 5)
    coarse = random.integers(0, 34, (height // 16, width // 16)).astype(np.uint8)
    others = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    where = cv2.resize(random.random(coarse.shape).astype(np.float32), (width, height)) < 0.25
    answer = np.where(where, others, answer)
    # An instance is missed whole now and then.
    missed = random.integers(24, 34)
    return np.where((answer == missed) & (random.random() < 0.5), 7, answer).astype(np.uint8)


def assert_same(ours: Scores, official: dict) -> None:
    scores = ours.as_dict()
    for name in NAMES[VOID + 1 :]:
        assert scores["iou"][name] == pytest.approx(official["categoryScores"][name], abs=TOLERANCE), name
    for name, value in official["categoryInstScores"].items():
        if name in scores["iiou"]:
            assert scores["iiou"][name] == pytest.approx(value, abs=TOLERANCE), name
        else:
            assert np.isnan(value), name
    assert scores["mean_iou"] == pytest.approx(official["averageScoreCategories"], abs=TOLERANCE)
    assert scores["mean_iiou"] == pytest.approx(official["averageScoreInstCategories"], abs=TOLERANCE)


@every
def test_simulated_predictions_score_the_same(data_folder, tmp_path, count, request):
    samples = real_samples(data_folder, count, request)
    official = as_official_val(samples, tmp_path / "official")
    samples = with_instances(samples, official)
    (tmp_path / "results").mkdir()
    random = np.random.default_rng(12)
    for sample in samples:
        answer = simulated(read_mask(sample.mask_path), random)
        Image.fromarray(answer).save(tmp_path / "results" / f"{sample.name}_simulated.png")
    ours = score_predictions(samples, tmp_path / "results")
    assert (np.array(list(ours.as_dict()["iou"].values())) > 0.1).all()
    assert ours.mean_iou < 0.9
    assert_same(ours, official_scores(official, tmp_path / "results", tmp_path / "out", instances=True))


@every
def test_real_predictions_score_the_same(data_folder, tmp_path, count, request):
    samples = real_samples(data_folder, count, request)
    official = as_official_val(samples, tmp_path / "official")
    samples = with_instances(samples, official)
    network = evaluate(segmenter.load(), samples, export_official=tmp_path / "results")
    expected = official_scores(official, tmp_path / "results", tmp_path / "out", instances=True)
    assert network.mean_iou > 0.7
    assert_same(network, expected)
    assert_same(score_predictions(samples, tmp_path / "results"), expected)


def test_masks_at_full_resolution_score_the_same(data_folder, tmp_path):
    samples = cityscapes.samples(data_folder / "cityscapes_fullres", "all")
    assert read_mask(samples[0].mask_path).shape == (1024, 2048)
    official = as_official_val(samples, tmp_path / "official")
    samples = with_instances(samples, official)
    network = evaluate(segmenter.load(), samples, export_official=tmp_path / "results")
    assert network.instances.official_size
    expected = official_scores(official, tmp_path / "results", tmp_path / "out", instances=True)
    assert_same(network, expected)
    assert_same(score_predictions(samples, tmp_path / "results"), expected)


def test_masks_with_every_label_id_score_the_same(tmp_path):
    random = np.random.default_rng(13)
    for folder in ("data/leftImg8bit/train/aachen", "data/gtFine/train/aachen", "results"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(4):
        name = f"aachen_{number:06d}_000019"
        expected, other = (random.integers(0, 34, (8, 16)).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(2))
        answer = np.where(random.random(expected.shape) < 0.6, expected, other)
        Image.new("RGB", (128, 64)).save(tmp_path / f"data/leftImg8bit/train/aachen/{name}_leftImg8bit.png")
        Image.fromarray(expected).save(tmp_path / f"data/gtFine/train/aachen/{name}_gtFine_labelIds.png")
        Image.fromarray(answer).save(tmp_path / f"results/{name}_pred.png")
    samples = cityscapes.samples(tmp_path / "data", "val")
    assert set(np.unique([read_mask(sample.mask_path) for sample in samples])) == set(range(34))
    official = as_official_val(samples, tmp_path / "official")
    ours = score_predictions(with_instances(samples, official), tmp_path / "results")
    assert_same(ours, official_scores(official, tmp_path / "results", tmp_path / "out", instances=True))
