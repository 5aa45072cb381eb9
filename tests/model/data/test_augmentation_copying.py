"""Things of rare categories come from another sample, stand on ground, and bring their labels with them."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import IGNORE, NAMES, VOID
from model.data import synthetic
from model.data.augmentation import Augmentation
from model.data.augmentation.copying import copied
from model.data.samples import Example

SIZE = (100, 200)
FLAT, BUILDING, OBJECT, SKY, HUMAN, VEHICLE = (
    NAMES.index(name) for name in ("flat", "construction", "object", "sky", "human", "vehicle")
)


def street() -> tuple[np.ndarray, np.ndarray]:
    """A grey street under a grey sky."""
    labels = np.full(SIZE, FLAT, np.uint8)
    labels[:40] = SKY
    return np.full((*SIZE, 3), 100, np.uint8), labels


def donor(category: int, *, rows: slice = np.s_[45:70], columns: slice = np.s_[90:100], level: int = 200) -> Example:
    """A street with one bright thing in it, on the same level of grey as `street`."""
    image, labels = street()
    labels[rows, columns] = category
    image[rows, columns] = level
    return Example(image, labels, labels != VOID)


def paste(example: Example, seed: int = 0, **changes) -> tuple[np.ndarray, np.ndarray]:
    image, labels = street()
    options = {"image": image, "labels": labels, **changes}
    return copied(options["image"], options["labels"], example, most=3, random=np.random.default_rng(seed))


@pytest.mark.parametrize("category", [OBJECT, HUMAN, VEHICLE])
def test_a_thing_arrives_with_its_label_near_where_it_stood(category):
    for seed in range(6):
        image, labels = paste(donor(category), seed)
        rows, columns = np.nonzero(labels == category)
        assert 0.6 * 250 < len(rows) < 1.5 * 250
        assert rows.max() in (68, 69, 70)  # its foot stays in its row: the same distance away
        assert abs(columns.mean() - 95) <= 0.13 * SIZE[1]
        assert np.median(image[labels == category]) > 150
        assert (image[labels != category] > 150).mean() < 0.01


@pytest.mark.parametrize("category", [VOID, IGNORE, FLAT, BUILDING, SKY])
def test_nothing_else_is_copied(category):
    for result, before in zip(paste(donor(category)), street(), strict=True):
        np.testing.assert_array_equal(result, before)


def test_edges_are_soft_in_the_image_and_hard_in_the_labels():
    image, labels = paste(donor(HUMAN), 1)
    assert set(np.unique(labels)) == {FLAT, SKY, HUMAN}
    between = (image[..., 0] > 105) & (image[..., 0] < 190)
    assert between.sum() > 20


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        pytest.param(np.s_[50:100], np.s_[90:100], id="cut off below"),
        pytest.param(np.s_[45:70], np.s_[0:10], id="cut off at the left"),
        pytest.param(np.s_[60:62], np.s_[90:92], id="too small to see"),
        pytest.param(np.s_[10:90], np.s_[50:150], id="hides the street"),
        pytest.param(np.s_[10:30], np.s_[90:100], id="would hang in the sky"),
    ],
)
def test_some_things_stay_where_they_are(rows, columns):
    for seed in range(4):
        assert not (paste(donor(HUMAN, rows=rows, columns=columns), seed)[1] == HUMAN).any()


@pytest.mark.parametrize(("category", "may"), [(HUMAN, False), (VEHICLE, False), (OBJECT, True)])
def test_poles_may_rise_behind_a_wall_where_people_and_cars_may_not_be(category, may):
    labels = np.full(SIZE, BUILDING, np.uint8)
    assert (paste(donor(category), labels=labels)[1] == category).any() == may


def test_a_thing_takes_on_the_brightness_of_the_street_it_comes_to():
    dark = np.full((*SIZE, 3), 60, np.uint8)
    image, labels = paste(donor(HUMAN), 2, image=dark)
    assert np.median(image[labels == HUMAN]) == pytest.approx(200 * 60 / 102, abs=6)


def test_a_donor_of_another_size_gives_things_of_this_images_size():
    small = donor(VEHICLE)
    double = Example(*(np.repeat(np.repeat(array, 2, axis=0), 2, axis=1) for array in small))
    same, scaled = paste(small, 3)[1] == VEHICLE, paste(double, 3)[1] == VEHICLE
    assert scaled.any()
    assert scaled.sum() == pytest.approx(same.sum(), rel=0.2)


@pytest.mark.parametrize("columns", [np.s_[2:10], np.s_[188:198]], ids=["left", "right"])
def test_things_that_land_partly_or_wholly_outside_are_cut_off(columns):
    areas = [int((paste(donor(HUMAN, columns=columns), seed)[1] == HUMAN).sum()) for seed in range(60)]
    assert min(areas) == 0
    assert any(0 < area < 100 for area in areas)
    assert max(areas) >= 200


def test_what_was_given_stays_as_it_was():
    example = donor(HUMAN)
    arrays = [*street(), *example]
    for array in arrays:
        array.flags.writeable = False
    before = [array.copy() for array in arrays]
    copied(arrays[0], arrays[1], example, most=3, random=np.random.default_rng(0))
    for array, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, was)


def test_a_view_copies_from_its_donor_in_its_share():
    image, labels = street()

    def people(copies: float) -> int:
        augmentation = Augmentation(crop=SIZE, scale=(1.0, 1.0), copies=copies)
        views = [
            augmentation.apply(
                image, labels, reference=SIZE, random=np.random.default_rng(seed), donor=lambda: donor(HUMAN)
            )
            for seed in range(40)
        ]
        return sum(bool((view[1] == HUMAN).any()) for view in views)

    assert people(0.0) == 0
    assert 8 <= people(0.5) <= 32
    assert people(1.0) >= 36


def test_real_scenes_get_more_of_what_is_rare():
    samples = synthetic.samples("train", count=8, size=(96, 192))
    examples = [sample.read() for sample in samples]
    before = after = 0
    for index, example in enumerate(examples):
        random = np.random.default_rng(index)
        _, labels = copied(example.image, example.labels, examples[index - 1], most=8, random=random)
        before += np.isin(example.labels, (OBJECT, HUMAN)).sum()
        after += np.isin(labels, (OBJECT, HUMAN)).sum()
        assert set(np.unique(labels)) <= set(range(8))
    assert after > before
