"""Scores a folder of label id PNGs, whatever made them, as the official Cityscapes scripts do.

Array contract: see `model.training.evaluation.truth` and `model.training.metrics`.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import numpy as np

from model import categories
from model.categories import IGNORE
from model.data.samples import Sample
from model.inference import processors
from model.training.evaluation import boundaries, label_files, truths
from model.training.evaluation.tally import count, tally
from model.training.evaluation.truth import NO_TRUTH, Truth
from model.training.scoring import ImageScore, Scores, total

SUFFIX = ".png"
PARTS, TURN_SECONDS = 4, 0.0002
"""Into how many parts the images go for each processor, and how long a thread has the interpreter to itself."""


def find(samples: Sequence[Sample], folder: Path) -> list[Path]:
    """Find the prediction of each sample.

    Args:
        samples: what was predicted.
        folder: searched with all its subfolders for `<name of the sample>.png` or `<name>_<anything>.png`, as the
            official scripts do. A file that fits two samples is of the one with the longer name.

    Returns:
        One path for each sample, in their order.

    Raises:
        ValueError: the folder is none, or a sample has no prediction, or several; the message names it.
    """
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder. Expected one with label id PNGs.")
    files = {}
    for path in folder.rglob(f"*{SUFFIX}"):
        files.setdefault(path.stem, []).append(path)
    stems = sorted(files)
    names = {sample.name for sample in samples}
    return [_only(name, _matching(name, stems, files, names), folder) for name in (sample.name for sample in samples)]


def score_predictions(
    samples: Sequence[Sample], folder: Path, *, cache: Path | None = None, boundary: bool = True
) -> Scores:
    """Score label id PNGs against the masks of samples.

    Args:
        samples: their photographs are not read where masks are official label ids.
        folder: see `find`; 8-bit PNGs of official label ids, of the masks' sizes.
        cache: see `truths.of_samples`: the second scoring of the same samples then reads only the predictions.
        boundary: whether to count boundary IoU too, which the official scripts do not.

    Returns:
        Everything but the calibration, for which probabilities are missing.

    Raises:
        ValueError: there are no samples; see `find`; or a file can't be read, has another size or unknown ids: the
            message names it.
    """
    if not samples:
        raise ValueError("Received no samples. Expected at least one image with its mask: check --data and --split.")
    paths = find(samples, folder)
    known = truths.of_samples(samples, cache=cache)

    work = list(zip(samples, paths, known, strict=True))
    parts = min(len(work), PARTS * processors.count())
    with _short_turns(), ThreadPoolExecutor(processors.count()) as pool:
        scored = pool.map(
            lambda part: [_score_one(*each, boundary=boundary) for each in work[part::parts]], range(parts)
        )
        # The first of every part, the second of every part, and so on: as they came.
        return total([score for row in zip_longest(*scored) for score in row if score is not None])


def labels_of(label_ids: np.ndarray) -> np.ndarray:
    """Return the categories of label ids as they are scored, uint8: void for a label that the scripts ignore."""
    return np.where(categories.scored(label_ids), categories.from_label_ids(label_ids), categories.VOID)


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads take turns at Python 25 times as often as they do.

    Each image is some twenty short steps in NumPy. By default a thread that comes back from one waits up to 5 ms for
    the interpreter, longer than the whole image takes: two threads are then no quicker than one.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _score_one(sample: Sample, path: Path, truth: Truth, *, boundary: bool) -> ImageScore:
    try:
        return _score(sample.name, label_files.read(path), truth, boundary=boundary)
    except ValueError as error:
        raise ValueError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from error


def _score(name: str, label_ids: np.ndarray, truth: Truth, *, boundary: bool) -> ImageScore:
    if label_ids.shape != truth.size:
        raise ValueError(
            f"it is {label_ids.shape[1]}x{label_ids.shape[0]}, its mask {truth.size[1]}x{truth.size[0]}. Expected the "
            "same size: resize the answer by nearest neighbour."
        )
    counts = tally(truth, count(truth, label_ids))
    bands = _bands(label_ids, truth) if boundary else None
    return ImageScore(name, *counts, boundaries=bands)


def _bands(label_ids: np.ndarray, truth: Truth) -> np.ndarray:
    expected = truth.label_ids()
    scored = categories.scored(expected)
    labels = np.where(scored, categories.from_label_ids(np.where(expected == NO_TRUTH, 0, expected)), IGNORE)
    return boundaries.count(labels.astype(np.uint8), labels_of(label_ids).astype(np.uint8))


def _matching(name: str, stems: list[str], files: dict[str, list[Path]], names: set[str]) -> list[Path]:
    found = list(files.get(name, ()))
    for stem in stems[bisect_left(stems, f"{name}_") :]:
        if not stem.startswith(f"{name}_"):
            break
        if not _is_of_a_longer(stem, name, names):
            found += files[stem]
    return found


def _is_of_a_longer(stem: str, name: str, names: set[str]) -> bool:
    """Tell whether a file is of a sample whose name goes on behind this one's: `street_1_pred` is not of `street`."""
    ends = [place for place, letter in enumerate(stem) if letter == "_" and place > len(name)]
    return any(stem[:end] in names for end in [*ends, len(stem)])


def _only(name: str, found: list[Path], folder: Path) -> Path:
    if len(found) == 1:
        return found[0]
    several = f"several predictions of {name}: {', '.join(str(path) for path in sorted(found)[:3])}"
    raise ValueError(
        f"{folder} has {several if found else f'no prediction of {name}'}. Expected one PNG named {name}.png or "
        f"{name}_<anything>.png for each image."
    )
