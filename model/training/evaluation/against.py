"""Two answers to the same images, side by side, with what chance could do to the difference.

Array contract: see `model.training.evaluation.bootstrap`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.categories import NAMES, VOID
from model.training import metrics
from model.training.evaluation import bootstrap
from model.training.evaluation.bootstrap import Intervals
from model.training.scoring import Scores

IMAGES, CITIES = "images", "cities"
"""What may be drawn anew: single images, or all of a city together."""

ROWS = (*NAMES[VOID + 1 :], "mean")


@dataclass(frozen=True)
class Row:
    """One category, or the mean; shares of 0 to 1, None where the category never occurs.

    Attributes:
        name: of the category, or `mean`.
        ours: official IoU.
        theirs: of the other.
        difference: ours - theirs.
        low: lower bound of the difference's interval.
        high: its upper bound.
        verdict: `better`, `worse`, or `open` where the interval holds 0.
    """

    name: str
    ours: float | None
    theirs: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: str


def compare(ours: Scores, theirs: Scores, *, units: str = IMAGES, resamples: int = bootstrap.RESAMPLES) -> list[Row]:
    """Compare the official IoU of two answers.

    Args:
        ours: with its images.
        theirs: of the same samples.
        units: `images` or `cities`, see `groups`.
        resamples: of the bootstrap.

    Returns:
        A row for each category but void, then the mean.

    Raises:
        ValueError: other images, or too few cities.
    """
    names = [image.name for image in ours.per_image]
    if names != [image.name for image in theirs.per_image]:
        raise ValueError("Received the scores of different images. Expected the same samples for both.")
    stacks = [np.stack([image.official for image in side.per_image]) for side in (ours, theirs)]
    found = bootstrap.compare(*stacks, groups=groups(ours, units), resamples=resamples)
    return [_row(name, i + 1, found, (ours, theirs)) for i, name in enumerate(ROWS)]


def groups(scores: Scores, units: str) -> list[str] | None:
    """Return the city of each image, which its name begins with, or None where `units` is `images`."""
    return [city(image.name) for image in scores.per_image] if units == CITIES else None


def city(name: str) -> str:
    """Return the city of an image, which its name begins with."""
    return name.partition("_")[0]


def table(rows: list[Row], *, ours: str, theirs: str, drawn: str) -> str:
    """Return the comparison as a table for people.

    Args:
        rows: of `compare`.
        ours: name of the one.
        theirs: name of the other.
        drawn: what was drawn, such as `2,000 x 280 images`.
    """
    lines = [
        f"{ours} - {theirs}: official IoU, per cent; 95 % interval of the difference from {drawn}",
        f"{'category':<14}{'ours':>10}{'theirs':>10}{'difference':>12}{'interval':>20}",
    ]
    for row in rows:
        if row.difference is None:
            lines.append(f"{row.name:<14}{'-':>10}{'-':>10}{'-':>12}{'-':>20}")
            continue
        interval = f"{100 * row.low:+.2f} to {100 * row.high:+.2f}"
        numbers = f"{100 * row.ours:>10.2f}{100 * row.theirs:>10.2f}{100 * row.difference:>+12.2f}{interval:>20}"
        lines.append(f"{row.name:<14}{numbers}  {row.verdict}")
    return "\n".join(lines)


def _row(name: str, place: int, found: Intervals, sides: tuple[Scores, Scores]) -> Row:
    scores = [_values(side)[place] for side in sides]
    numbers = [*scores, found.values[place], found.low[place], found.high[place]]
    if not np.isfinite(numbers).all():
        return Row(name, *(float(value) if np.isfinite(value) else None for value in scores), None, None, None, "open")
    verdict = "better" if found.low[place] > 0 else "worse" if found.high[place] < 0 else "open"
    return Row(name, *map(float, numbers), verdict)


def _values(scores: Scores) -> np.ndarray:
    return np.append(metrics.intersection_over_union(scores.official), scores.mean_iou)
