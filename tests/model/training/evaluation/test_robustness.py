"""What a network keeps of its score: confusions that can be worked out by hand, and one real walk through."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest

from model.categories import NAMES
from model.data import synthetic
from model.data.samples import Example, Sample
from model.training.evaluation import robustness
from model.training.evaluation.robustness import Robustness
from model.training.scoring import score


def confusion(*counts: tuple[int, int, int]) -> np.ndarray:
    """A confusion from (truth, answer, pixels)."""
    found = np.zeros((8, 8), np.int64)
    for truth, answer, pixels in counts:
        found[truth, answer] += pixels
    return found


# Flat and sky: clean 80 / 100 and 80 / 100; of jpeg 60 / 100 and 60 / 100, then 1 / 3 each, then nothing.
CLEAN = confusion((1, 1, 80), (1, 5, 10), (5, 5, 80), (5, 1, 10))
MILD = confusion((1, 1, 60), (1, 5, 20), (5, 5, 60), (5, 1, 20))
MODERATE = confusion((1, 1, 50), (1, 5, 50), (5, 5, 50), (5, 1, 50))
STRONG = confusion((1, 5, 90), (5, 1, 90))
BY_HAND = Robustness(CLEAN, {("jpeg", 1): MILD, ("jpeg", 2): MODERATE, ("jpeg", 3): STRONG}, 7)


class LearntByHeart:
    """Answers sky where a pixel is bright and flat where it is dark; remembers what it was shown."""

    def __init__(self):
        self.shown = []

    @contextmanager
    def planes(self, image):
        self.shown.append(image)
        planes = np.zeros((8, *image.shape[:2]), np.float32)
        bright = image.mean(2) > 127
        planes[5], planes[1] = bright, ~bright
        # Void is never predicted, however sure of it a network is.
        planes[0] = 2
        yield planes


def sample(name: str = "one", reads: list | None = None) -> Sample:
    labels = np.full((64, 128), 1, np.uint8)
    labels[:32] = 5
    labels[:, :8] = 0
    image = np.where(labels == 5, 230, 25).astype(np.uint8)

    def load() -> Example:
        if reads is not None:
            reads.append(name)
        return Example(np.dstack([image] * 3), labels, labels != 0)

    return Sample(name, None, None, load)


@pytest.mark.parametrize(("strength", "iou"), [(1, 0.6), (2, 1 / 3), (3, 0.0)])
def test_means_and_shares_are_those_worked_out_by_hand(strength, iou):
    assert BY_HAND.mean_iou("jpeg", strength) == pytest.approx(iou)
    assert BY_HAND.kept("jpeg", strength) == pytest.approx(iou / 0.8)


def test_the_table_has_a_row_for_each_corruption_and_one_by_category():
    lines = [line.split() for line in robustness.table(BY_HAND).splitlines()]
    assert lines[1] == ["corruption", "mild", "kept", "moderate", "kept", "strong", "kept"]
    assert lines[2] == ["clean", *["80.00", "100.00"] * 3]
    assert lines[3] == ["jpeg", "60.00", "75.00", "33.33", "41.67", "0.00", "0.00"]
    assert " ".join(lines[5]) == "IoU of each category, moderate"
    assert lines[6] == ["corruption", *NAMES[1:]]
    assert lines[7] == ["clean", "80.00", "-", "-", "-", "80.00", "-", "-"]
    assert lines[8] == ["jpeg", "33.33", "-", "-", "-", "33.33", "-", "-"]


def test_without_moderate_the_strongest_is_shown_by_category():
    text = robustness.table(Robustness(CLEAN, {("fog", 1): MILD}, 1))
    assert "IoU of each category, mild" in text


def test_nothing_is_kept_of_nothing():
    empty = np.zeros((8, 8), np.int64)
    scores = Robustness(empty, {("fog", 2): empty}, 1)
    assert np.isnan(scores.kept("fog", 2))
    assert scores.as_dict()["rows"][0]["kept"] is None
    assert robustness.table(scores).splitlines()[3].split() == ["fog", "-", "-"]


def test_as_json_every_row_has_its_scores():
    found = json.loads(json.dumps(BY_HAND.as_dict()))
    assert found["images"] == 7
    assert found["clean"]["mean_iou"] == 0.8
    assert [(row["corruption"], row["strength"], row["word"]) for row in found["rows"]] == [
        ("jpeg", 1, "mild"),
        ("jpeg", 2, "moderate"),
        ("jpeg", 3, "strong"),
    ]
    assert found["rows"][0]["kept"] == 0.75
    assert found["rows"][0]["iou"] == {name: 0.6 if name in ("flat", "sky") else None for name in NAMES[1:]}


def test_each_sample_is_read_once_and_shown_clean_and_in_every_corruption():
    network, reads = LearntByHeart(), []
    samples = [sample("one", reads), sample("two", reads)]
    found = robustness.measure(network, samples, names=("jpeg", "portrait"), strengths=(1, 3))
    assert reads == ["one", "two"]
    assert len(network.shown) == 2 * 5
    np.testing.assert_array_equal(network.shown[0], samples[0].read().image)
    assert network.shown[3].shape == (64, 48, 3)
    assert (found.names, found.strengths, found.images) == (("jpeg", "portrait"), (1, 3), 2)


def test_only_scored_pixels_count_and_those_of_the_crop():
    found = robustness.measure(LearntByHeart(), [sample()], names=("portrait",), strengths=(1,))
    assert found.clean.sum() == 64 * 120
    assert found.clean[0].sum() == 0
    assert 64 * 40 <= found.corrupted["portrait", 1].sum() <= 64 * 48
    assert found.mean_iou("portrait", 1) == 1


def test_the_clean_score_is_the_official_one():
    samples, network = synthetic.samples("val", count=2, size=(64, 128)), LearntByHeart()
    found = robustness.measure(network, samples, names=("lowres",), strengths=(1,))
    np.testing.assert_array_equal(found.clean, score(samples, network).official)


def test_darkness_costs_a_network_that_looks_at_brightness_alone():
    found = robustness.measure(LearntByHeart(), [sample()], names=("blur", "night"), strengths=(1, 3))
    assert found.mean_iou("blur", 3) > 0.9
    assert found.kept("night", 3) < 0.6


def test_a_part_of_a_table_alone_has_the_same_numbers():
    whole = robustness.measure(LearntByHeart(), [sample(), sample("two")], names=("noise", "rain"), strengths=(1, 2))
    part = robustness.measure(LearntByHeart(), [sample("two"), sample()], names=("rain",), strengths=(2,))
    np.testing.assert_array_equal(whole.corrupted["rain", 2], part.corrupted["rain", 2])


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match=r"Received no samples\. Expected at least one image"):
        robustness.measure(LearntByHeart(), [], names=("fog",), strengths=(1,))
