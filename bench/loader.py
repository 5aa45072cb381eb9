"""Loader beside trainer: images a second that batches make ready, and that training takes, on the same processors.

`python -m bench.loader --data DIR [--data PREPARED]`: the network is the U-Net on MobileNetV2, the crops 512x256, eight
in a batch. Training alone gets one batch again and again, so it never waits; loading alone makes batches in threads, as
Keras's own reader ahead does. Rounds alternate between both, so that whatever else the machine does meets both alike.
Last, training is given the real loader: what it then takes longer is what loading costs where both share processors.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from bench import machine
from model.categories import COUNT
from model.data.augmentation import PRESETS, create
from model.data.batches import TrainingBatches
from model.data.datasets import SYNTHETIC, open_samples
from model.data.samples import Sample
from model.networks import registry
from model.training import losses, recipe, weighting

NETWORK = "mobilenetv2_unet"
CROP, REFERENCE, BATCH = (256, 512), (320, 640), 8
PROCESSORS = 2
WORKERS = (1, 2)
# Generated streets take longer to draw than files to read: some, kept, stand for a data set in memory.
GENERATED = 64


class Cost(NamedTuple):
    """Of an image: seconds that pass, and seconds of a processor, which other programs change less."""

    seconds: float
    processor: float


class Constant(keras.utils.PyDataset):
    """One batch, again and again: what training would take if loading were free."""

    def __init__(self, batch: tuple[np.ndarray, np.ndarray], steps: int):
        super().__init__()
        self._batch, self._steps = batch, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batch


def main() -> None:
    """Measure, and print tables in Markdown."""
    options = _parser().parse_args()
    if hasattr(os, "sched_setaffinity"):
        # Before TensorFlow counts its threads.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    sources = {str(Path(data).name): _samples(data) for data in options.data or [SYNTHETIC]}
    print(f"{machine.processor()}; Keras {keras.__version__} on {keras.backend.backend()}; commit {machine.commit()}")
    print(f"load average before: {machine.load():.1f} (what else runs takes from training and loading alike)\n")
    model = _model()
    first = next(iter(sources.values()))
    batch = _batches(first, "standard").batch(0, 0)
    _fit(model, Constant(batch, 3))
    taken, made = _rounds(model, batch, sources, options)
    _print_rates(taken, made)
    _print_shares(model, batch, first, options)
    print(f"\nload average after: {machine.load():.1f}")


def _rounds(model, batch, sources: dict[str, list[Sample]], options) -> tuple[list[Cost], dict[tuple, list[Cost]]]:
    """Return costs of an image: of training, by round; of loading, by (data, preset, workers) and round."""
    taken, made = [], {}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}, load average {machine.load():.1f}", file=sys.stderr, flush=True)
        taken.append(_cost(lambda: _fit(model, Constant(batch, options.steps)), images=options.steps * BATCH))
        for data, samples in sources.items():
            for preset in PRESETS:
                for workers in WORKERS:
                    cost = _load(_batches(samples, preset), workers, count=options.steps, first=number * options.steps)
                    made.setdefault((data, preset, workers), []).append(cost)
    return taken, made


def _load(batches: TrainingBatches, workers: int, *, count: int, first: int) -> Cost:
    places = [divmod(first + index, len(batches)) for index in range(count)]
    with ThreadPoolExecutor(workers) as pool:
        return _cost(lambda: list(pool.map(lambda place: batches.batch(*place), places)), images=count * BATCH)


def _print_rates(taken: list[Cost], made: dict[tuple, list[Cost]]) -> None:
    trained = _medians(taken)
    print(f"Training alone: {1 / trained.seconds:.1f} images/s, median of {_rates(taken)}")
    print(f"It takes {1000 * trained.processor:.0f} ms of processors an image.\n")
    print(
        "| data | preset | workers | images/s, median | of | times training | processor ms an image | of training's |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for (data, preset, workers), costs in made.items():
        cost = _medians(costs)
        print(
            f"| {data} | {preset} | {workers} | {1 / cost.seconds:.0f} | {_rates(costs)} "
            f"| {trained.seconds / cost.seconds:.1f} "
            f"| {1000 * cost.processor:.1f} | {cost.processor / trained.processor:.1%} |"
        )


def _print_shares(model, batch, samples: list[Sample], options) -> None:
    """Print how much longer an epoch takes with the real loader than with one that costs nothing."""
    print("\n| preset | seconds an epoch, one batch again and again | with the loader | times, median |")
    print("|---|---|---|---|")
    for preset in ("standard", "strong"):
        alone, loaded = [], []
        for _ in range(options.rounds):
            alone.append(_seconds(lambda: _fit(model, Constant(batch, options.steps))))
            batches = _batches(samples, preset, workers=2, epoch_images=options.steps * BATCH)
            loaded.append(_seconds(lambda batches=batches: _fit(model, batches)))
        ratio = statistics.median(b / a for a, b in zip(alone, loaded, strict=True))
        print(f"| {preset} | {_listed(alone)} | {_listed(loaded)} | {ratio:.2f} |", flush=True)


def _model() -> keras.Model:
    keras.utils.set_random_seed(1)
    model = registry.create(NETWORK, categories=COUNT)
    equal = weighting.numbers(weighting.EQUAL)
    loss = losses.create("cross_entropy+0.5*dice", category_weights=equal, region_weights=recipe.REGION_WEIGHTS)
    model.compile(keras.optimizers.AdamW(1e-4, use_ema=True), loss=loss)
    return model


def _samples(data: str) -> list[Sample]:
    samples = open_samples(data, "train")
    if data != SYNTHETIC:
        return samples
    kept = [(sample.name, sample.read()) for sample in samples[:GENERATED]]
    return [Sample(name, None, None, lambda example=example: example) for name, example in kept]


def _batches(samples: list[Sample], preset: str, **options) -> TrainingBatches:
    augmentation = create(preset, crop=CROP)
    return TrainingBatches(samples, batch_size=BATCH, augmentation=augmentation, reference=REFERENCE, seed=1, **options)


def _fit(model: keras.Model, batches: keras.utils.PyDataset) -> None:
    model.fit(batches, epochs=1, shuffle=False, verbose=0)


def _seconds(what: Callable[[], object]) -> float:
    return _cost(what, images=1).seconds


def _cost(what: Callable[[], object], *, images: int) -> Cost:
    started, busy = time.perf_counter(), time.process_time()
    what()
    return Cost((time.perf_counter() - started) / images, (time.process_time() - busy) / images)


def _medians(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(each) for each in zip(*costs, strict=True)))


def _rates(costs: list[Cost]) -> str:
    return _listed([1 / cost.seconds for cost in costs])


def _listed(values: list[float]) -> str:
    return " ".join(f"{value:.1f}" for value in values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.loader", description="Measure loading beside training.")
    parser.add_argument("--data", action="append", help=f"data set folder, repeatable; default {SYNTHETIC!r}")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken")
    parser.add_argument("--steps", type=int, default=16, help="batches of 8 in each measurement")
    return parser


if __name__ == "__main__":
    main()
