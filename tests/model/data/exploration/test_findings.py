"""The sentences at the top say what the numbers say."""

from __future__ import annotations

import pytest

from model.data.exploration import leaks
from model.data.exploration.exploring import measure_all
from model.data.exploration.findings import findings
from model.data.exploration.gathering import gather


def _told(numbers: dict) -> str:
    return " | ".join(f"{heading}: {sentence}" for heading, sentence in findings(numbers, groups="cities")).replace(
        "\u00a0", " "
    )


@pytest.fixture
def numbers(collection) -> dict:
    return measure_all(collection, leaks.between_splits(collection))


def test_the_rarest_and_the_most_often_absent_category_are_named(numbers):
    told = _told(numbers)
    assert "Human is rare: 7.9 % of the pixels, where flat has 42.1 %: 5 times as many" in told
    assert "100 % of the images have no object" in told


def test_the_largest_difference_between_splits_is_named(numbers):
    # Sky is 1 of 28 pixels of train and 5 of 10 of val.
    assert "Val has 14.0 times as much sky as train: 50.0 % of the pixels against 3.6 %" in _told(numbers)


def test_what_a_later_split_lacks_is_told_of_the_first(sample):
    # Vehicle is half of train and a tenth of val; flat is half and nine tenths.
    splits = {"train": [sample([[1] * 5 + [7] * 5], name="a")], "val": [sample([[1] * 9 + [7]], name="b")]}
    collection = gather(splits)
    told = _told(measure_all(collection, leaks.between_splits(collection)))
    assert "Train has 5.0 times as much vehicle as val: 50.0 % of the pixels against 10.0 %" in told


@pytest.mark.parametrize(("mean", "where"), [(0.47, "right of and below"), (-0.47, "left of and above")])
def test_masks_that_lie_off_their_images_are_told(numbers, mean, where):
    numbers["mask_offset"] = {"right": mean, "below": mean, "mean": mean}
    told = _told(numbers)
    assert f"Masks lie 0.5 pixels {where} their images" in told
    assert f"--label-offset, {mean} pixels" in told
    for small in ({"right": 0.4, "below": -0.3, "mean": 0.05}, None):
        numbers["mask_offset"] = small
        assert "Masks lie" not in _told(numbers)


def test_pixels_without_ground_truth_are_told(numbers):
    assert "5.0 % of the pixels have no ground truth" in _told(numbers)


def test_no_leak_is_told_with_how_hard_was_looked(numbers):
    assert "No picture is in two splits: 3 pairs were compared." in _told(numbers)


def test_leaked_pictures_and_shared_cities_are_told(numbers):
    numbers["leaks"][0]["same_picture"] = [{}, {}]
    numbers["groups_in_several_splits"] = ["ulm", "bonn"]
    assert (
        "2 pairs are one picture in two splits: Scores taken there are flattered. In more than one split: ulm and bonn."
    ) in _told(numbers)


def test_a_shared_city_is_a_leak_without_a_shared_picture(numbers):
    numbers["groups_in_several_splits"] = ["ulm"]
    told = _told(numbers)
    assert "1 of 3 cities is in several splits: ulm: images of one look alike" in told
    assert "No single picture is in two splits, of 3 pairs." in told


def test_alike_splits_are_told_as_alike(sample):
    splits = {name: [sample([[1, 5, 6, 7]], name=name)] for name in ("train", "val", "test")}
    collection = gather(splits)
    told = _told(measure_all(collection, leaks.between_splits(collection)))
    assert "The splits are alike" in told
    assert "between train, val and test" in told


def test_one_split_of_one_category_leaves_little_to_say(sample):
    collection = gather({"train": [sample([[1, 1]], name="one")]})
    assert _told(measure_all(collection, [])).startswith("100 % of the images have no construction")
