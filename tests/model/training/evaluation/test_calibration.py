"""Calibration against tables worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from model.training.evaluation import calibration
from model.training.evaluation.calibration import Calibration


def test_the_error_is_the_gap_of_each_bin_weighed_by_its_pixels():
    # Three pixels 0.9 sure, two of them right; two pixels 0.5 sure, both right; one 0.3 sure and wrong.
    confidence = np.array([0.9, 0.9, 0.9, 0.5, 0.5, 0.3], np.float32)
    right = np.array([True, True, False, True, True, False])
    found = calibration.measure(confidence, right)
    assert found.error == pytest.approx(3 / 6 * (0.9 - 2 / 3) + 2 / 6 * 0.5 + 1 / 6 * 0.3, abs=1e-6)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.mean_confidence == pytest.approx((2.7 + 1 + 0.3) / 6)


def test_bins_are_15_of_equal_width_with_their_upper_ends():
    confidence = np.array([0.0, 1 / 15 - 0.001, 1 / 15 + 0.001, 0.2 - 0.001, 0.2 + 0.001, 1.0])
    found = calibration.measure(confidence, np.ones(6, bool))
    assert found.pixels.tolist() == [2, 1, 1, 1, *[0] * 10, 1]


def test_gaps_within_a_bin_cancel_and_between_bins_do_not():
    # Once too sure and once too unsure by as much, in one bin and in two.
    same = calibration.measure(np.array([0.62, 0.64]), np.array([True, False]))
    apart = calibration.measure(np.array([0.3, 0.7]), np.array([True, False]))
    assert same.error == pytest.approx(0.63 - 0.5)
    assert apart.error == pytest.approx(0.7)


def test_sums_of_images_are_added():
    random = np.random.default_rng(2)
    confidence, right = random.random(400), random.random(400) < 0.7
    parts = [calibration.measure(confidence[rows], right[rows]) for rows in (slice(0, 90), slice(90, None))]
    assert (parts[0] + parts[1]).error == pytest.approx(calibration.measure(confidence, right).error)


def test_no_pixels_give_no_number():
    assert np.isnan(Calibration().error)
    assert np.isnan(Calibration().accuracy)
    assert Calibration().as_dict()["accuracy"] == [None] * 15


def test_the_confidence_is_the_greatest_probability_brought_to_size():
    planes = np.zeros((8, 2, 2), np.float32)
    planes[1] = [[1, 0.5], [0.5, 0.25]]
    planes[2] = 0.4
    np.testing.assert_allclose(calibration.confidence(planes, (2, 2)), [[1, 0.5], [0.5, 0.4]])
    wide = calibration.confidence(planes, (2, 4))
    np.testing.assert_allclose(wide[0], [1, 0.875, 0.625, 0.5])


def test_of_the_pixels_near_nine_in_ten_the_share_that_is_right():
    # Above 0.85, up to 0.95: four, of which three are right.
    confidence = np.array([0.84, 0.85, 0.86, 0.9, 0.9, 0.95, 0.96])
    right = np.array([False, False, True, True, False, True, False])
    found = calibration.measure(confidence, right)
    assert found.near.tolist() == [4, 3]
    assert found.near_accuracy == 0.75
    assert (found + found).near_accuracy == 0.75
    assert found.as_dict()["near"] == {"above": 0.85, "up_to": 0.95, "share": 4 / 7, "accuracy": 0.75}
    assert Calibration().as_dict()["near"]["accuracy"] is None


def test_bins_of_a_card_are_read_back():
    random = np.random.default_rng(3)
    found = calibration.measure(0.5 + random.random(300) / 2, random.random(300) < 0.8)
    again = Calibration.from_dict(json.loads(json.dumps(found.as_dict())))
    for name in ("error", "accuracy", "mean_confidence", "near_accuracy"):
        assert getattr(again, name) == pytest.approx(getattr(found, name))
    np.testing.assert_allclose(again.pixels, found.pixels / 300)
    assert np.isnan(Calibration.from_dict(Calibration().as_dict()).error)
