"""`python -m model evaluate --report`: scores, where they come from and what they leave out, as one page.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model import reports
from model.categories import IGNORE, NAMES, PALETTE, VOID
from model.data.samples import Example, Sample
from model.training import metrics
from model.training.evaluate import worst as worst_of
from model.training.evaluation import against as pairs
from model.training.evaluation import bootstrap, boundaries, figures
from model.training.evaluation.sides import Side
from model.training.scoring import ImageScore, Scores, total

TEMPLATE = "evaluation.html"
PICTURE_WIDTH = 512
MOST_CITIES = 40

# How much of a photograph shows through the colours of its categories; in the picture of mistakes, of grey.
_THROUGH = 0.35
_PALE = 0.5


@dataclass(frozen=True)
class Rival:
    """What was compared with.

    Attributes:
        name: as in `Side`.
        means: likewise.
        scores: of the same samples.
        rows: of `against.compare`.
    """

    name: str
    means: str
    scores: Scores
    rows: list[pairs.Row]


def write(
    path: Path,
    *,
    scores: Scores,
    about: dict,
    samples: Sequence[Sample],
    side: Side,
    worst: int,
    units: str,
    resamples: int,
    against: Rival | None = None,
) -> None:
    """Write the report.

    Args:
        path: of the HTML file; its folder is made when absent.
        scores: with details and images.
        about: `model`, `engine`, `data`, `split` and `command`, in words.
        samples: that were scored, for the pictures.
        side: what was scored, likewise.
        worst: how many images to show.
        units: what the bootstrap draws, `images` or `cities`.
        resamples: how often it does.
        against: what it was compared with.

    Raises:
        ValueError: fewer than two cities with `units` of `cities`, or a sample can't be read.
    """
    stack = np.stack([image.official for image in scores.per_image])
    intervals = bootstrap.score(stack, groups=pairs.groups(scores, units), resamples=resamples)
    by_name = {sample.name: sample for sample in samples}
    shown = [_shown(image, by_name[image.name], side) for image in worst_of(scores, worst)]
    values = {
        "about": about,
        "data": Path(about["data"]).name,
        "scores": scores.as_dict(),
        "rows": _rows(scores, intervals),
        "accuracy": metrics.pixel_accuracy(scores.official),
        "mean_interval": (intervals.low[-1], intervals.high[-1]),
        "drawn": f"{resamples:,} resamples of {intervals.units:,} {units}",
        "figures": _figures(scores, intervals),
        "calibration": scores.calibration,
        "confusion": _shares(scores.official),
        "colors": {name: PALETTE[i].tolist() for i, name in enumerate(NAMES)},
        "cities": _cities(scores),
        "quantiles": _quantiles(scores),
        "worst": shown,
        "against": against,
        "difference_figure": None if against is None else reports.figure_uri(figures.differences(against.rows)),
        "band_ratio": boundaries.DILATION_RATIO,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reports.render(TEMPLATE, values=values), "utf-8")


def pictures(example: Example, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Draw one image four times, at `PICTURE_WIDTH` at most.

    Args:
        example: the photograph and its truth.
        labels: the answer, as it is scored.

    Returns:
        uint8 (height, width, 3) by name: `photograph`, `truth`, `answer`, and `mistakes`, in which scored pixels that
        are wrong carry the colour of what they were called, and all others are pale.
    """
    height, width = example.labels.shape
    scale = min(1.0, PICTURE_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))  # OpenCV has the width first.
    image = cv2.resize(example.image, size, interpolation=cv2.INTER_AREA)
    expected = np.where(example.scored, example.labels, IGNORE).astype(np.uint8)
    expected, answer = (cv2.resize(each, size, interpolation=cv2.INTER_NEAREST_EXACT) for each in (expected, labels))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    pale = _mixed(grey, np.full_like(grey, 255), _PALE)
    wrong = ((expected != IGNORE) & (expected != answer))[..., np.newaxis]
    return {
        "photograph": image,
        "truth": _coloured(image, expected, pale),
        "answer": _coloured(image, answer, pale),
        "mistakes": np.where(wrong, PALETTE[answer], pale),
    }


