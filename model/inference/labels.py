"""From the network's probabilities to a category for each pixel of the photograph.

Array contract: `planes` float32 (categories, height, width), one plane of probabilities for each category; `labels`
uint8 (height, width) category ids; `confidence` uint8 (height, width), 0 to 255. Sizes are (height, width) in pixels.

Probabilities are enlarged, never labels, so borders between categories come out smooth. Yet only a few of them have to
be: a cell is the square between four neighbouring pixels of the planes, and where those four agree on the best
category, it is the best in all of the cell, since each value there is a weighted mean of the four. In street images
about 97 cells of 100 agree. The others are borders, and there every category is interpolated.

One thread does it all: its steps are so short that handing them to a second one costs more than that saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

# Pixels whose values exist as float32 at one time: 1 MiB of one plane, or 2 MiB of eight, stay in a processor's cache.
STRIP_PIXELS = 1 << 18
BORDER_PIXELS = 1 << 16
# Where only the best is sought, few are touched at a time, and all of them again for each category.
CONTEST_PIXELS = 1 << 16


@dataclass(frozen=True)
class _Side:
    """Where the pixels of one side of the answer lie between those of the planes.

    Cell number k lies between the planes' pixels k - 1 and k; the first and the last lie outside the outermost centres.

    Attributes:
        cells: intp (target,), the cell of each pixel.
        weights: float32 (target,), how far into its cell each lies, 0 to 1.
        counts: intp (source + 1,), how many lie in each cell.
        starts: intp (source + 1,), the first of them.
    """

    cells: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    starts: np.ndarray

    def within(self, cells: np.ndarray) -> np.ndarray:
        """List the pixels of cells: intp (most in any cell, cells), the last one repeated where there are fewer."""
        steps = np.arange(self.counts.max())[:, np.newaxis]
        return self.starts.take(cells) + np.minimum(steps, self.counts.take(cells) - 1)

    def between(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say which two pixels of the planes cells lie between; outside the outermost both are the same."""
        return np.maximum(cells - 1, 0), np.minimum(cells, len(self.counts) - 2)


