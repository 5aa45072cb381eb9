"""Samples become batches: the same picture for the same (seed, epoch, index), whatever reads them and when.

Array contract: `images` float32 (batch, height, width, 3), normalised; `labels` uint8 (batch, height, width), or, where
there is a teacher, uint8 (batch, height, width, 1 + n): the labels and what it says of each view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
import numpy as np

from model.data.samples import Example, Sample
from model.preprocessing import MEAN, STD, normalise

NORMALISATION = {"mean": MEAN, "std": STD}
"""How batches are normalised, in pixel values; the card tells serving."""


class Views(Protocol):
    """What makes a random view of a sample: `Augmentation`, or what `from_albumentations` gives."""

    def apply(
        self,
        image: np.ndarray,
        labels: np.ndarray,
        *,
        reference: tuple[int, int],
        random: np.random.Generator,
        donor: Callable[[], Example] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make one view, as `Augmentation.apply` does."""

    def pair(self, image: np.ndarray, labels: np.ndarray, **options) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make one view of the same arguments, and the same crop in fair weather, as `Augmentation.pair` does."""


class TrainingBatches(keras.utils.PyDataset):
    """Augmented, shuffled batches of an epoch.

    Attributes:
        epoch: whose batches indexing gives, from 0. Whoever trains sets it when an epoch begins: Keras's own
            `on_epoch_end` is also called once before the first epoch, when it looks at the shapes.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        batch_size: int,
        augmentation: Views,
        reference: tuple[int, int],
        seed: int,
        workers: int = 1,
        epoch_images: int | None = None,
        part: tuple[int, int] = (0, 1),
        teacher: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        """Prepare batches.

        Args:
            samples: at least `batch_size` of them; what does not fill the last batch of an epoch waits for another.
            batch_size: images in a batch.
            augmentation: how samples are varied.
            reference: (height, width) that serving shows the network.
            seed: with epoch and index, it alone decides what a batch holds.
            workers: threads that read ahead.
            epoch_images: samples that an epoch shows, at least `batch_size`; None for all of them, once. Fewer make
                short epochs that go through all samples one after another before any comes again; more show
                some twice, in other views.
            part: (which, of how many) equal parts of each batch indexing gives: with several hosts each makes its own.
            teacher: given the crop of a view in fair weather, uint8 (height, width, 3), returns uint8
                (height, width, n), which indexing puts behind the labels; None for labels alone.

        Raises:
            ValueError: there are fewer samples, or images in an epoch, than a batch takes.
        """
        super().__init__(workers=workers, max_queue_size=8)
        if len(samples) < batch_size:
            raise ValueError(
                f"Received {len(samples)} training samples for batches of {batch_size}. "
                "Expected at least one batch: add samples or lower --batch-size."
            )
        if epoch_images is not None and epoch_images < batch_size:
            raise ValueError(
                f"Received epochs of {epoch_images} images for batches of {batch_size}. "
                "Expected at least one batch: raise --epoch-images or lower --batch-size."
            )
        self._samples = list(samples)
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._reference = reference
        self._seed = seed
        self._epoch_images = len(self._samples) if epoch_images is None else epoch_images
        share = batch_size // part[1]
        self._part = slice(part[0] * share, (part[0] + 1) * share)
        self._teacher = teacher
        self.epoch = 0

    def __len__(self) -> int:
        return self._epoch_images // self._batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._made(self._places(self.epoch, index)[self._part], self._teacher)

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `images` and `labels` of the whole batch `index` of `epoch`, whether or not there is a teacher."""
        return self._made(self._places(epoch, index), None)

    def _made(
        self, places: Sequence[tuple[int, int]], teacher: Callable[[np.ndarray], np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        views = [self._view(*place, teacher) for place in places]
        return normalise(np.stack([image for image, _ in views]), **NORMALISATION), np.stack(
            [labels for _, labels in views]
        )

    def _places(self, epoch: int, index: int) -> list[tuple[int, int]]:
        """Tell (round, sample) for a batch's positions: all samples shuffled, then all shuffled anew, and so on."""
        first = epoch * self._epoch_images + index * self._batch_size
        positions = range(first, first + self._batch_size)
        rounds = sorted({position // len(self._samples) for position in positions})
        orders = {each: np.random.default_rng((self._seed, each)).permutation(len(self._samples)) for each in rounds}
        places = (divmod(position, len(self._samples)) for position in positions)
        return [(each, int(orders[each][position])) for each, position in places]

    def _view(
        self, each: int, sample: int, teacher: Callable[[np.ndarray], np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        example = self._samples[sample].read()
        random = np.random.default_rng((self._seed, each, sample))

        def donor() -> Example:
            return self._samples[int(random.integers(len(self._samples)))].read()

        options = {"reference": self._reference, "random": random, "donor": donor}
        if teacher is None:
            return self._augmentation.apply(example.image, example.labels, **options)
        image, labels, fair = self._augmentation.pair(example.image, example.labels, **options)
        return image, np.concatenate([labels[..., None], teacher(fair)], axis=-1)
