"""What a model card says of the network's confidence -> what a page shows of it: figures of each set, and a drawing.

A card may lack any part; what is missing is left out. Shares and confidences are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.card import score_sets

# The drawing's units are CSS pixels at its natural size; the axes leave room for their numbers.
WIDTH, HEIGHT = 360, 316
LEFT, TOP, SIDE = 48, 8, 264


class Bin(NamedTuple):
    """Pixels with a confidence from `low` up to `high`: share of all, mean confidence, share that is right."""

    low: float
    high: float
    share: float
    confidence: float
    accuracy: float


class Measured(NamedTuple):
    """What was measured on one set; None where a card does not say.

    Attributes:
        of: name of the set.
        confidence: mean over its pixels.
        accuracy: share of them that is right.
        error: expected calibration error.
        near: share that is right of the pixels with a confidence about 0.9.
        bins: those with pixels, by confidence.
    """

    of: str
    confidence: float
    accuracy: float
    error: float | None
    near: float | None
    bins: list[Bin]


class Drawing(NamedTuple):
    """The reliability diagram, in its own units from the upper left.

    Attributes:
        bars: (x, y, width, height) of each bin.
        points: (x, y) of each bin's mean confidence and accuracy.
        marks: (place on the x axis, place on the y axis, per cent) of each grid line.
    """

    bars: list[tuple[float, float, float, float]]
    points: list[tuple[float, float]]
    marks: list[tuple[float, float, int]]


def measured(card: Mapping[str, Any]) -> list[Measured]:
    """Return what is known of each set of scores that has bins."""
    found = [_measured(name, entry) for name, entry in score_sets(card).items()]
    return [each for each in found if each is not None]


def fitted(card: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the card says of the temperature that the network has, None where it has none."""
    entry = card.get("calibration")
    return entry if isinstance(entry, Mapping) and isinstance(entry.get("temperature"), int | float) else None


def draw(bins: list[Bin]) -> Drawing:
    """Lay out the diagram of some bins."""
    bars = [(_x(each.low), _y(each.accuracy), SIDE * (each.high - each.low), SIDE * each.accuracy) for each in bins]
    points = [(_x(each.confidence), _y(each.accuracy)) for each in bins]
    return Drawing(bars, points, [(_x(mark / 100), _y(mark / 100), mark) for mark in range(0, 101, 20)])


def _measured(name: str, entry: Mapping[str, Any]) -> Measured | None:
    known = entry.get("calibration")
    if not isinstance(known, Mapping):
        return None
    lists = [known.get(part) for part in ("share", "confidence", "accuracy")]
    if not all(isinstance(each, list) for each in lists) or len(set(map(len, lists))) != 1:
        return None
    edges = [number / len(lists[0]) for number in range(len(lists[0]) + 1)]
    rows = zip(edges, edges[1:], *lists, strict=False)
    bins = [Bin(*row) for row in rows if all(isinstance(value, int | float) for value in row) and row[2] > 0]
    if not bins:
        return None
    near = known.get("near")
    means = [sum(each.share * getattr(each, part) for each in bins) for part in ("confidence", "accuracy")]
    error = _number(entry.get("calibration_error"))
    return Measured(name, *means, error, _number(near.get("accuracy")) if isinstance(near, Mapping) else None, bins)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _x(share: float) -> float:
    return LEFT + SIDE * share


def _y(share: float) -> float:
    return TOP + SIDE * (1 - share)
