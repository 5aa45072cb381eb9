"""Which images to show: those that stand for many, and those unlike all others, by what share each category has.

Array contract: `composition` float64 (images, 8), share of each category in an image, 0 to 1. Distances are between its
square roots (Hellinger), so that half a percent more human counts as much as several percent more road.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from model import categories
from model.reports import percent

_NEIGHBOURS = 10
_MOST_COMPARED = 5000
_CHUNK = 1024
_ATTEMPTS = 3
_SEED = 1


class Representative(NamedTuple):
    """An image in the middle of a cluster, and how many images the cluster has."""

    index: int
    stands_for: int


class Outlier(NamedTuple):
    """An image far from all others.

    Attributes:
        index: of the image.
        distance: mean Hellinger distance to its ten nearest, 0 to 1.
        category: id of the category that differs most from what is usual.
        share: of that category in the image, 0 to 1.
        usual: median share of it over the set.
    """

    index: int
    distance: float
    category: int
    share: float
    usual: float

    def sentence(self) -> str:
        """Say why the image stands out, such as `vehicle 62 % of pixels, typically 7 %`."""
        name, usual = categories.NAMES[self.category], _percent(self.usual)
        if self.share == 0:
            return f"no {name}, typically {usual} of pixels"
        return f"{name} {_percent(self.share)} of pixels, typically {usual}"


def representatives(composition: np.ndarray, *, count: int) -> list[Representative]:
    """Choose images that together stand for all: the one nearest to each centre of k-means.

    Args:
        composition: of the module's contract.
        count: how many at most.

    Returns:
        Largest cluster first; the same for the same input.
    """
    if len(composition) == 1:  # which cv2 would take for eight points of one number
        return [Representative(0, 1)]
    points = np.sqrt(composition).astype(np.float32)
    count = min(count, len(np.unique(points, axis=0)))
    cv2.setRNGSeed(_SEED)
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 100, 1e-5)
    _, cluster, centres = cv2.kmeans(points, count, None, stop, _ATTEMPTS, cv2.KMEANS_PP_CENTERS)
    cluster = cluster.ravel()
    chosen = []
    for number, centre in enumerate(centres):
        members = np.flatnonzero(cluster == number)
        if len(members):
            nearest = members[np.linalg.norm(points[members] - centre, axis=1).argmin()]
            chosen.append(Representative(int(nearest), len(members)))
    return sorted(chosen, key=lambda one: -one.stands_for)


def outliers(composition: np.ndarray, *, count: int) -> list[Outlier]:
    """Find the images whose ten nearest neighbours are farthest away.

    In a set of more than 5,000 images, neighbours are looked for in 5,000 of them, evenly spaced.

    Args:
        composition: of the module's contract.
        count: how many at most.

    Returns:
        Farthest first; none where there are fewer than three images.
    """
    if len(composition) < 3:
        return []
    points = np.sqrt(composition) / np.sqrt(2)
    distances = _distances(points)
    usual = np.median(composition, axis=0)
    farthest = np.argsort(-distances, kind="stable")[:count]
    odd = np.abs(np.sqrt(composition[farthest]) - np.sqrt(usual)).argmax(axis=1)
    return [
        Outlier(int(index), float(distances[index]), int(which), float(composition[index, which]), float(usual[which]))
        for index, which in zip(farthest, odd, strict=True)
    ]


def _distances(points: np.ndarray) -> np.ndarray:
    """float64 (images,): mean distance to the nearest others."""
    step = -(-len(points) // _MOST_COMPARED)
    others, squares = points[::step], (points**2).sum(axis=1)
    neighbours = min(_NEIGHBOURS, len(others) - 1)
    nearest = np.zeros(len(points))
    for start in range(0, len(points), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(points)))
        apart = np.sqrt(np.maximum(squares[rows, None] + squares[::step] - 2 * points[rows] @ others.T, 0))
        own = rows % step == 0
        apart[np.flatnonzero(own), rows[own] // step] = np.inf
        nearest[rows] = np.partition(apart, neighbours - 1, axis=1)[:, :neighbours].mean(axis=1)
    return nearest


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return f"under {percent(0.001)}"
    return percent(share, 0 if share >= 0.095 or share == 0 else 1)
