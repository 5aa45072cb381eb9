"""Samples become batches: the same picture for the same (seed, epoch, index), whatever reads them and when.

Array contract: `images` float32 (batch, height, width, 3), normalised; `labels` uint8 (batch, height, width).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from model.data.augmentation import Augmentation
from model.data.samples import Sample
from model.preprocessing import MEAN, STD, normalise

NORMALISATION = {"mean": MEAN, "std": STD}
"""How batches are normalised, in pixel values; the card tells serving."""


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
        augmentation: Augmentation,
        reference: tuple[int, int],
        seed: int,
        workers: int = 1,
    ):
        """Prepare batches.

        Args:
            samples: at least `batch_size` of them; what does not fill the last batch of an epoch waits for another.
            batch_size: images in a batch.
            augmentation: how samples are varied.
            reference: (height, width) that serving shows the network.
            seed: with epoch and index, it alone decides what a batch holds.
            workers: threads that read ahead.

        Raises:
            ValueError: there are fewer samples than a batch takes.
        """
        super().__init__(workers=workers, max_queue_size=8)
        if len(samples) < batch_size:
            raise ValueError(
                f"Received {len(samples)} training samples for batches of {batch_size}. "
                "Expected at least one batch: add samples or lower --batch-size."
            )
        self._samples = list(samples)
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._reference = reference
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._samples) // self._batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batch(self.epoch, index)

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `images` and `labels` of batch `index` of `epoch`."""
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._samples))
        chosen = order[index * self._batch_size : (index + 1) * self._batch_size]
        views = [self._view(epoch, int(sample)) for sample in chosen]
        return normalise(np.stack([image for image, _ in views]), **NORMALISATION), np.stack(
            [labels for _, labels in views]
        )

    def _view(self, epoch: int, sample: int) -> tuple[np.ndarray, np.ndarray]:
        example = self._samples[sample].read()
        random = np.random.default_rng((self._seed, epoch, sample))
        return self._augmentation.apply(example.image, example.labels, reference=self._reference, random=random)
