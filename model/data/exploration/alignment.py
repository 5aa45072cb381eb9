"""Whether masks lie on their images: where, around the edges of labels, the edges of the image are.

Array contract: see `model.data.samples`; `grey` uint8 (height, width). `edges` int64 (2, 9): the sum of the image's
absolute differences between neighbours, over all edges between two labels, looked for -4 to 4 pixels before the edge;
first edges between columns, then between rows.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.categories import IGNORE

REACH = 4
"""Pixels to either side of an edge."""


def edge_sums(grey: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Sum up the edges of one image around those of its labels; see `edges` in the module's contract."""
    sides = (grey, labels), (np.ascontiguousarray(grey.T), np.ascontiguousarray(labels.T))
    return np.stack([_between_columns(*side) for side in sides])


def offset(edges: np.ndarray) -> tuple[float, float] | None:
    """Tell how far right of and below their images masks lie.

    Args:
        edges: summed over images; see the module's contract.

    Returns:
        Pixels to the right and downwards, between -4 and 4: the top of the parabola through the largest sum and its
        neighbours. None where either direction has no edge, or none that stands out.
    """
    found = tuple(map(_top, edges.astype(float)))
    return None if None in found else found


def _between_columns(grey: np.ndarray, labels: np.ndarray) -> np.ndarray:
    if grey.shape[1] <= 2 * REACH + 1:
        return np.zeros(2 * REACH + 1, np.int64)
    steps = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    known = labels != IGNORE
    between = (labels[:, 1:] != labels[:, :-1]) & known[:, 1:] & known[:, :-1]
    rows, columns = np.nonzero(between[:, REACH:-REACH])
    # A mask that lies to the right shows its edge after the image's.
    return np.array([steps[rows, columns + REACH - by].sum(dtype=np.int64) for by in range(-REACH, REACH + 1)])


def _top(sums: np.ndarray) -> float | None:
    highest = int(sums.argmax())
    if not 0 < highest < 2 * REACH:
        return None
    before, top, after = sums[highest - 1 : highest + 2]
    bend = before - 2 * top + after
    return None if not bend else highest - REACH + 0.5 * float(before - after) / float(bend)
