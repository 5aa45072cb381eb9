"""How an exported file is held against Keras: on which images, and when it is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.data.samples import Example, Sample
from model.training.exporting.checks import CHOOSING, EXACT, ROUNDED, Agreement, Limits, Reference, violations

# Of eight images.
ALL_NEAR, ALL_FAR = (0.0,) * 8, (1.0,) * 8


@pytest.mark.parametrize(
    ("agreement", "limits", "broken"),
    [
        (Agreement(0.001, 0.999, 8, ALL_NEAR), EXACT, []),
        (
            Agreement(0.0011, 1.0, 8, (*ALL_NEAR[1:], 0.0002)),
            EXACT,
            ["up to 0.0011, and by more than 0.001 in more than 0% of the pixels of 1 of 8 images, expected 0 such"],
        ),
        (Agreement(0.0, 0.99, 8, ALL_NEAR), EXACT, ["99.00% of labels are equal to Keras's, expected at least 99.9%"]),
        (Agreement(0.5, 0.5, 8, ALL_FAR), EXACT, ["differ", "labels"]),
        (Agreement(math.nan, 1.0, 8, ALL_FAR), EXACT, ["differ from Keras's by up to nan"]),
        (Agreement(0.9, 0.98, 8, ALL_FAR), ROUNDED, []),
        (Agreement(0.0, 0.9799, 8, ALL_NEAR), ROUNDED, ["labels"]),
        (Agreement(math.nan, math.nan, 8, ALL_FAR), Limits(None, 0.0), ["labels"]),
        (Agreement(0.3, 0.995, 8, (*[0.01] * 6, *ALL_FAR[:2])), CHOOSING, []),
        (
            Agreement(0.3, 0.995, 8, (*[0.01] * 5, 0.011, *ALL_FAR[:2])),
            CHOOSING,
            ["in more than 1% of the pixels of 3 of 8 images, expected 2 such images at most"],
        ),
        (Agreement(0.3, 0.9949, 8, ALL_NEAR), CHOOSING, ["labels"]),
        (Agreement(math.nan, 1.0, 8, (math.nan,) * 8), CHOOSING, ["differ"]),
    ],
)
def test_limits(agreement, limits, broken):
    found = violations(agreement, limits)
    assert len(found) == len(broken)
    assert all(words in sentence for words, sentence in zip(broken, found, strict=True))


def test_only_a_network_that_chooses_may_jump(reference):
    import keras

    assert reference.limits(EXACT) is EXACT
    images = keras.Input((32, 64, 3))
    kept = keras.layers.Conv2D(3, 3, padding="same")(images)
    reference.network = keras.Model(images, keras.ops.where(kept >= images, kept, 0))
    assert reference.limits(EXACT) is CHOOSING
    assert reference.limits(ROUNDED) is ROUNDED


def test_keras_agrees_with_itself(reference):
    mean, std = 127.5, 127.5
    agreement = reference.compare(lambda images: reference.network((images.astype(np.float32) - mean) / std).numpy())
    assert agreement.difference < 1e-5
    assert (agreement.equal_labels, agreement.images) == (1, 8)


def test_difference_and_equal_labels_are_those_of_a_hand_table(reference):
    truth = reference._truth

    def run(images):
        """One probability of one image is off by a half; the labels of the last image are all another."""
        run.calls += 1
        answer = truth[2 * run.calls - 2 : 2 * run.calls].copy()
        if run.calls == 1:
            answer[0, 3, 5, truth[0, 3, 5].argmax()] += 0.5
        if run.calls == 4:
            answer[1] = np.roll(answer[1], 1, axis=-1)
        return answer

    run.calls = 0
    agreement = reference.compare(run)
    assert agreement.equal_labels == pytest.approx(7 / 8)
    assert agreement.difference >= 0.5
    assert agreement.beyond == pytest.approx((1 / truth[0, ..., 0].size, *[0] * 6, 1))


def test_not_a_number_is_beyond_every_limit(reference):
    agreement = reference.compare(lambda images: np.full((len(images), 32, 64, 8), np.nan, np.float32))
    assert agreement.beyond == (1,) * 8
    assert violations(agreement, EXACT)


def test_an_answer_of_another_shape_is_refused(reference):
    with pytest.raises(ValueError, match=r"it answers \(2, 8, 32, 64\) for two images, and Keras \(2, 32, 64, 8\)"):
        reference.compare(lambda images: np.zeros((len(images), 8, 32, 64), np.float32))


def test_given_photographs_are_taken_from_end_to_end(tiny):
    read = []

    def sample(number: int) -> Sample:
        image = np.full((20, 30, 3), number, np.uint8)
        return Sample(str(number), None, None, lambda: read.append(number) or Example(image, image[..., 0], None))

    reference = Reference(tiny, [sample(number) for number in range(71)])
    assert read == [0, 10, 20, 30, 40, 50, 60, 70]
    assert reference.images.shape == (8, 32, 64, 3)
    assert np.unique(reference.images).tolist() == read


def test_a_few_photographs_will_do(tiny):
    image = np.zeros((20, 30, 3), np.uint8)
    samples = [Sample(str(number), None, None, lambda: Example(image, image[..., 0], None)) for number in range(3)]
    assert len(Reference(tiny, samples).images) == 3


def test_no_photograph_is_refused(tiny):
    with pytest.raises(ValueError, match=r"Received no samples\. Expected at least one photograph"):
        Reference(tiny, [])
