"""From a mask to polygons that fill exactly its pixels, for `annotations`.

Coordinates are (x, y) of pixel corners: the upper left pixel reaches from (0, 0) to (1, 1), so that areas are numbers
of pixels and a line of single pixels has one. OpenCV's `findContours` goes through the pixels' centres instead, which
takes half a pixel off each side and leaves nothing of a thin pole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

# A closed line of corners: [[x, y], ...], of which the first is repeated at the end.
Ring = list[list[int]]


class _Corners(NamedTuple):
    """Where the outline turns, in reading order.

    Attributes:
        x, y: of each.
        across: number of the corner that a horizontal line leads to.
        down: number of the corner that a vertical line leads to.
        rightwards: of each even corner: whether its horizontal line, to the next corner, has the inside below it.
    """

    x: list[int]
    y: list[int]
    across: list[int]
    down: list[int]
    rightwards: list[bool]


def trace(mask: np.ndarray) -> list[list[Ring]]:
    """Return the polygons of a mask, as the coordinates of a GeoJSON MultiPolygon.

    Pixels belong to one polygon where they share a side. A ring meets itself nowhere, but two may share a corner.

    Args:
        mask: bool or uint8 (height, width), not 0 inside.

    Returns:
        A list of polygons in reading order, each a list of its outer ring and then its holes. Outer rings have the
        inside on their right hand as seen on the screen, holes likewise.
    """
    mask = (mask != 0).astype(np.uint8)
    corners = _corners(mask)
    _, parts = cv2.connectedComponents(mask, connectivity=4)
    polygons: dict[int, list[list[Ring]]] = {}
    for ring in _rings(corners):
        inside = parts[_pixel_inside(ring)]
        outer_or_hole = 0 if _area(ring) > 0 else 1
        polygons.setdefault(int(inside), [[], []])[outer_or_hole].append(ring)
    return [outer + holes for _, (outer, holes) in sorted(polygons.items())]


def _corners(mask: np.ndarray) -> _Corners:
    """Find where the outline turns, and pair neighbours in a row and in a column: lines run between those."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    upper_left, upper_right, lower_left, lower_right = (
        framed[rows, columns] for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None))
    )
    odd = upper_left ^ upper_right ^ lower_left ^ lower_right
    # Two pixels that touch at a corner only: two outlines turn there.
    crossing = (upper_left == lower_right) & (upper_right == lower_left) & (upper_left != upper_right)
    y, x = np.nonzero(odd + 2 * crossing.view(np.uint8))
    twice = crossing[y, x] + 1
    y, x = y.repeat(twice), x.repeat(twice)
    numbers = np.arange(len(x))
    # Of two corners at one place the first has the line to the left. It goes on up where the pixel between those lines
    # is inside, and down otherwise, so that pixels which touch at a corner only stay apart.
    falling = framed[y, x].astype(bool)
    columnwise = np.lexsort((np.where(falling, numbers, -numbers), y, x))
    down = np.empty(len(x), np.intp)
    down[columnwise] = columnwise[numbers ^ 1]
    rightwards = framed[y + 1, x + 1][::2].astype(bool)
    return _Corners(x.tolist(), y.tolist(), (numbers ^ 1).tolist(), down.tolist(), rightwards.tolist())


def _rings(corners: _Corners) -> Iterator[Ring]:
    """Follow lines, by turns across and down, with the inside on the right hand."""
    left = bytearray(b"\1") * len(corners.x)
    for first in range(0, len(corners.x), 2):
        if not left[first]:
            continue
        corner = first if corners.rightwards[first // 2] else first + 1
        points = []
        while left[corner]:
            following = corners.across[corner]
            left[corner] = left[following] = 0
            points += [(corners.x[corner], corners.y[corner]), (corners.x[following], corners.y[following])]
            corner = corners.down[following]
        yield from _simple(points)


def _simple(points: list[tuple[int, int]]) -> Iterator[Ring]:
    """Cut a ring that passes a point twice into rings that do not."""
    if len(set(points)) == len(points):
        yield [list(point) for point in [*points, points[0]]]
        return
    path: list[tuple[int, int]] = []
    places: dict[tuple[int, int], int] = {}
    for point in [*points, points[0]]:
        if point in places:
            loop = path[places[point] :]
            yield [list(each) for each in [*loop, point]]
            for each in loop:
                del places[each]
            del path[len(path) - len(loop) :]
        places[point] = len(path)
        path.append(point)


def _pixel_inside(ring: Ring) -> tuple[int, int]:
    """Return (row, column) of a pixel at the right hand of a ring's first line."""
    (x, y), (to_x, to_y) = ring[:2]
    if y == to_y:
        return (y, x) if to_x > x else (y - 1, x - 1)
    return (y, x - 1) if to_y > y else (y - 1, x)


def _area(ring: Ring) -> int:
    """Return twice the area, positive where the inside is on the right hand on a screen, whose y goes down."""
    x, y = np.array(ring).T
    return int(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
