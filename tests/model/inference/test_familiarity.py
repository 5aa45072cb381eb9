"""What is said of an answer, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import COUNT
from model.inference import familiarity
from model.inference.familiarity import BANDS, LENGTH, Familiarity

BANDED = COUNT * BANDS


def _sure(labels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.eye(COUNT, dtype=np.float32)[labels].transpose(2, 0, 1))


def _known(**changes) -> Familiarity:
    values = {"weights": np.zeros(LENGTH), "bias": 0.0, "known": np.array([0.0, 1.0, 2.0, 4.0])}
    return Familiarity(**values | changes)


def test_a_description_holds_each_part_where_it_says():
    # The upper half is sky and the lower flat, but for its right half, which is vehicle.
    labels = np.full((64, 128), 5)
    labels[32:] = 1
    labels[32:, 64:] = 7
    found = familiarity.describe(_sure(labels))
    assert found.shape == (LENGTH,)
    means = found[:BANDED].reshape(COUNT, BANDS)
    np.testing.assert_allclose(means[5], np.log([1.01] * 4 + [0.01] * 4), rtol=1e-6)
    np.testing.assert_allclose(means[7], np.log([0.01] * 4 + [0.51] * 4), rtol=1e-6)
    spread = found[BANDED : 2 * BANDED].reshape(COUNT, BANDS)
    np.testing.assert_allclose(spread[1], [0] * 4 + [0.5] * 4, atol=1e-6)
    down, across = np.exp(found[2 * BANDED :][: 2 * COUNT].reshape(2, COUNT)) - 1e-4
    # Sky ends once in each of 128 columns of 63 steps; flat ends once in 32 of 64 rows of 127 steps.
    np.testing.assert_allclose([down[5], across[5]], [1 / 63, 0], atol=1e-6)
    np.testing.assert_allclose([down[1], across[1]], [0.5 / 63, 0.5 / 127], atol=1e-6)
    np.testing.assert_allclose(found[2 * BANDED + 2 * COUNT :], [0] * BANDS + [1] * 4, atol=1e-6)


def test_doubt_is_what_the_greatest_probability_leaves():
    planes = np.full((COUNT, 64, 128), 0.05, np.float32)
    planes[3] = 0.65
    found = familiarity.describe(planes)
    np.testing.assert_allclose(found[-BANDS - 4 : -4], 0.35, rtol=1e-6)
    np.testing.assert_allclose(found[-4:], 0.65, rtol=1e-6)


def test_the_quantiles_are_those_of_the_greatest_probabilities():
    planes = np.random.default_rng(4).random((COUNT, 64, 128), np.float32)
    expected = np.quantile(planes.max(axis=0), [0.02, 0.1, 0.3, 0.6])
    np.testing.assert_allclose(familiarity.describe(planes)[-4:], expected, rtol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (64, 128), (240, 50), (480, 960)])
def test_any_size_has_a_description(size):
    labels = np.random.default_rng(0).integers(0, COUNT, size)
    assert np.isfinite(familiarity.describe(_sure(labels))).all()


def test_one_picture_in_several_sizes_has_one_description():
    labels = np.random.default_rng(1).integers(0, COUNT, (64, 128))
    twice = labels.repeat(3, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(familiarity.describe(_sure(twice)), familiarity.describe(_sure(labels)), rtol=1e-6)


@pytest.mark.parametrize(
    ("strangeness", "share"), [(-9, 1), (0, 1), (0.5, 1 - 1 / 6), (1, 2 / 3), (3, 1 / 6), (4, 0), (1e6, 0)]
)
def test_familiarity_is_the_share_of_streets_as_strange_or_stranger(strangeness, share):
    assert _known().share(strangeness) == pytest.approx(share)


def test_strangeness_weighs_the_description():
    weights = np.zeros(LENGTH)
    weights[0], weights[-1] = 2, 3
    planes = _sure(np.zeros((64, 128), int))
    known = _known(weights=weights, bias=0.25)
    assert known.strangeness(planes) == pytest.approx(2 * np.log(1.01) + 3 + 0.25)
    assert known.of(planes) == known.share(known.strangeness(planes))


def test_a_card_gives_back_what_was_written():
    random = np.random.default_rng(3)
    known = _known(weights=random.normal(0, 1, LENGTH), bias=-1.23456789, known=np.sort(random.normal(0, 1, 9)))
    found = familiarity.read({"familiarity": known.as_dict()})
    np.testing.assert_allclose(found.weights, known.weights, rtol=1e-4)
    np.testing.assert_allclose(found.known, known.known, rtol=1e-4)
    assert found.bias == pytest.approx(known.bias, rel=1e-4)


@pytest.mark.parametrize("found", [None, {}, {"weights": [1.0], "known": [0, 1], "bias": 0}, {"known": [0, 1]}])
def test_a_card_that_knows_nothing_of_streets_is_one_that_knows_nothing(found):
    assert familiarity.read({} if found is None else {"familiarity": found}) is None
