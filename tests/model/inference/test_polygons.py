"""Polygons by hand, and filled again: exactly the pixels they were traced from."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.inference.polygons import trace


def filled(polygons: list, size: tuple[int, int]) -> np.ndarray:
    """Fill by the even-odd rule: each upright line turns over what is to its right."""
    inside = np.zeros(size, bool)
    for ring in (ring for polygon in polygons for ring in polygon):
        for (x, y), (to_x, to_y) in itertools.pairwise(ring):
            if x == to_x:
                inside[min(y, to_y) : max(y, to_y), x:] ^= True
    return inside


def area(ring: list) -> float:
    """Area by the shoelace formula, without sign."""
    x, y = np.array(ring).T
    return abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def test_a_pixel_is_a_square():
    assert trace(np.array([[0, 0], [0, 1]])) == [[[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]]


def test_nothing_has_no_polygon():
    assert trace(np.zeros((3, 4))) == []


def test_a_hole_follows_its_outer_ring():
    mask = np.ones((3, 3))
    mask[1, 1] = 0
    ((outer, hole),) = trace(mask)
    assert (area(outer), area(hole)) == (9, 1)


def test_pixels_that_touch_at_a_corner_are_two_polygons():
    assert len(trace(np.eye(2))) == 2


def test_an_island_in_a_hole_is_a_polygon_of_its_own():
    mask = np.ones((7, 7))
    mask[1:6, 1:6] = 0
    mask[3, 3] = 1
    assert [len(polygon) for polygon in trace(mask)] == [2, 1]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_random_masks_come_back_to_the_pixel(share):
    random = np.random.default_rng(4)
    for _ in range(100):
        height, width = random.integers(1, 24, 2)
        mask = random.random((height, width)) < share
        polygons = trace(mask)
        assert np.array_equal(filled(polygons, mask.shape), mask)
        assert sum(area(outer) - sum(map(area, holes)) for outer, *holes in polygons) == mask.sum()


def test_no_ring_meets_itself_or_goes_straight_on_at_a_corner():
    random = np.random.default_rng(5)
    for _ in range(100):
        mask = random.random((12, 12)) < 0.6
        for ring in (ring for polygon in trace(mask) for ring in polygon):
            assert ring[0] == ring[-1]
            assert len({tuple(point) for point in ring}) == len(ring) - 1
            steps = np.diff(np.array([*ring, ring[1]]), axis=0)
            assert ((steps == 0).sum(axis=1) == 1).all()
            assert ((steps[:-1] == 0) != (steps[1:] == 0)).all()


def test_pillow_fills_them_alike():
    # Twenty times as large, because Pillow draws the border too: what is left of a pixel's middle is compared.
    mask = np.kron(np.random.default_rng(6).random((6, 8)) < 0.5, np.ones((3, 3))).astype(bool)
    canvas = Image.new("1", (24 * 20, 18 * 20))
    draw = ImageDraw.Draw(canvas)
    for outer, *holes in trace(mask):
        draw.polygon([(20 * x, 20 * y) for x, y in outer], fill=1)
        for hole in holes:
            draw.polygon([(20 * x, 20 * y) for x, y in hole], fill=0)
    assert np.array_equal(np.array(canvas)[10::20, 10::20], mask)
