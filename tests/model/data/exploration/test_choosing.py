"""Which images stand for all, and which stand out."""

from __future__ import annotations

import re

import numpy as np
import pytest

from model.data.exploration import choosing


def _rows(*groups: tuple[int, dict[int, float]]) -> np.ndarray:
    """Compositions: so many images of each, the rest of the pixels flat, with a little noise."""
    rng = np.random.default_rng(0)
    rows = []
    for count, shares in groups:
        row = np.zeros(8)
        row[list(shares)] = list(shares.values())
        row[1] += 1 - row.sum()
        rows += [row] * count
    noisy = np.abs(np.array(rows) + rng.normal(0, 0.003, (len(rows), 8)))
    return noisy / noisy.sum(axis=1, keepdims=True)


def test_each_kind_of_image_has_one_that_stands_for_it():
    composition = _rows((5, {2: 0.8}), (3, {4: 0.7}), (9, {5: 0.1}))
    chosen = choosing.representatives(composition, count=3)
    assert [one.stands_for for one in chosen] == [9, 5, 3]
    kinds = (range(8, 17), range(5), range(5, 8))
    assert all(one.index in members for one, members in zip(chosen, kinds, strict=True))


def test_the_image_nearest_to_the_middle_stands_for_its_kind():
    composition = np.zeros((3, 8))
    composition[:, 1] = 0.3, 0.5, 0.7
    composition[:, 5] = 1 - composition[:, 1]
    assert choosing.representatives(composition, count=1) == [(1, 3)]


def test_fewer_kinds_than_asked_for_are_enough():
    composition = np.repeat(np.eye(8)[[1, 5]], 4, axis=0)
    assert sorted(one.stands_for for one in choosing.representatives(composition, count=12)) == [4, 4]


def test_the_odd_image_comes_first_and_says_why():
    composition = _rows((30, {7: 0.07, 5: 0.1}), (1, {7: 0.62}), (30, {7: 0.08, 5: 0.2}))
    first, second = choosing.outliers(composition, count=2)
    assert first.index == 30
    assert re.fullmatch("vehicle 6[12]\u00a0% of pixels, typically 7.[3-8]\u00a0%", first.sentence())
    assert first.distance > 3 * second.distance


def test_a_missing_category_is_told_as_none():
    told = choosing.Outlier(0, 0.3, category=1, share=0.0, usual=0.4).sentence()
    assert told == "no flat, typically 40\u00a0% of pixels"


def test_distances_are_to_the_ten_nearest_others():
    composition = np.random.default_rng(1).dirichlet(np.ones(8), 40)
    apart = np.linalg.norm(np.sqrt(composition)[:, None] - np.sqrt(composition), axis=2) / np.sqrt(2)
    expected = np.sort(apart, axis=1)[:, 1:11].mean(axis=1)
    found = {one.index: one.distance for one in choosing.outliers(composition, count=40)}
    assert [found[index] for index in range(40)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_large_set_is_compared_with_a_part_of_itself(monkeypatch):
    monkeypatch.setattr(choosing, "_MOST_COMPARED", 20)
    composition = np.random.default_rng(1).dirichlet(np.ones(8), 45)
    apart = np.linalg.norm(np.sqrt(composition)[:, None] - np.sqrt(composition[::3]), axis=2) / np.sqrt(2)
    apart[np.arange(0, 45, 3), np.arange(15)] = np.inf
    expected = np.sort(apart, axis=1)[:, :10].mean(axis=1)
    found = {one.index: one.distance for one in choosing.outliers(composition, count=45)}
    assert [found[index] for index in range(45)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_two_images_have_no_outlier():
    assert choosing.outliers(np.eye(8)[:2], count=5) == []
