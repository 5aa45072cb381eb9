"""Shares, places, sizes and company, against counts made by hand from the four masks of conftest.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.data.exploration import statistics
from model.data.exploration.gathering import gather

EVERYTHING = np.arange(4)


def test_shares_are_of_the_pixels_with_ground_truth(collection):
    found = statistics.shares(collection, EVERYTHING)
    assert (found["images"], found["pixels"], found["without_ground_truth"]) == (4, 38, 2 / 40)
    # By hand: void 2, flat 6+6+3+1, construction 1+4+1+0, object 0, nature 0, sky 1+0+0+5, human 1+2, vehicle 1+2+2.
    assert list(found["pixel_counts"].values()) == [2, 16, 6, 0, 0, 6, 3, 5]
    assert found["pixel_share"]["flat"] == 16 / 38
    assert list(found["image_share"].values()) == [0.25, 1, 0.75, 0, 0, 0.5, 0.5, 0.75]


def test_splits_are_counted_apart(collection):
    found = statistics.by_split(collection)
    assert list(found) == ["train", "val"]
    assert [own["images"] for own in found.values()] == [3, 1]
    assert list(found["val"]["pixel_counts"].values()) == [0, 1, 0, 0, 0, 5, 2, 2]


def test_the_heat_of_each_split_holds_its_own_pixels(collection):
    for index in range(2):
        assert (
            collection.heat[index].sum(axis=(1, 2)) == collection.pixels[collection.split == index].sum(axis=0)
        ).all()


def test_cities_are_counted_apart_and_know_their_splits(collection):
    found = statistics.by_group(collection)
    assert {name: (own["images"], own["splits"]) for name, own in found.items()} == {
        "bonn": (1, ["val"]),
        "jena": (1, ["train"]),
        "ulm": (2, ["train"]),
    }
    assert found["jena"]["pixel_share"]["vehicle"] == 2 / 8


def test_names_that_tell_too_many_cities_apart_tell_none(sample):
    samples = [sample([[1, 2]], name=f"{index}_x") for index in range(41)]
    assert gather({"train": samples}).groups == ("all",)


def test_places_are_shares_within_each_cell(sample):
    # The upper half sky, the lower flat, but for a vehicle in the right lower quarter of one of the two images.
    plain = np.repeat([5, 1], 20)[:, None].repeat(80, axis=1)
    parked = plain.copy()
    parked[20:, 40:] = 7
    found = statistics.places(gather({"train": [sample(plain, name="a_1")], "val": [sample(parked, name="a_2")]}))
    vehicle = np.array(found["vehicle"]["map"])
    assert vehicle.shape == (40, 80)
    assert (vehicle[20:, 40:] == 0.5).all()
    assert vehicle.sum() == 0.5 * 20 * 40
    assert found["vehicle"]["largest"] == 0.5
    assert found["vehicle"]["rows"] == pytest.approx([0.625, 0.875])
    assert found["vehicle"]["columns"] == pytest.approx([0.625, 0.875])
    assert found["human"]["rows"] is None


def test_sizes_of_things(collection):
    found = statistics.thing_sizes(collection)
    # Human regions of 1, 1 and 1 pixels; vehicle of 1, 2 and 2; all one of two rows high.
    assert (found["human"]["count"], found["vehicle"]["count"]) == (3, 3)
    assert found["vehicle"]["pixels"] == pytest.approx([1.2, 2, 2])
    assert found["human"]["height_share"] == [0.5, 0.5, 0.5]
    assert found["human"]["small_share"] == 1


def test_things_under_sixteen_by_sixteen_pixels_are_small(sample):
    labels = np.zeros((40, 60))
    labels[0:16, 0:16] = 7  # 256 pixels: just large enough
    labels[20:35, 0:17] = 7  # 255
    labels[0:30, 30:50] = 7
    found = statistics.thing_sizes(gather({"train": [sample(labels)]}))
    assert found["vehicle"]["small_share"] == 1 / 3


def test_company_is_the_share_of_images_with_both(collection):
    images = np.array(statistics.together(collection)["images"])
    assert images[6, 7] == images[7, 6] == 0.5
    assert images[1, 7] == 0.75
    assert images[0, 6] == 0
    assert images.diagonal().tolist() == [0.25, 1, 0.75, 0, 0, 0.5, 0.5, 0.75]


def test_correlation_is_of_ranks_with_ties_shared(collection):
    found = statistics.together(collection)["correlation"]
    # Ranks of human's shares .1, 0, 0, .2 are 3, 1.5, 1.5, 4; of sky's .1, 0, 0, .5 the same; of flat's .6, .6, 3/8, .1
    # they are 3.5, 3.5, 2, 1: covariance -1.25 between deviations, over the roots of 4.5 and 4.5.
    assert found[6][5] == pytest.approx(1)
    assert found[6][1] == pytest.approx(-2.25 / 4.5)
    assert found[3][1] is None


def test_light_is_told_for_all_and_by_city(collection):
    found = statistics.light(collection)
    assert list(found) == ["all", "bonn", "jena", "ulm"]
    assert found["ulm"]["brightness"] == [100, 100, 100]


def test_every_image_is_listed_with_its_counts(collection):
    listed = statistics.images(collection)
    assert [one["name"] for one in listed] == ["ulm_1", "ulm_2", "jena_1", "bonn_1"]
    assert listed[3]["split"] == "val"
    assert listed[3]["pixel_counts"] == [0, 1, 0, 0, 0, 5, 2, 2]
    assert math.isclose(listed[3]["brightness"], 100)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="Received no samples"):
        gather({})
