"""`python -m model train`: samples in, artifact out; killed at any moment it goes on from its last finished epoch."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from model import artifact
from model.categories import COUNT, VOID
from model.data.augmentation import Augmentation
from model.data.batches import NORMALISATION, TrainingBatches
from model.data.datasets import open_samples, terms
from model.data.samples import Sample, check
from model.inference.segmenter import Segmenter
from model.networks.unet import mobilenetv2_unet, with_softmax
from model.training import checkpoints
from model.training.averaging import averaged
from model.training.card import write_markdown
from model.training.losses import cross_entropy_and_dice
from model.training.scoring import Scores, score
from model.training.settings import Settings, claim

# Void is learnt, so that the bonnet of the car is not called vehicle, but must not outvote what is scored.
VOID_WEIGHT = 0.25
_STATISTICS_BATCHES = 24


class _ModelEngine:
    """The network in training, as the engine of the segmenter that scores it."""

    name = "training"
    precision = "f32"

    def __init__(self, model: keras.Model):
        self._model = model

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        yield np.ascontiguousarray(self.probabilities(image[np.newaxis])[0].transpose(2, 0, 1))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        normalised = (images.astype(np.float32) - NORMALISATION["mean"]) / NORMALISATION["std"]
        return np.asarray(self._model.predict_on_batch(normalised))


class _Epochs(keras.callbacks.Callback):
    """Gives an epoch its batches; after it averages, scores, and only then writes the checkpoint: now it counts."""

    def __init__(
        self, settings: Settings, folder: Path, batches: TrainingBatches, validation: Sequence[Sample], history: list
    ):
        super().__init__()
        self.history = history
        self.average = build(settings, encoder_weights=None)
        self._epochs = settings.epochs
        self._folder = folder
        self._batches = batches
        self._validation = validation
        in_training = artifact.Artifact(folder, _card(settings) | {"name": "unet", "keras_sha256": "0" * 64})
        self._segmenter = Segmenter(in_training, _ModelEngine(with_softmax(self.average)))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._batches.epoch = epoch
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        scores = self.scores()
        seconds = round(time.monotonic() - self._started, 1)
        self.history.append({"epoch": epoch + 1, "loss": float(logs["loss"]), "seconds": seconds, **scores.as_dict()})
        checkpoints.save(self._folder, self.model, history=self.history)
        _report(self.history, self._epochs)

    def scores(self) -> Scores:
        """Average the weights as they stand, into `average`, and score that."""
        # Always the batches of epoch 0: what is averaged must not depend on where a run was interrupted.
        count = min(_STATISTICS_BATCHES, len(self._batches))
        averaged(self.model, (self._batches.batch(0, i)[0] for i in range(count)), into=self.average)
        return score(self._validation, self._segmenter)


def train(settings: Settings, *, run_folder: Path, artifact_folder: Path, workers: int = 2) -> artifact.Artifact:
    """Train, or go on with, the network that `settings` describe and write its artifact.

    Args:
        settings: what to do.
        run_folder: holds the checkpoint and the settings; made when absent.
        artifact_folder: receives `unet.keras` and `card.json`.
        workers: threads that read ahead; they decide nothing about the result.

    Returns:
        The artifact.

    Raises:
        ValueError: data can't be used, or `run_folder` belongs to a run with other settings.
    """
    sets = [open_samples(data, "train") for data in settings.data]
    samples = [sample for each in sets for sample in each]
    validation = open_samples(settings.validation, "val")
    print(f"checking {len(samples)} training and {len(validation)} validation samples", flush=True)
    for each in (*sets, validation):
        check(each)
    claim(run_folder, settings, begun=checkpoints.exists(run_folder))

    keras.utils.set_random_seed(settings.seed)
    model = build(settings, encoder_weights=settings.encoder_weights)
    _compile(model, settings, steps=settings.epochs * (len(samples) // settings.batch_size))
    history = checkpoints.restore(run_folder, model)
    if history:
        print(f"going on after epoch {len(history)} of {settings.epochs} from {run_folder}", flush=True)
    batches = _batches(samples, settings, workers=workers)
    epochs = _Epochs(settings, run_folder, batches, validation, history)
    # Keras would shuffle the batches by a state that a resumed run does not have; the samples are shuffled already.
    model.fit(
        batches,
        initial_epoch=len(history),
        epochs=settings.epochs,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[epochs],
    )
    epochs.set_model(model)
    return _write(epochs, settings, trained_on=len(samples), folder=artifact_folder)


def build(settings: Settings, *, encoder_weights: str | None) -> keras.Model:
    """Build the network with free sides; `encoder_weights` as in `Settings`."""
    return mobilenetv2_unet(
        categories=COUNT,
        encoder_weights=None if encoder_weights == "none" else encoder_weights,
        freeze_encoder_batch_norm=settings.freeze_encoder_batch_norm,
    )


def _compile(model: keras.Model, settings: Settings, *, steps: int) -> None:
    warm_up = round(steps * settings.warm_up)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 100,
        decay_steps=max(1, steps - warm_up),
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=max(1, warm_up),
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=settings.weight_decay, use_ema=True, ema_momentum=settings.ema
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = cross_entropy_and_dice(
        cross_entropy_weights=_weights(void=VOID_WEIGHT), dice_weights=_weights(void=0), dice_share=settings.dice
    )
    model.compile(optimizer, loss=loss)
    optimizer.build(model.trainable_variables)


def _weights(*, void: float) -> list[float]:
    return [void if category == VOID else 1.0 for category in range(COUNT)]


def _batches(samples: Sequence[Sample], settings: Settings, *, workers: int) -> TrainingBatches:
    augmentation = Augmentation(
        crop=(settings.crop_height, settings.crop_width), scale=(settings.min_scale, settings.max_scale)
    )
    return TrainingBatches(
        samples,
        batch_size=settings.batch_size,
        augmentation=augmentation,
        reference=settings.size,
        seed=settings.seed,
        workers=workers,
    )


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


def _card(settings: Settings) -> dict:
    return artifact.describe(size=settings.size, **NORMALISATION)


def _write(epochs: _Epochs, settings: Settings, *, trained_on: int, folder: Path) -> artifact.Artifact:
    scores = epochs.scores()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / artifact.PARTIAL_KERAS_FILE
    with_softmax(epochs.average).save(partial)
    os.replace(partial, folder / artifact.KERAS_FILE)
    card = _card(settings) | {
        "name": "unet",
        "keras_sha256": artifact.sha256(folder / artifact.KERAS_FILE),
        "parameters": epochs.average.count_params(),
        "training": {
            "samples": trained_on,
            "backend": keras.backend.backend(),
            "keras": keras.__version__,
            "settings": asdict(settings),
            "history": [{k: e[k] for k in ("epoch", "loss", "mean_iou", "seconds")} for e in epochs.history],
        },
        "scores": {"validation": scores.as_dict()},
        "limitations": [],
        "terms": {"code": "Apache-2.0"} | {f"trained on {name}": text for name, text in map(terms, settings.data)},
    }
    artifact.write_card(folder, card)
    written = artifact.read(folder)
    write_markdown(written)
    return written
