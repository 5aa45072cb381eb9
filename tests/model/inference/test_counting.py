"""Numbers of a segmentation: by hand, and against NumPy pixel by pixel."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from model import categories
from model.inference.counting import summary
from model.inference.segmenter import Segmentation


def _random(size: tuple[int, int]) -> Segmentation:
    random = np.random.default_rng(3)
    labels = random.integers(0, 8, size, np.uint8)
    confidence = random.integers(0, 256, size, np.uint8)
    return Segmentation(labels, confidence, size, {}, "tiny-0123456789ab")


def test_summary_by_hand(segmentation):
    counted = summary(segmentation)
    assert counted["image"] == {"height": 2, "width": 4}
    by_name = {entry["name"]: entry for entry in counted["categories"]}
    assert [by_name[name]["pixels"] for name in categories.NAMES] == [1, 3, 0, 0, 0, 2, 0, 2]
    assert by_name["flat"]["coverage"] == 3 / 8
    assert by_name["flat"]["color"] == [128, 64, 128]
    assert by_name["flat"]["mean_confidence"] == pytest.approx(0.6)
    assert by_name["vehicle"]["mean_confidence"] == pytest.approx(0.5)
    assert by_name["human"]["mean_confidence"] is None
    assert counted["mean_confidence"] == pytest.approx((51 + 102 + 153 + 204 + 255 * 3) / 8 / 255)


def test_summary_is_json_and_counts_every_pixel_of_a_large_picture():
    # More pixels than are counted at a time.
    segmentation = _random((1100, 1000))
    counted = json.loads(json.dumps(summary(segmentation)))
    assert sum(entry["pixels"] for entry in counted["categories"]) == 1_100_000
    assert sum(entry["coverage"] for entry in counted["categories"]) == pytest.approx(1)
    assert counted["mean_confidence"] == pytest.approx(segmentation.confidence.mean() / 255)


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (4, 4), (300, 1000)])
def test_summary_of_any_size_counts_exactly(size):
    segmentation = _random(size)
    counted = summary(segmentation)
    for entry in counted["categories"]:
        chosen = segmentation.confidence[segmentation.labels == entry["id"]].astype(np.int64)
        assert entry["pixels"] == chosen.size
        assert entry["mean_confidence"] == (float(chosen.sum() / chosen.size / 255) if chosen.size else None)
    assert counted["mean_confidence"] == float(segmentation.confidence.sum(dtype=np.int64) / (size[0] * size[1]) / 255)


def test_summary_without_confidence_is_refused(segmentation):
    without = dataclasses.replace(segmentation, confidence=None)
    with pytest.raises(ValueError, match="confidence=True"):
        summary(without)


def test_only_chosen_categories_are_counted_and_coverage_stays_a_share_of_all(segmentation):
    counted = summary(segmentation, chosen=(7, 1), palette=categories.COLORBLIND_PALETTE)
    assert [entry["name"] for entry in counted["categories"]] == ["flat", "vehicle"]
    assert [entry["coverage"] for entry in counted["categories"]] == [3 / 8, 2 / 8]
    assert counted["categories"][0]["color"] == [204, 121, 167]
    assert counted["mean_confidence"] == pytest.approx((102 + 153 + 204 + 0 + 255) / 5 / 255)