def choose(
    planes: np.ndarray, size: tuple[int, int], *, first: int = 0, confidence: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """Bring probabilities to a size, bilinearly, and take the best of each pixel.

    Pixel centres lie at half numbers, as in `cv2.resize`.

    Args:
        planes: float32 (categories, height, width), 0 to 1. It is only read.
        size: (height, width) of the answer.
        first: lowest category id that may be chosen.
        confidence: whether to say how probable the chosen categories are.

    Returns:
        labels uint8 `size`, the lowest id where several are equal, and confidence uint8 `size`, round(255 x probability
        of the chosen category), or None. New arrays, whatever becomes of the planes.
    """
    planes = planes[first:]
    source, target = planes.shape[1] * planes.shape[2], size[0] * size[1]
    if target <= source:
        winners, best = _best(planes, first) if planes.shape[1:] == tuple(size) else _shrunken(planes, first, size)
        return winners, _as_bytes(best) if confidence else None
    winners, best = _best(planes, first)
    rows, columns = _side(winners.shape[0], size[0]), _side(winners.shape[1], size[1])
    corners = cv2.copyMakeBorder(winners, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    labels = _fill(corners, rows, columns)
    certainty = _stretch(best, rows, size[1]) if confidence else None
    for cells in _borders(corners, rows, columns):
        places, winners, best = _contest(planes, first, cells, rows, columns)
        labels.reshape(-1)[places] = winners
        if certainty is not None:
            certainty.reshape(-1)[places] = _as_bytes(best)
    return labels, certainty


def _best(planes: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the category id (uint8) of the greatest of the planes, the first of which has the id `first`; and it."""
    winners, best = np.full(planes.shape[1:], first, np.uint8), np.empty(planes.shape[1:], np.float32)
    height = max(1, CONTEST_PIXELS // planes.shape[2])
    for start in range(0, planes.shape[1], height):
        strip = slice(start, start + height)
        best[strip] = planes[0, strip]
        for category, plane in enumerate(planes[1:, strip], first + 1):
            _challenge(winners[strip], best[strip], plane, category)
    return winners, best


def _shrunken(planes: np.ndarray, first: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate one plane after the other to a size, and return the same as `_best` of them."""
    winners, best = np.full(size, first, np.uint8), cv2.resize(planes[0], size[::-1], interpolation=cv2.INTER_LINEAR)
    room = np.empty_like(best)
    for category, plane in enumerate(planes[1:], first + 1):
        cv2.resize(plane, size[::-1], dst=room, interpolation=cv2.INTER_LINEAR)
        _challenge(winners, best, room, category)
    return winners, best


def _challenge(winners: np.ndarray, best: np.ndarray, plane: np.ndarray, category: int) -> None:
    """Let a category of a higher id than all before win where it is greater than the best of them, in place."""
    won = np.greater(plane, best).view(np.uint8)
    won *= np.uint8(category)
    # Ids rise from plane to plane, so the greatest id that won is the last.
    np.maximum(winners, won, out=winners)
    np.maximum(best, plane, out=best)


def _as_bytes(best: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return uint8, round(255 x best), for (height, width)."""
    return cv2.convertScaleAbs(best, dst=out, alpha=255)


def _side(source: int, target: int) -> _Side:
    place = (np.arange(target) + 0.5) * (source / target) - 0.5
    floor = np.floor(place)
    cells = floor.astype(np.intp) + 1
    counts = np.bincount(cells, minlength=source + 1)
    return _Side(cells, (place - floor).astype(np.float32), counts, np.cumsum(counts) - counts)


def _fill(corners: np.ndarray, rows: _Side, columns: _Side) -> np.ndarray:
    """Give each pixel the label of its cell's upper left corner, which is right where all four agree."""
    used = rows.counts > 0
    # Whole rows are copied many times quicker than single bytes, so columns are spread while they are rows.
    upright = cv2.transpose(corners[:-1][used])[:-1]
    wide = cv2.transpose(np.repeat(upright, columns.counts, axis=0))
    return np.repeat(wide, rows.counts[used], axis=0)


def _stretch(best: np.ndarray, rows: _Side, width: int) -> np.ndarray:
    """Interpolate one plane and return it as uint8, a strip at a time."""
    stretched = np.empty((len(rows.cells), width), np.uint8)
    height = max(1, STRIP_PIXELS // max(width, best.shape[1]))
    for start in range(0, len(stretched), height):
        strip = slice(start, start + height)
        above, below = rows.between(rows.cells[strip])
        upper, values = best.take(above, axis=0), best.take(below, axis=0)
        values -= upper
        values *= rows.weights[strip, np.newaxis]
        values += upper
        # The number of rows stays, so that columns only are interpolated.
        values = cv2.resize(values, (width, len(values)), interpolation=cv2.INTER_LINEAR)
        _as_bytes(values, out=stretched[strip])
    return stretched


def _borders(corners: np.ndarray, rows: _Side, columns: _Side) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find the cells whose corners disagree, some at a time, as row numbers and column numbers."""
    upper, lower = corners[:-1], corners[1:]
    differ = upper[:, :-1] != upper[:, 1:]
    differ |= upper[:, :-1] != lower[:, :-1]
    differ |= upper[:, :-1] != lower[:, 1:]
    # Where the answer is smaller than the planes, there are cells without a pixel.
    differ &= rows.counts[:, np.newaxis] > 0
    differ &= columns.counts > 0
    found = np.flatnonzero(differ)
    step = max(1, BORDER_PIXELS // (rows.counts.max() * columns.counts.max()))
    for start in range(0, len(found), step):
        yield np.divmod(found[start : start + step], differ.shape[1])


def _contest(
    planes: np.ndarray, first: int, cells: tuple[np.ndarray, np.ndarray], rows: _Side, columns: _Side
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interpolate all planes in some cells.

    Returns:
        For each pixel, (1, pixels): its place in the flattened answer, its label and the label's probability.
    """
    down, across = rows.within(cells[0]), columns.within(cells[1])
    above_below = np.stack(rows.between(cells[0]))[:, np.newaxis] * planes.shape[2]
    corners = planes.reshape(len(planes), -1).take(above_below + np.stack(columns.between(cells[1])), axis=1)
    # In order: categories, down the cell, across the cell, cells. NumPy is quick where the last of them is long.
    sides = (corners[:, 1] - corners[:, 0])[:, np.newaxis] * rows.weights.take(down)[:, np.newaxis]
    sides += corners[:, :1]
    values = (sides[:, :, 1] - sides[:, :, 0])[:, :, np.newaxis] * columns.weights.take(across)
    values += sides[:, :, :1]
    places = down[:, np.newaxis] * len(columns.cells) + across
    return places.reshape(1, -1), *_best(values.reshape(len(planes), 1, -1), first)
