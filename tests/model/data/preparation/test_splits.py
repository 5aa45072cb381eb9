"""Whole cities to one split each; whatever would let one into two is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.data.preparation.files import File
from model.data.preparation.frames import Frame
from model.data.preparation.problems import Problems
from model.data.preparation.splits import Wishes, assign
from tests.model.data.preparation.official import CITIES, names

FILE = File("x", Path("x"), 0, "", lambda: b"", "x")


def frames(**more: tuple[str, ...]) -> list[Frame]:
    """Two frames of each official city, and of more cities by official split."""
    found = [Frame(name, name.partition("_")[0], split, FILE, FILE) for split in CITIES for name in names(split)]
    found += [Frame(f"{city}_1", city, split, FILE, FILE) for split, cities in more.items() for city in cities]
    return sorted(found, key=lambda frame: (frame.origin, frame.city, frame.name))


def cities(wishes: Wishes, found: list[Frame] | None = None) -> dict[str, list[str]]:
    assignment = assign(frames() if found is None else found, wishes, Problems())
    return {split: sorted({frame.city for frame in chosen}) for split, chosen in assignment.splits.items()}


def test_the_default_is_the_projects_own():
    assert cities(Wishes()) == {"train": ["ulm", "weimar"], "val": ["aachen", "zurich"], "test": ["lindau"]}


def test_train_is_what_no_other_split_takes():
    found = cities(Wishes(val=("ulm",), test=("weimar",)))
    assert found == {"train": ["aachen", "zurich"], "val": ["ulm"], "test": ["weimar"]}


def test_an_official_split_stands_for_its_cities():
    assert cities(Wishes(val=("official-val",), test=())) == {
        "train": ["aachen", "ulm", "weimar", "zurich"],
        "val": ["lindau"],
    }


def test_train_may_be_a_few_cities():
    assert cities(Wishes(train=("ulm",)))["train"] == ["ulm"]


def test_what_is_left_out_is_told():
    notices = assign(frames(train_extra=("bonn",)), Wishes(train=("ulm",), test=()), Problems()).notices
    assert notices == [
        "official-test: 2 images left out; its published masks are placeholders without categories",
        "official-train: 2 images are in no split, since no city of theirs is asked for",
        "official-train_extra: 1 images are in no split, since no city of theirs is asked for",
        "official-val: 2 images are in no split, since no city of theirs is asked for",
    ]


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        (
            Wishes(val=("ulm",), test=("ulm",)),
            r"1 cities would be in two splits:\n  ulm: in val \(ulm\) and in test \(",
        ),
        (Wishes(train=("official-train",)), r"aachen: in val \(aachen\) and in train \(official-train\)"),
        (Wishes(val=("lindau",)), r"lindau: in val \(lindau\) and in test \(official-val\)"),
    ],
)
def test_a_city_that_is_asked_for_twice_is_refused(wishes, says):
    with pytest.raises(ValueError, match=rf"{says}"):
        cities(wishes)


def test_a_city_in_two_official_splits_is_refused():
    with pytest.raises(ValueError, match=r"ulm: in (train|test) \(.*\) and in (train|test) \("):
        cities(Wishes(), frames(val=("ulm",)))


def test_a_city_in_two_official_folders_may_be_asked_for_as_one():
    found = assign(frames(val=("ulm",)), Wishes(val=("ulm",), test=()), Problems())
    assert [frame.name for frame in found.splits["val"]] == ["ulm_000000_000019", "ulm_000001_000019", "ulm_1"]


def test_a_city_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"--val-cities names paris, which.*Expected some of: aachen, berlin, lindau"):
        cities(Wishes(val=("paris",)))


@pytest.mark.parametrize("missing", ["train", "val"])
def test_an_empty_split_says_what_could_be_named(missing):
    left = ("ulm",) if missing == "val" else ("aachen", "zurich")
    found = [frame for frame in frames() if frame.city in left]
    with pytest.raises(ValueError, match=rf"No images for {missing}\. .*of {', '.join(left)}"):
        cities(Wishes(), found)


def test_of_the_default_cities_some_may_be_missing():
    found = [frame for frame in frames() if frame.city in ("aachen", "ulm")]
    assert cities(Wishes(), found) == {"train": ["ulm"], "val": ["aachen"]}


def test_cities_of_images_without_any_are_refused():
    found = [Frame("a", None, split, FILE, FILE) for split in ("train", "val")]
    assert cities(Wishes(), [*found]) == {"train": [None], "val": [None]}
    with pytest.raises(ValueError, match="don't tell their city"):
        cities(Wishes(val=("ulm",)), found)
