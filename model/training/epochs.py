"""What happens around an epoch of training: its batches before; average, score and checkpoint after."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from model.data.batches import TrainingBatches
from model.data.samples import Sample
from model.training import checkpoints, in_training
from model.training.averaging import averaged
from model.training.devices import Devices
from model.training.scoring import Scores, score
from model.training.settings import Settings

STATISTICS_BATCHES = 24
"""From which the batch norms of an average are computed anew."""


def best_epoch(history: Sequence[dict]) -> int:
    """Return the number, from 1, of the epoch with the highest mean IoU, the first of equals; 0 before the first."""
    return max((entry["epoch"] for entry in history), key=lambda epoch: history[epoch - 1]["mean_iou"] or 0, default=0)


def is_over(history: Sequence[dict], settings: Settings) -> bool:
    """Tell whether a run with this history has done all its epochs, or enough without a better score."""
    patience_lost = 0 < settings.patience <= len(history) - best_epoch(history)
    return patience_lost or len(history) >= settings.epochs


class Epochs(keras.callbacks.Callback):
    """Gives an epoch its batches; after it averages, scores, and only then writes the checkpoint: now it counts.

    Attributes:
        history: an entry for each finished epoch.
        average: the network that is scored and shipped: float32, its weights the moving average.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path,
        batches: TrainingBatches,
        validation: Sequence[Sample],
        average: keras.Model,
        history: list[dict],
        devices: Devices,
    ):
        super().__init__()
        self.history = history
        self.average = average
        self._settings = settings
        self._folder = folder
        self._batches = batches
        self._validation = validation
        self._devices = devices
        self._segmenter = in_training.segmenter(average, size=settings.size)
        self._latest: Scores | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._batches.epoch = epoch
        self._latest = None
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        images = len(self._batches) * self._settings.batch_size
        per_second = round(images / (time.monotonic() - self._started), 1)
        scores = self._scores()
        seconds = round(time.monotonic() - self._started, 1)
        self.history.append(
            {"epoch": epoch + 1, "loss": float(logs["loss"]), "seconds": seconds, "images_per_second": per_second}
            | scores.as_dict()
        )
        if self._devices.writes:
            self._save()
            _report(self.history, self._settings.epochs)
        if is_over(self.history, self._settings):
            self.model.stop_training = True

    def finish(self) -> Scores:
        """Leave in `average` what is shipped, the last average or with patience the best, and return its scores."""
        if not self._settings.patience:
            return self._latest or self._scores()
        best = best_epoch(self.history)
        if self._devices.writes:
            checkpoints.restore_average(self._folder, best, self.average)
        entry = self.history[best - 1]
        return Scores(np.array(entry["confusion"]), np.array(entry["confusion_with_void"]), entry["images"])

    def _save(self) -> None:
        best = best_epoch(self.history)
        # Before the checkpoint: if the run is killed between the two, the epoch is done again and written again.
        if self._settings.patience and best == len(self.history):
            checkpoints.save_average(self._folder, best, self.average)
        checkpoints.save(self._folder, self.model, history=self.history)
        checkpoints.drop_averages(self._folder, but=best)

    def _scores(self) -> Scores:
        # Always the batches of epoch 0: what is averaged must not depend on where a run was interrupted.
        count = min(STATISTICS_BATCHES, len(self._batches))
        with self._devices.alone():
            averaged(self.model, (self._batches.batch(0, i)[0] for i in range(count)), into=self.average)
        self._latest = self._scored()
        return self._latest

    def _scored(self) -> Scores:
        with self._devices.alone():
            part = score(self._devices.share(self._validation), self._segmenter)
        return Scores(*map(self._devices.total, (part.official, part.with_void)), len(self._validation))


def _report(history: list[dict], epochs: int) -> None:
    entry = history[-1]
    # A category that the validation samples do not have is told as nan.
    iou = {name: math.nan if value is None else value for name, value in entry["iou"].items()}
    per_category = " ".join(f"{name} {value:.3f}" for name, value in iou.items())
    left = (epochs - entry["epoch"]) * entry["seconds"] / 60
    print(
        f"epoch {entry['epoch']}/{epochs}  loss {entry['loss']:.4f}  mean IoU {entry['mean_iou'] or math.nan:.4f}  "
        f"({per_category})  with void {entry['mean_iou_with_void'] or math.nan:.4f}  "
        f"{entry['seconds']:.0f} s, {left:.0f} min to go",
        flush=True,
    )
