"""What a run reads: the samples that its settings name, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.data.batches import TrainingBatches
from model.data.datasets import open_samples
from model.data.registration import registered
from model.data.samples import Sample, check
from model.training import recipe
from model.training.devices import Devices
from model.training.settings import Settings


def open_all(settings: Settings, devices: Devices) -> tuple[list[Sample], list[Sample]]:
    """Open what is trained on and what is validated on, and read all of it once.

    Args:
        settings: name the data sets, and how far their masks lie off their images.
        devices: say that it is done.

    Returns:
        Training samples, and as many validation samples as the settings ask for.

    Raises:
        ValueError: data can't be used; the message names all that is wrong with it.
    """
    sets = [_opened(data, "train", settings) for data in settings.data]
    validation = _opened(settings.validation, "val", settings)
    devices.say(f"checking {sum(map(len, sets))} training and {len(validation)} validation samples")
    for each in (*sets, validation):
        check(each)
    return [sample for each in sets for sample in each], spread(validation, settings.validation_images)


def _opened(data: str, split: str, settings: Settings) -> list[Sample]:
    return registered(open_samples(data, split), settings.offset(data))


def spread(samples: list[Sample], count: int) -> list[Sample]:
    """Return `count` samples evenly spread over all, which stand city by city; 0 for all."""
    if not 0 < count < len(samples):
        return samples
    return [samples[place] for place in np.linspace(0, len(samples) - 1, count).round().astype(int)]


def batches(samples: Sequence[Sample], settings: Settings, *, workers: int, devices: Devices) -> TrainingBatches:
    """Return the batches of a run.

    Args:
        samples: that are trained on.
        settings: how many, and how they are varied.
        workers: threads that read ahead.
        devices: this process makes their part of each batch.

    Raises:
        ValueError: there are fewer samples than a batch takes, or a teacher can't be run.
    """
    return TrainingBatches(
        samples,
        batch_size=settings.batch_size,
        augmentation=recipe.views(settings),
        reference=settings.size,
        seed=settings.seed,
        workers=workers,
        epoch_images=settings.epoch_images or None,
        part=(devices.process, devices.processes),
        teacher=recipe.teachers(settings),
    )
