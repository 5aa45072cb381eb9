"""Near-duplicates: the same picture in two splits, resized, recompressed, cropped, mirrored or in another light.

Two steps. A descriptor of each image, the low frequencies of its small grey copy without what all images of the set
share, is compared with that of every image of the other split; cropped and mirrored variants are compared as well. The
most similar pairs are then laid over each other at several scales, and the correlation of their fine structure decides.

Array contract: `small` uint8 (images, height, width) grey copies, all of one size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

SAME_PICTURE = 0.8
"""Least correlation of a picture with itself, cropped by 5 % or darkened; measured: 0.81 and more on 240 planted."""

SAME_PLACE = 0.6
"""Correlation of what one place shows moments apart; measured: 0.59 at most between different cities of Cityscapes."""

_SIDE = 32  # of the square that is transformed
_FREQUENCIES = 10  # of each direction that are kept: what a crop by a few pixels leaves as it is
_CROP = 0.9  # share of each side that a cropped variant keeps
_NEAREST = 3  # candidates for each image of the smaller split
_FEWEST, _MOST = 200, 5000  # candidates in all that are laid over each other
_LEAST_SIMILARITY = 0.6  # of a candidate beyond the fewest
_SCALES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)
_TEMPLATE = 0.7  # share of each side that is looked for in the other image
_BLUR = 3.0  # pixels; what is coarser is the same in all streets: sky above, road below
_CHUNK = 2048  # rows compared at once, to bound memory


class Pair(NamedTuple):
    """Two images that may be one: their indices, how well they fit (-1 to 1), and whether one is mirrored."""

    first: int
    second: int
    correlation: float
    mirrored: bool


class Search(NamedTuple):
    """What a search found, and how hard it looked.

    Attributes:
        compared: pairs of images whose descriptors were compared.
        confirmed: candidates that were laid over each other.
        pairs: all candidates, best first.
    """

    compared: int
    confirmed: int
    pairs: list[Pair]


def search(small: np.ndarray, first: np.ndarray, second: np.ndarray) -> Search:
    """Look for images of one split in another.

    Args:
        small: of the module's contract, of the whole set.
        first: int (n,) indices of one split.
        second: int (m,) indices of the other, none of them in `first`.

    Returns:
        The candidates with their correlation, best first; from `SAME_PICTURE` on they are one picture.
    """
    few, many = sorted((first, second), key=len)
    found = _candidates(_normalised(small), few, many)
    pairs = [Pair(a, b, correlation(small[a], small[b], mirrored=turned), turned) for a, b, turned in found]
    return Search(len(few) * len(many), len(pairs), sorted(pairs, key=lambda pair: -pair.correlation))


def correlation(first: np.ndarray, second: np.ndarray, *, mirrored: bool = False) -> float:
    """Lay two small images over each other at several scales and places, and tell how well the best fits.

    Args:
        first: uint8 (height, width) grey.
        second: likewise, of the same size.
        mirrored: whether to mirror `first` before.

    Returns:
        The largest normalised correlation of their fine structure, -1 to 1.
    """
    first = first[:, ::-1] if mirrored else first
    there, where = _fine(second), (round(first.shape[0] * _TEMPLATE), round(first.shape[1] * _TEMPLATE))
    best = -1.0
    for scale in _SCALES:
        scaled = cv2.resize(
            first, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        top, left = ((side - kept) // 2 for side, kept in zip(scaled.shape, where, strict=True))
        template = _fine(scaled)[top : top + where[0], left : left + where[1]]
        if template.std() > 0:
            best = max(best, float(cv2.matchTemplate(there, template, cv2.TM_CCOEFF_NORMED).max()))
    return best


def _fine(grey: np.ndarray) -> np.ndarray:
    grey = grey.astype(np.float32)
    return grey - cv2.GaussianBlur(grey, (0, 0), _BLUR)


def _normalised(small: np.ndarray) -> list[np.ndarray]:
    """Descriptors float32 (images, frequencies) of unit length: of whole images first, of mirrored ones, of crops."""
    variants = [np.stack([_frequencies(image) for image in views]) for views in zip(*map(_views, small), strict=True)]
    mean, spread = variants[0].mean(axis=0), variants[0].std(axis=0)
    centred = [(variant - mean) / np.maximum(spread, 1e-6) for variant in variants]
    return [variant / np.maximum(np.linalg.norm(variant, axis=1, keepdims=True), 1e-6) for variant in centred]


def _views(small: np.ndarray) -> Iterator[np.ndarray]:
    yield small
    yield small[:, ::-1]
    height, width = (round(side * _CROP) for side in small.shape)
    down, right = small.shape[0] - height, small.shape[1] - width
    for top, left in ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)):
        yield small[top : top + height, left : left + width]


def _frequencies(small: np.ndarray) -> np.ndarray:
    square = cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    # The first is the brightness.
    return cv2.dct(square)[:_FREQUENCIES, :_FREQUENCIES].ravel()[1:]


def _candidates(variants: list[np.ndarray], few: np.ndarray, many: np.ndarray) -> list[tuple[int, int, bool]]:
    """Pairs worth laying over each other, most similar first: the nearest of each image of the smaller split."""
    found = []
    for start in range(0, len(few), _CHUNK):
        rows = few[start : start + _CHUNK]
        plain, mirrored = _similarities(variants, rows, many)
        similarity = np.maximum(plain, mirrored)
        nearest = np.argsort(-similarity, axis=1)[:, :_NEAREST]
        for row, columns in enumerate(nearest):
            for column in columns:
                turned = bool(mirrored[row, column] > plain[row, column])
                found.append((float(similarity[row, column]), int(rows[row]), int(many[column]), turned))
    found.sort(key=lambda candidate: -candidate[0])
    kept = [one for rank, one in enumerate(found[:_MOST]) if rank < _FEWEST or one[0] >= _LEAST_SIMILARITY]
    return [(first, second, turned) for _, first, second, turned in kept]


def _similarities(variants: list[np.ndarray], rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 (rows, columns) twice: of the images as they are or cropped, and of one with the other mirrored."""
    whole, mirrored, *crops = variants
    plain = whole[rows] @ whole[columns].T
    for crop in crops:
        np.maximum(plain, crop[rows] @ whole[columns].T, out=plain)
        np.maximum(plain, whole[rows] @ crop[columns].T, out=plain)
    return plain, mirrored[rows] @ whole[columns].T
