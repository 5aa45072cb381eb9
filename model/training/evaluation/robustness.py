"""How much of its score a network keeps when photographs are corrupted in known ways.

Array contract: see `model.training.metrics`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from model.categories import COUNT, IGNORE, NAMES, VOID
from model.data import corruption
from model.data.corruption import STRENGTHS
from model.data.samples import Example, Sample
from model.inference.labels import choose
from model.inference.segmenter import Segmenter
from model.training import metrics

SHOWN_STRENGTH = 2
"""The strength of the second table, which has a column for each category: moderate, where it was asked for."""

_CLEAN = ("clean", 0)
_WIDTH = 14


@dataclass(frozen=True)
class Robustness:
    """Scores of one network on the same samples, clean and corrupted.

    Attributes:
        clean: int64 (8, 8), official confusion on the samples as they are.
        corrupted: int64 (8, 8) by name of the corruption and strength, 1 to 3.
        images: how many samples were scored.
    """

    clean: np.ndarray
    corrupted: dict[tuple[str, int], np.ndarray]
    images: int

    @property
    def names(self) -> tuple[str, ...]:
        """The corruptions, in the order in which they were asked for."""
        return tuple(dict.fromkeys(name for name, _ in self.corrupted))

    @property
    def strengths(self) -> tuple[int, ...]:
        """The strengths, mildest first."""
        return tuple(sorted({strength for _, strength in self.corrupted}))

    @property
    def shown_strength(self) -> int:
        """The strength that is shown by category: moderate, or else the strongest that was asked for."""
        return SHOWN_STRENGTH if SHOWN_STRENGTH in self.strengths else self.strengths[-1]

    def mean_iou(self, name: str, strength: int) -> float:
        """Return the official mean category IoU under a corruption, 0 to 1; NaN where no pixel was scored."""
        return metrics.mean_iou(self.corrupted[name, strength], without_void=True)

    def kept(self, name: str, strength: int) -> float:
        """Return the share of the clean mean IoU that is left, 1 where nothing is lost; NaN where there is none."""
        clean = metrics.mean_iou(self.clean, without_void=True)
        return self.mean_iou(name, strength) / clean if clean > 0 else float("nan")

    def as_dict(self) -> dict:
        """Return JSON-ready values; a category that never occurs has IoU null."""
        return {
            "images": self.images,
            "clean": _entry(self.clean),
            "rows": [
                {
                    "corruption": name,
                    "strength": strength,
                    "word": STRENGTHS[strength],
                    "kept": _number(self.kept(name, strength)),
                    **_entry(confusion),
                }
                for (name, strength), confusion in self.corrupted.items()
            ],
        }


def measure(
    segmenter: Segmenter, samples: Sequence[Sample], *, names: Sequence[str], strengths: Sequence[int]
) -> Robustness:
    """Score a segmenter on samples, clean and in every corruption, with a progress bar where the output is a terminal.

    Each sample is read once. What is random hangs on the names of the sample and of the corruption alone, so that a
    table can be repeated, and a part of it alone.

    Args:
        segmenter: the same that serves.
        samples: what to score on.
        names: of corruptions, see `model.data.corruption`.
        strengths: 1 to 3.

    Returns:
        The scores: only pixels that the official category score counts, and void is never predicted.

    Raises:
        ValueError: there are no samples, one can't be read, or a name or strength is unknown.
    """
    if not samples:
        raise ValueError("Received no samples. Expected at least one image with its mask: check --data and --split.")
    keys = [_CLEAN, *((name, strength) for name in names for strength in strengths)]
    found = {key: np.zeros((COUNT, COUNT), np.int64) for key in keys}
    with tqdm(total=len(samples) * len(keys), unit="image", disable=not sys.stderr.isatty()) as progress:
        for sample in samples:
            for key, example in _corrupted(sample, keys):
                found[key] += _confusion(segmenter, example)
                progress.update()
    clean = found.pop(_CLEAN)
    return Robustness(clean, found, len(samples))


def table(scores: Robustness) -> str:
    """Return the scores as two tables for people, in per cent: by strength, then by category at one strength."""
    words = [STRENGTHS[strength] for strength in scores.strengths]
    titles = [title for word in words for title in (word, "kept")]
    clean = metrics.mean_iou(scores.clean, without_void=True)
    lines = ["mean category IoU, and the share of the clean one that is kept", _line("corruption", titles)]
    lines.append(_line("clean", [_percent(clean), _percent(1.0)] * len(words)))
    for name in scores.names:
        values = [(scores.mean_iou(name, each), scores.kept(name, each)) for each in scores.strengths]
        lines.append(_line(name, [_percent(value) for pair in values for value in pair]))
    shown = scores.shown_strength
    lines += ["", f"IoU of each category, {STRENGTHS[shown]}", _line("corruption", NAMES[VOID + 1 :])]
    for name, confusion in {"clean": scores.clean, **{n: scores.corrupted[n, shown] for n in scores.names}}.items():
        iou = metrics.intersection_over_union(confusion)[VOID + 1 :]
        lines.append(_line(name, [_percent(value) for value in iou]))
    return "\n".join(lines)


def _corrupted(sample: Sample, keys: Sequence[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], Example]]:
    example = sample.read()
    for name, strength in keys:
        if (name, strength) == _CLEAN:
            yield (name, strength), example
            continue
        random = corruption.generator(sample.name, name)
        yield (name, strength), corruption.corrupt(example, name, strength=strength, random=random)


def _confusion(segmenter: Segmenter, example: Example) -> np.ndarray:
    with segmenter.planes(example.image) as planes:
        answer, _ = choose(planes, example.labels.shape, first=VOID + 1, confidence=False)
    return metrics.confusion_matrix(np.where(example.scored, example.labels, IGNORE), answer)


def _entry(confusion: np.ndarray) -> dict:
    iou = metrics.intersection_over_union(confusion)
    return {
        "mean_iou": _number(metrics.mean_iou(confusion, without_void=True)),
        "iou": {name: _number(iou[i]) for i, name in enumerate(NAMES) if i != VOID},
    }


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:<{_WIDTH}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "-"


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
