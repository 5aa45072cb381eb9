"""Sums of losses and combo against their parts."""

from __future__ import annotations

import pytest

from model.training.losses import combo, create, cross_entropy, dice
from model.training.losses.sums import weighted_sum
from tests.model.training.losses.batches import EVEN, WITHOUT_VOID, random_batch, value


def test_combo_mixes_cross_entropy_and_dice():
    labels, logits = random_batch()
    loss = combo(EVEN, region_weights=WITHOUT_VOID, ratio=0.3, smooth=2)
    parts = value(cross_entropy(EVEN), labels, logits), value(dice(WITHOUT_VOID, smooth=2), labels, logits)
    assert value(loss, labels, logits) == pytest.approx(0.3 * parts[0] + 0.7 * parts[1], rel=1e-6)


@pytest.mark.parametrize(("ratio", "part"), [(0, dice(EVEN)), (1, cross_entropy(EVEN))], ids=["dice", "cross-entropy"])
def test_combo_may_be_one_of_its_parts_alone(ratio, part):
    labels, logits = random_batch()
    assert value(combo(EVEN, region_weights=EVEN, ratio=ratio), labels, logits) == value(part, labels, logits)


def test_combo_refuses_a_ratio_outside_its_range():
    with pytest.raises(ValueError, match=r"ratio is 1\.5\. Expected a number from 0 to 1"):
        combo(EVEN, region_weights=EVEN, ratio=1.5)


def test_a_sum_adds_its_terms_by_weight():
    labels, logits = random_batch()
    loss = create("cross_entropy + 0.5*dice", category_weights=EVEN, region_weights=WITHOUT_VOID)
    expected = value(cross_entropy(EVEN), labels, logits) + 0.5 * value(dice(WITHOUT_VOID), labels, logits)
    assert value(loss, labels, logits) == pytest.approx(expected, rel=1e-6)


def test_a_term_of_weight_zero_is_not_computed():
    def never(labels, logits):
        raise AssertionError("computed")

    labels, logits = random_batch()
    loss = weighted_sum([(1, dice(EVEN)), (0, never)])
    assert value(loss, labels, logits) == value(dice(EVEN), labels, logits)


@pytest.mark.parametrize("weights", [[0.0], [0.0, 0.0], []])
def test_a_sum_of_nothing_is_refused(weights):
    with pytest.raises(ValueError, match="Expected one above 0"):
        weighted_sum([(weight, dice(EVEN)) for weight in weights])


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r"weight in the sum is -1\. Expected a number of at least 0"):
        weighted_sum([(1, dice(EVEN)), (-1, cross_entropy(EVEN))])
