"""`python -m model evaluate`: scores as the official Cityscapes scripts count them, and what they do not count.

Array contract: see `model.training.metrics`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.categories import NAMES, VOID
from model.data.samples import Sample
from model.inference import render
from model.inference.segmenter import Segmenter
from model.training import metrics
from model.training.evaluation import boundaries
from model.training.evaluation.calibration import NEAR
from model.training.evaluation.instances import CATEGORIES as WITH_INSTANCES
from model.training.scoring import ImageScore, Scores, score

OFFICIAL_SUFFIX = "_pred_labelIds.png"


def evaluate(
    segmenter: Segmenter, samples: Sequence[Sample], *, export_official: Path | None = None, details: bool = True
) -> Scores:
    """Score a segmenter, with a progress bar where the output is a terminal.

    Args:
        segmenter: the same that serves, or one that answers from several views.
        samples: what to score on.
        export_official: folder that receives one 8-bit PNG of official label ids for each sample, named so that
            `csEvalPixelLevelSemanticLabeling` finds it; made when absent.
        details: whether to count instances, boundaries and calibration too.

    Returns:
        The scores.

    Raises:
        ValueError: there are no samples, or one can't be read.
    """
    if not samples:
        raise ValueError("Received no samples. Expected at least one image with its mask: check --data and --split.")
    if export_official is not None:
        export_official.mkdir(parents=True, exist_ok=True)

    def keep(sample: Sample, best_of_seven: np.ndarray) -> None:
        if export_official is not None:
            path = export_official / f"{sample.name}{OFFICIAL_SUFFIX}"
            path.write_bytes(render.label_ids_png(best_of_seven))

    progress = tqdm(samples, unit="image", disable=not sys.stderr.isatty())
    return score(progress, segmenter, keep=keep, details=details)


def table(scores: Scores) -> str:
    """Return the scores as a table for people: in per cent, then where each category's pixels went."""
    columns = _columns(scores)
    lines = [f"{'category':<14}" + "".join(f"{title:>{_WIDTH}}" for title in columns)]
    for i, name in enumerate([*NAMES, "mean"]):
        lines.append(f"{name:<14}" + "".join(f"{_percent(values[i]):>{_WIDTH}}" for values in columns.values()))
    accuracies = [_percent(metrics.pixel_accuracy(confusion)) for confusion in (scores.official, scores.with_void)]
    lines.append(f"{'pixel accuracy':<14}" + "".join(f"{accuracy:>{_WIDTH}}" for accuracy in accuracies))
    return "\n".join([*lines, "", *_notes(scores), *_confusion_lines(scores.with_void)])


def worst(scores: Scores, count: int) -> list[ImageScore]:
    """List the images with the lowest mean IoU, the lowest first; images without a scored pixel are left out."""
    scored = [image for image in scores.per_image if np.isfinite(image.mean_iou)]
    return sorted(scored, key=lambda image: (image.mean_iou, image.name))[:count]


def write_json(scores: Scores, path: Path, *, about: dict) -> None:
    """Write the scores and what they are about, such as the artifact's version and the data, to a JSON file.

    More than goes into a card: every image.
    """
    per_image = [
        {
            "name": image.name,
            "mean_iou": image.mean_iou if np.isfinite(image.mean_iou) else None,
            "confusion": image.official.tolist(),
        }
        for image in scores.per_image
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    # One matrix or image a line: with one number a line a file of 500 images has 40,000 lines.
    entries = (about | scores.as_dict() | {"per_image": per_image}).items()
    text = ",\n".join(f"  {json.dumps(key)}: {_json(value)}" for key, value in entries)
    path.write_text(f"{{\n{text}\n}}\n", "utf-8")


def _json(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return "[\n" + ",\n".join(f"    {json.dumps(each)}" for each in value) + "\n  ]"
    return json.dumps(value)


_WIDTH = 16


def _columns(scores: Scores) -> dict[str, list[float]]:
    """Return each column's values, by category id and then the mean."""
    official = metrics.intersection_over_union(scores.official)
    official[VOID] = np.nan
    with_void = metrics.intersection_over_union(scores.with_void)
    columns = {
        "official IoU": [*official, scores.mean_iou],
        "IoU with void": [*with_void, scores.mean_iou_with_void],
    }
    if scores.instances is not None:
        iiou = scores.instances.iiou()
        columns["official iIoU"] = [*iiou, metrics.mean_of_known(iiou[list(WITH_INSTANCES)])]
    if scores.boundaries is not None:
        found = boundaries.iou(scores.boundaries)
        found[VOID] = np.nan
        columns["boundary IoU"] = [*found, metrics.mean_of_known(found)]
    return columns


def _notes(scores: Scores) -> list[str]:
    """Return what must be known to read the numbers."""
    lines = []
    if scores.calibration is not None and scores.calibration.pixels.any():
        found = scores.calibration
        lines.append(
            f"calibration error {_percent(found.error)}: on average {_percent(found.mean_confidence)} sure and "
            f"{_percent(found.accuracy)} right; of the pixels {100 * NEAR[0]:.0f} to {100 * NEAR[1]:.0f} sure, "
            f"{_percent(found.near_accuracy)} are right"
        )
    if scores.instances is not None and not scores.instances.annotated:
        lines.append("iIoU: nobody drew instances, so connected pixels of one label stand for them")
    if scores.instances is not None and not scores.instances.official_size:
        lines.append(
            "iIoU: the official weights are those of 2048x1024 masks; weighed for these masks' size the mean is "
            f"{_percent(metrics.mean_of_known(scores.instances.iiou(to_scale=True)))}"
        )
    return [*lines, ""] if lines else []


def _confusion_lines(confusion: np.ndarray) -> list[str]:
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    header = "".join(f"{name[:8]:>10}" for name in NAMES)
    lines = ["confusion, per cent of each true category's pixels (rows: truth, columns: answer)", f"{'':<14}{header}"]
    for name, row in zip(NAMES, shares, strict=True):
        lines.append(f"{name:<14}" + "".join(f"{_percent(share):>10}" for share in row))
    return lines


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "-"
