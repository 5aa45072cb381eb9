"""What is scored: a network that answers, or a folder of answers that something else gave.

Array contract: see `model.training.metrics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from model import artifact as artifacts
from model.categories import VOID
from model.data.samples import Sample
from model.inference import segmenter as segmenters
from model.inference.labels import choose
from model.inference.segmenter import Segmenter
from model.training.evaluate import evaluate
from model.training.evaluation import label_files, predictions
from model.training.evaluation.views import Views
from model.training.scoring import Scores


class Side(Protocol):
    """One of those that are scored.

    Attributes:
        name: of the network's version, or of the folder.
        means: what it runs on, in words.
        words: of the command line that names it.
    """

    name: str
    means: str
    words: list[str]

    def scores(self, samples: Sequence[Sample], *, export_official: Path | None = None) -> Scores:
        """Score it on samples; `export_official` as in `evaluate`."""

    def labels(self, sample: Sample) -> np.ndarray:
        """Return its answer for one sample as it is scored, uint8 (height, width)."""


class Network:
    """An artifact, maybe seen through several views.

    Args:
        folder: of the artifact.
        engine: as in `segmenter.load`.
        precision: likewise.
        flip: as in `Views`.
        scales: likewise.

    Attributes:
        segmenter: at the network's own size.
    """

    def __init__(
        self, folder: Path, *, engine: str, precision: str, flip: bool = False, scales: Sequence[float] = (1.0,)
    ) -> None:
        self.segmenter = segmenters.load(folder, engine=engine, precision=precision)
        plain = not flip and tuple(scales) == (1.0,)
        self._answering: Segmenter | Views = (
            self.segmenter if plain else Views(self.segmenter, flip=flip, scales=scales)
        )
        self.name = self.segmenter.version
        self.means = f"{self.segmenter.engine.name} {self.segmenter.engine.precision}" + _views(flip, scales)
        self.words = _words(folder, engine, precision, flip, scales)

    def scores(self, samples: Sequence[Sample], *, export_official: Path | None = None) -> Scores:
        """See `Side`."""
        return evaluate(self._answering, samples, export_official=export_official)

    def labels(self, sample: Sample) -> np.ndarray:
        """See `Side`."""
        example = sample.read()
        with self._answering.planes(example.image) as planes:
            return choose(planes, example.labels.shape, first=VOID + 1, confidence=False)[0]


class Folder:
    """A folder of label id PNGs.

    Args:
        folder: see `predictions.find`.
        cache: see `truths.of_samples`.
        boundary: see `predictions.score_predictions`.
    """

    def __init__(self, folder: Path, *, cache: Path | None = None, boundary: bool = True) -> None:
        self._folder = folder
        self._cache = cache
        self._boundary = boundary
        self.name = folder.resolve().name
        self.means = "label id PNGs"
        self.words = ["--predictions", str(folder), *([] if boundary else ["--no-boundary"])]
        self._paths: dict[str, Path] = {}

    def scores(self, samples: Sequence[Sample], *, export_official: Path | None = None) -> Scores:
        """See `Side`; the files that `export_official` would write are there already."""
        found = predictions.find(samples, self._folder)
        self._paths = {sample.name: path for sample, path in zip(samples, found, strict=True)}
        return predictions.score_predictions(samples, self._folder, cache=self._cache, boundary=self._boundary)

    def labels(self, sample: Sample) -> np.ndarray:
        """See `Side`; of a sample that was scored."""
        return predictions.labels_of(label_files.read(self._paths[sample.name]))


def other(
    folder: Path,
    *,
    engine: str,
    precision: str,
    flip: bool,
    scales: Sequence[float],
    cache: Path | None,
    boundary: bool = True,
) -> Side:
    """Open what is compared with: an artifact where the folder has a card, else a folder of predictions.

    Args:
        folder: of the artifact, or of the predictions.
        engine: of an artifact; so are `precision`, `flip` and `scales`.
        precision: see `Network`.
        flip: see `Network`.
        scales: see `Network`.
        cache: see `Folder`.
        boundary: see `Folder`.

    Raises:
        ValueError: the folder does not exist, or the artifact can't run.
    """
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder. Expected an artifact folder, or one with label id PNGs.")
    if (folder / artifacts.CARD_FILE).is_file():
        return Network(folder, engine=engine, precision=precision, flip=flip, scales=scales)
    return Folder(folder, cache=cache, boundary=boundary)


def _views(flip: bool, scales: Sequence[float]) -> str:
    parts = [*(["mirrored too"] if flip else [])]
    if tuple(scales) != (1.0,):
        parts.append(f"at {', '.join(f'{scale:g}' for scale in scales)} of its size")
    return "".join(f", {part}" for part in parts)


def _words(folder: Path, engine: str, precision: str, flip: bool, scales: Sequence[float]) -> list[str]:
    words = [] if folder == artifacts.DEFAULT_FOLDER else ["--artifact", str(folder)]
    words += ["--engine", engine]
    words += [] if precision == "auto" else ["--precision", precision]
    words += ["--flip"] if flip else []
    return words if tuple(scales) == (1.0,) else [*words, "--scales", ",".join(f"{scale:g}" for scale in scales)]
