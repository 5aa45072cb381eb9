"""What holds for every corruption."""

from __future__ import annotations

import ast

import cv2
import numpy as np
import pytest

from model.data.corruption import NAMES, STRENGTHS, corrupt, generator
from model.data.samples import Example

SIZES = ((1, 1), (1, 9), (5, 3), (48, 31), (41, 200))
PHOTOMETRIC = [name for name in NAMES if name != "portrait"]
each_name = pytest.mark.parametrize("name", NAMES)


def corrupted(example: Example, name: str, strength: int = 2, sample: str = "street") -> Example:
    return corrupt(example, name, strength=strength, random=generator(sample, name))


@each_name
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_size_comes_back_as_pixels_with_labels(name, size, strength):
    random = np.random.default_rng(1)
    image = random.integers(0, 256, (*size, 3), np.uint8)
    example = Example(image, random.integers(0, 8, size, np.uint8), random.random(size) < 0.5)
    found = corrupted(example, name, strength)
    assert (found.image.dtype, found.labels.dtype, found.scored.dtype) == (np.uint8, np.uint8, np.bool_)
    assert found.image.shape == (*found.labels.shape, 3)
    assert found.scored.shape == found.labels.shape
    assert name == "portrait" or found.labels.shape == size


@each_name
@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_pictures_pass_without_a_warning(name, value):
    labels = np.zeros((32, 64), np.uint8)
    assert corrupted(Example(np.full((32, 64, 3), value, np.uint8), labels, labels > 0), name).image.dtype == np.uint8


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_the_image_alone_changes_and_not_in_place(name, street):
    before = street.image.copy()
    found = corrupted(street, name)
    assert (found.image != before).any()
    np.testing.assert_array_equal(street.image, before)
    assert found.labels is street.labels
    assert found.scored is street.scored


@each_name
def test_the_same_names_give_the_same_bytes(name, street):
    first, second = corrupted(street, name), corrupted(street, name)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["motion", "noise", "night", "rain", "fog", "glare", "portrait"])
def test_another_sample_is_corrupted_in_another_way(name, street):
    one, other = corrupted(street, name), corrupted(street, name, sample="avenue")
    assert (one.image != other.image).any()


def test_the_generator_hangs_on_both_names_and_on_nothing_else():
    # Written down, because tables in cards must come out again on another machine and another day.
    assert generator("aachen_000000_000019", "night").integers(1 << 30) == 327_268_642
    assert generator("aachen_000000_000019", "fog").integers(1 << 30) != 327_268_642
    assert generator("aachen_000001_000019", "night").integers(1 << 30) != 327_268_642


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_stronger_is_farther_from_the_photograph(name, street, likeness):
    found = [likeness(corrupted(street, name, strength).image, street.image) for strength in STRENGTHS]
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("name", [name for name in PHOTOMETRIC if name not in ("jpeg", "noise")])
def test_a_wide_photograph_suffers_as_a_small_one(name, street, wide, likeness):
    shrunk = cv2.resize(corrupted(wide, name).image, (640, 320), interpolation=cv2.INTER_AREA)
    small = corrupted(street, name).image
    # Noise is another at another size, and night has some.
    assert likeness(shrunk, small) > (30 if name == "night" else 33)


def test_a_wide_photograph_has_as_much_noise_as_a_small_one(street, wide, likeness):
    shrunk = cv2.resize(corrupted(wide, "noise").image, (640, 320), interpolation=cv2.INTER_AREA)
    small = corrupted(street, "noise").image
    assert likeness(shrunk, street.image) == pytest.approx(likeness(small, street.image), abs=2)


@pytest.mark.parametrize(
    ("name", "strength", "expected"),
    [("snow", 1, "Received the corruption 'snow'. Expected one of jpeg, "), ("fog", 4, "Received the strength 4. Exp")],
)
def test_what_is_unknown_is_refused_with_what_is_known(name, strength, expected, street):
    with pytest.raises(ValueError, match=expected):
        corrupt(street, name, strength=strength, random=np.random.default_rng())


def test_nothing_comes_from_the_augmentation_that_networks_train_on(repository):
    paths = sorted((repository / "model" / "data" / "corruption").glob("*.py"))
    assert len(paths) > 5
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not any("augmentation" in (name or "") for name in names), path.name
