"""People and vehicles made unrecognisable: what is hidden, what stays, and over HTTP."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app import create_app
from model.categories import NAMES
from model.inference.blurring import blurred
from tests.app.clients import FakeSegmenter, assert_problem, encoded, opened, post

HUMAN, VEHICLE = NAMES.index("human"), NAMES.index("vehicle")


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (128, 256, 3), np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    """A person of 40 x 24 pixels and a vehicle in a corner, on a street."""
    labels = np.full((128, 256), NAMES.index("flat"), np.uint8)
    labels[40:80, 100:124] = HUMAN
    labels[100:, 200:] = VEHICLE
    return labels


def test_what_is_chosen_loses_its_detail_with_a_margin_and_the_rest_keeps_every_bit(image, labels):
    result = blurred(image, labels, chosen=[HUMAN])
    changed = (result != image).any(axis=-1)
    # A 100th of the longer side, rounded up.
    assert changed[37:83, 97:127][3:-3, 3:-3].mean() > 0.99
    assert changed[37, 112]
    assert changed[60, 97]
    changed[37:83, 97:127] = False
    assert not changed.any()
    # Noise of all values becomes nearly one grey: cells of 4 x 4 pixels leave a quarter of its deviation.
    assert result[45:75, 104:120].std() < 0.35 * image[45:75, 104:120].std()


def test_neighbouring_pixels_differ_little_where_it_is_hidden(image, labels):
    result = blurred(image, labels, chosen=[HUMAN, VEHICLE]).astype(int)
    steps = np.abs(np.diff(result[104:124, 204:252], axis=1))
    assert steps.max() < 64


@pytest.mark.parametrize("chosen", [[], [NAMES.index("sky")]])
def test_without_such_pixels_the_image_is_itself(image, labels, chosen):
    assert blurred(image, labels, chosen=chosen) is image


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (3, 2)])
def test_any_size_can_be_hidden(size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    result = blurred(image, np.full(size, HUMAN, np.uint8), chosen=[HUMAN])
    assert result.shape == image.shape


def test_other_sizes_are_refused(image, labels):
    with pytest.raises(ValueError, match=r"The image is \(128, 256\), its labels \(127, 256\)"):
        blurred(image, labels[1:], chosen=[HUMAN])


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_the_service_hides_it_in_every_overlay(image, media_type):
    client = create_app({}, segmenter=FakeSegmenter()).test_client()
    parameters = {"format": "overlay", "opacity": "0"}
    answers = [
        post(client, encoded(image), query_string=parameters | more, headers={"Accept": media_type})
        for more in ({}, {"blur": "human,7"})
    ]
    plain, hidden = (np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGB")).astype(int) for answer in answers)
    assert answers[1].mimetype == media_type
    # Columns are labelled 0 to 7 in turn, so that with the margin all of it is hidden.
    assert hidden.std() < 0.5 * plain.std()
    if media_type == "image/png":
        np.testing.assert_array_equal(plain, image)
        labels = np.broadcast_to(np.arange(256, dtype=np.uint8) % 8, (128, 256))
        np.testing.assert_array_equal(opened(answers[1].data), blurred(image, labels, chosen=[HUMAN, VEHICLE]))


def test_a_category_that_there_is_not_is_refused(image):
    client = create_app({}, segmenter=FakeSegmenter()).test_client()
    response = post(client, encoded(image), query_string={"blur": "faces"})
    assert_problem(response, 422, says="blur is 'faces'. Expected names or ids")
