"""Train a small network on JAX and print its losses as JSON: run by `test_devices` in processes of their own.

Arguments: the data set, a folder for a run, how many devices or `auto`, and for several hosts their addresses and which
of them this is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from unittest import mock

import keras
import numpy as np

from model.data import augmentation
from model.data.batches import TrainingBatches
from model.data.datasets import open_samples
from model.training import losses, recipe
from model.training.devices import Devices, choose, join
from model.training.epochs import Epochs
from model.training.train import train as train_and_write
from model.verbs import train as verb


class StepLosses(keras.callbacks.Callback):
    """The mean loss of the epoch so far, after each step."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.seen = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.seen.append(float(logs["loss"]))


def network() -> keras.Model:
    """With batch norm and dropout, where devices that do not talk to each other would differ."""
    layers = keras.layers
    images = keras.Input((None, None, 3))
    features = layers.Conv2D(8, 3, padding="same", use_bias=False)(images)
    features = layers.Dropout(0.3)(layers.ReLU()(layers.BatchNormalization()(features)))
    return keras.Model(images, layers.Conv2D(8, 1)(features))


def train(data: str, devices: Devices) -> dict:
    """Train three epochs and tell the losses and what the weights add up to."""
    batches = TrainingBatches(
        open_samples(data, "train"),
        batch_size=4,
        augmentation=augmentation.create("standard", crop=(32, 64)),
        reference=(32, 64),
        seed=1,
        part=(devices.process, devices.processes),
    )
    keras.utils.set_random_seed(1)
    with devices.scope():
        model = network()
        loss = losses.create("cross_entropy+0.5*dice", category_weights=[1] * 8, region_weights=[0, *[1] * 7])
        model.compile(keras.optimizers.AdamW(1e-2, use_ema=True, ema_momentum=0.9), loss=loss)
        steps = StepLosses()
        model.fit(batches, epochs=3, shuffle=False, verbose=0, callbacks=[steps])
    shardings = {len(weight.value.sharding.device_set) for weight in model.weights}
    # Bytes travel between processes: sums beyond 32 bits must come out whole.
    total = devices.total(np.array([2**40 + devices.process])).tolist()
    weights = [float(np.abs(np.asarray(weight)).sum()) for weight in model.weights]
    return {"losses": steps.seen, "weights": weights, "devices": sorted(shardings), "total": total}


class Stopped(Exception):
    """The run is interrupted."""


def whole_run(data: str, folder: Path, devices: Devices) -> list[list[float]]:
    """Do all that `python -m model train` does, interrupted after the first of two epochs and started again."""
    recipe.registry.create = lambda name, **_: network()
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    sizes = ["--height", "32", "--width", "64", "--crop-height", "32", "--crop-width", "64", "--batch-size", "4"]
    settings = verb.settings(parser.parse_args(["--data", data, *sizes, "--epochs", "2", "--patience", "2"]))
    places = {"run_folder": folder / "run", "artifact_folder": folder / "artifact", "devices": devices}
    begin = Epochs.on_epoch_begin

    def stopping(self: Epochs, epoch: int, logs: dict | None = None) -> None:
        if epoch == 1:
            raise Stopped
        begin(self, epoch, logs)

    with mock.patch.object(Epochs, "on_epoch_begin", stopping), contextlib.suppress(Stopped):
        train_and_write(settings, **places)
    # No host starts again before the first has written its checkpoint.
    devices.total(np.zeros(1, np.int64))
    written = train_and_write(settings, **places)
    assert (written is not None) == devices.writes
    # Nor reads what it wrote last.
    devices.total(np.zeros(1, np.int64))
    with np.load(folder / "run" / "checkpoint.npz") as saved:
        return [[entry["loss"], entry["mean_iou"]] for entry in json.loads(str(saved["history"]))]


if __name__ == "__main__":
    data, folder, wanted, *hosts = sys.argv[1:]
    if hosts:
        join(hosts[0], int(hosts[1]))
    chosen = choose(wanted)
    print(json.dumps(train(data, chosen) | {"epochs": whole_run(data, Path(folder), chosen)}))
