"""`python -m model evaluate`: scores as the official Cityscapes scripts count them, and what they count themselves.

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
from model.training.scoring import Scores, score

OFFICIAL_SUFFIX = "_pred_labelIds.png"


def evaluate(segmenter: Segmenter, samples: Sequence[Sample], *, export_official: Path | None = None) -> Scores:
    """Score a segmenter, with a progress bar where the output is a terminal.

    Args:
        segmenter: the same that serves.
        samples: what to score on.
        export_official: folder that receives one 8-bit PNG of official label ids for each sample, named so that
            `csEvalPixelLevelSemanticLabeling` finds it; made when absent.

    Returns:
        Both confusion matrices.

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

    return score(tqdm(samples, unit="image", disable=not sys.stderr.isatty()), segmenter, keep=keep)


def table(scores: Scores) -> str:
    """Return the scores as a table for people: IoU in per cent, then where each category's pixels went."""
    official = metrics.intersection_over_union(scores.official)
    with_void = metrics.intersection_over_union(scores.with_void)
    lines = [f"{'category':<14}{'official IoU':>14}{'IoU with void':>16}"]
    for i, name in enumerate(NAMES):
        lines.append(f"{name:<14}{'-' if i == VOID else _percent(official[i]):>14}{_percent(with_void[i]):>16}")
    lines.append(f"{'mean':<14}{_percent(scores.mean_iou):>14}{_percent(scores.mean_iou_with_void):>16}")
    accuracies = (metrics.pixel_accuracy(confusion) for confusion in (scores.official, scores.with_void))
    lines.append(f"{'pixel accuracy':<14}{_percent(next(accuracies)):>14}{_percent(next(accuracies)):>16}")
    return "\n".join([*lines, "", *_confusion_lines(scores.with_void)])


def write_json(scores: Scores, path: Path, *, about: dict) -> None:
    """Write the scores and what they are about, such as the artifact's version and the data, to a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(about | scores.as_dict(), indent=2) + "\n", "utf-8")


def _confusion_lines(confusion: np.ndarray) -> list[str]:
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    header = "".join(f"{name[:8]:>10}" for name in NAMES)
    lines = ["confusion, per cent of each true category's pixels (rows: truth, columns: answer)", f"{'':<14}{header}"]
    for name, row in zip(NAMES, shares, strict=True):
        lines.append(f"{name:<14}" + "".join(f"{_percent(share):>10}" for share in row))
    return lines


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "-"
