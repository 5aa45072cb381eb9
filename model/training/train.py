"""`python -m model train`: samples in, artifact out; killed at any moment it goes on from its last finished epoch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from model.artifact import Artifact
from model.data.batches import TrainingBatches
from model.training import checkpoints, outcome, recipe, sources, weighting
from model.training.board import Board
from model.training.card_training import begun_with
from model.training.devices import Devices
from model.training.epochs import Epochs, is_over
from model.training.settings import Settings, claim


def train(
    settings: Settings,
    *,
    run_folder: Path,
    artifact_folder: Path,
    workers: int = 2,
    devices: Devices | None = None,
    tensorboard: Path | None = None,
) -> Artifact | None:
    """Train, or go on with, the network that `settings` describe and write its artifact.

    Args:
        settings: what to do.
        run_folder: holds the checkpoint and the settings; made when absent. With several hosts, one that all see.
        artifact_folder: receives the network and its card.
        workers: threads that read ahead; they decide nothing about the result.
        devices: that compute; None for Keras's own choice of one. They change a result only as rounding does.
        tensorboard: folder that receives event files, or None.

    Returns:
        The artifact; None in a process that writes nothing.

    Raises:
        ValueError: data can't be used, settings are unknown or do not fit, or `run_folder` belongs to a run with
            others.
    """
    devices = devices or Devices()
    devices.check(batch_size=settings.batch_size)
    recipe.check(settings)
    samples, validation = sources.open_all(settings, devices)
    if devices.writes:
        claim(run_folder, settings, begun=checkpoints.exists(run_folder))
    category_weights = weighting.category_weights(settings.category_weights, samples)
    batches = sources.batches(samples, settings, workers=workers, devices=devices)

    keras.utils.set_random_seed(settings.seed)
    with devices.scope():
        model, initial = _network(settings, batches, category_weights)
        history = checkpoints.restore(run_folder, model)
        devices.check_same(len(history), f"epochs finished in {run_folder}")
        with devices.alone():
            average = recipe.build(settings)
        epochs = Epochs(
            settings,
            folder=run_folder,
            batches=batches,
            validation=validation,
            average=average,
            history=history,
            devices=devices,
        )
        epochs.set_model(model)
        if history:
            devices.say(f"going on after epoch {len(history)} of {settings.epochs} from {run_folder}")
        if not is_over(history, settings):
            board = [Board(tensorboard, history)] if tensorboard is not None and devices.writes else []
            _fit(model, batches, [epochs, *board], settings, devices=devices)
        scores = epochs.finish()
    about = {"samples": len(samples), "category_weights": category_weights, "devices": devices.describe()}
    about |= {} if initial is None else begun_with(initial)
    if not devices.writes:
        return None
    return outcome.write(
        average, settings, epochs.history, scores=scores, validation=validation, about=about, folder=artifact_folder
    )


def _network(
    settings: Settings, batches: TrainingBatches, category_weights: Sequence[float]
) -> tuple[keras.Model, Artifact | None]:
    """Return the network, ready for its first step, and the artifact that it begins with, if any."""
    model = recipe.build(settings, precision=settings.precision, encoder_weights=settings.encoder_weights)
    initial = recipe.begin(model, settings)
    steps = settings.epochs * len(batches)
    recipe.compile_model(model, settings, steps=steps, category_weights=category_weights)
    return model, initial


def _fit(model, batches: TrainingBatches, callbacks: list, settings: Settings, *, devices: Devices) -> None:
    # Keras would shuffle the batches by a state that a resumed run does not have; the samples are shuffled already.
    model.fit(
        batches,
        initial_epoch=len(callbacks[0].history),
        epochs=settings.epochs,
        shuffle=False,
        verbose=0 if not devices.writes else 1 if sys.stdout.isatty() else 2,
        callbacks=callbacks,
    )
