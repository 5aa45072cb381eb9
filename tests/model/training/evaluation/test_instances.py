"""The instance score against tables worked out by hand; tests/official holds it against the official scripts."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import NAMES
from model.training.evaluation import instances, truth
from model.training.evaluation.tally import count, tally

HUMAN, VEHICLE = NAMES.index("human"), NAMES.index("vehicle")
ROAD, PERSON, RIDER, CAR, CARAVAN = 7, 24, 25, 26, 29


def sums(expected, instance_ids, answer):
    known = truth.from_arrays(np.array(expected, np.uint8), np.array(instance_ids, np.int32))
    return tally(known, count(known, np.array(answer, np.uint8))).instances


def test_each_pixel_weighs_the_average_size_over_that_of_its_instance():
    # A person of 1 pixel that is found, one of 3 pixels of which 1 is found: 1 + 1/3 of 2 average people.
    expected = [[PERSON, PERSON, PERSON, PERSON, ROAD]]
    found = sums(expected, [[24000 + 1, 24002, 24002, 24002, 7]], [[PERSON, RIDER, ROAD, ROAD, ROAD]])
    assert found.hits[HUMAN] == pytest.approx(3462.4756337644 * (1 + 1 / 3))
    assert found.misses[HUMAN] == pytest.approx(3462.4756337644 * 2 / 3)
    assert found.iiou()[HUMAN] == pytest.approx(2 / 3)


def test_a_false_positive_weighs_one():
    # Half of a car of 2 pixels is missed; on 3 pixels of road a car is seen, once as a caravan, which is ignored alone.
    found = sums([[CAR, CAR, ROAD, ROAD, ROAD]], [[26001, 26001, 7, 7, 7]], [[CAR, ROAD, CAR, CARAVAN, CAR]])
    average = 12794.0202738185
    assert found.false_positives[VEHICLE] == 3
    assert found.iiou()[VEHICLE] == pytest.approx(average / 2 / (average + 3))


def test_ids_up_to_1000_and_ignored_labels_are_no_instances():
    found = sums([[PERSON, CARAVAN]], [[24, 29001]], [[PERSON, CARAVAN]])
    assert not found.hits.any()
    assert np.isnan(found.iiou()).all()


def test_categories_without_instances_have_no_score():
    found = sums([[ROAD, CAR]], [[7, 26000]], [[ROAD, CAR]])
    assert found.iiou()[VEHICLE] == 1
    assert np.isnan(np.delete(found.iiou(), VEHICLE)).all()


def test_an_instance_whose_pixels_carry_two_labels_is_one():
    # The instance says person; one of its pixels says rider, as polygons drawn over each other may.
    found = sums([[PERSON, RIDER]], [[24001, 24001]], [[PERSON, ROAD]])
    assert found.hits[HUMAN] == pytest.approx(3462.4756337644 / 2)
    assert found.misses[HUMAN] == pytest.approx(3462.4756337644 / 2)


def test_weighed_to_scale_false_positives_count_as_much_in_a_small_mask():
    small = np.full((16, 32), ROAD, np.uint8)
    small[:8, :8] = CAR
    ids = np.where(small == CAR, 26001, 7).astype(np.int32)
    answer = np.where(small == CAR, CAR, ROAD).astype(np.uint8)
    answer[12:, 12:] = CAR

    def score(factor):
        large = [array.repeat(factor, 0).repeat(factor, 1) for array in (small, ids, answer)]
        return sums(*large)

    assert score(4).iiou(to_scale=True)[VEHICLE] == pytest.approx(score(1).iiou(to_scale=True)[VEHICLE])
    assert score(4).iiou()[VEHICLE] < score(1).iiou()[VEHICLE] - 1e-3
    assert not score(1).official_size


def test_sums_of_images_are_added():
    one = sums([[CAR, CAR]], [[26001, 26001]], [[CAR, ROAD]])
    other = sums([[ROAD, CAR]], [[7, 26001]], [[CAR, CAR]])
    average = 12794.0202738185
    assert (one + other).iiou()[VEHICLE] == pytest.approx(1.5 * average / (2 * average + 1))


def test_the_average_sizes_are_those_of_the_scripts():
    official = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    ignored = {"caravan", "trailer"}
    assert {k: v for k, v in official.args.avgClassSize.items() if k not in ignored} == instances.AVERAGE_SIZES