def _coloured(image: np.ndarray, labels: np.ndarray, pale: np.ndarray) -> np.ndarray:
    """Lay colours over an image; what does not count is pale."""
    counts = (labels != IGNORE)[..., np.newaxis]
    colors = PALETTE[np.where(labels == IGNORE, VOID, labels)]
    return np.where(counts, _mixed(image, colors, _THROUGH), pale)


def _mixed(image: np.ndarray, colors: np.ndarray, share: float) -> np.ndarray:
    return cv2.addWeighted(image, share, colors, 1 - share, 0)


def _shown(image: ImageScore, sample: Sample, side: Side) -> dict:
    drawn = pictures(sample.read(), side.labels(sample))
    return {
        "name": image.name,
        "mean_iou": image.mean_iou,
        "losses": _losses(image.official),
        "pictures": {name: reports.image_uri(picture) for name, picture in drawn.items()},
    }


def _losses(confusion: np.ndarray) -> list[tuple[str, str, float]]:
    """Return the three commonest mistakes: what it is, what it was called, and the share of the scored pixels."""
    wrong = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    places = [np.unravel_index(number, wrong.shape) for number in order]
    pixels = max(1, confusion.sum())
    return [(NAMES[i], NAMES[j], float(wrong[i, j] / pixels)) for i, j in places if wrong[i, j]]


def _rows(scores: Scores, intervals: bootstrap.Intervals) -> list[dict]:
    """Return the table of categories, then of the mean; None where there is no number."""
    found = scores.as_dict()
    rows = []
    for place, name in enumerate([*NAMES, "mean"]):
        interval = [each[place] for each in (intervals.low, intervals.high)]
        columns = {key: _of(found, key, name) for key in ("iou", "boundary_iou", "iiou", "iou_with_void")}
        rows.append({"name": name, "interval": interval if np.isfinite(interval).all() else None, **columns})
    return rows


def _of(found: dict, key: str, name: str) -> float | None:
    return found.get(f"mean_{key}") if name == "mean" else found.get(key, {}).get(name)


def _figures(scores: Scores, intervals: bootstrap.Intervals) -> dict[str, str]:
    drawn = {
        "scores": figures.scores(intervals),
        "spread": figures.spread(np.array([image.mean_iou for image in scores.per_image])),
    }
    if scores.calibration is not None and scores.calibration.pixels.any():
        drawn["reliability"] = figures.reliability({"": scores.calibration})
        drawn["confidences"] = figures.confidences(scores.calibration)
    return {name: reports.figure_uri(figure) for name, figure in drawn.items()}


def _shares(confusion: np.ndarray) -> list[tuple[str, list[float] | None]]:
    """Return for each category but void where its pixels went, None where it never occurs."""
    totals = confusion.sum(axis=1)
    shares = confusion / np.maximum(totals, 1)[:, np.newaxis]
    return [(name, shares[i, VOID + 1 :].tolist() if totals[i] else None) for i, name in enumerate(NAMES) if i != VOID]


def _quantiles(scores: Scores) -> list[float | None]:
    """Return what one, five and nine of ten images are below; None where no image has a score."""
    values = [image.mean_iou for image in scores.per_image if np.isfinite(image.mean_iou)]
    return np.quantile(values, [0.1, 0.5, 0.9]).tolist() if values else [None] * 3


def _cities(scores: Scores) -> list[dict]:
    """Return the scores of each city, the lowest first; nothing where names do not tell cities."""
    names = pairs.groups(scores, pairs.CITIES)
    found = []
    for city in sorted(set(names)):
        one = total([image for image, name in zip(scores.per_image, names, strict=True) if name == city])
        iou = metrics.intersection_over_union(one.official)[VOID + 1 :]
        columns = [float(value) if np.isfinite(value) else None for value in iou]
        found.append({"name": city, "images": one.images, "mean": one.mean_iou, "iou": columns})
    return sorted(found, key=lambda row: row["mean"]) if 1 < len(found) <= MOST_CITIES else []
