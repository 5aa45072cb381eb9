"""The network in training as the engine of the segmenter that scores it: the path that serving takes as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from model import artifact
from model.data.batches import NORMALISATION
from model.inference.segmenter import Segmenter
from model.networks.heads import with_softmax


def segmenter(model: keras.Model, *, size: tuple[int, int]) -> Segmenter:
    """Return a segmenter that runs a network as it stands at each call.

    Args:
        model: from images to logits; its weights may change between calls.
        size: (height, width) that serving shows the network.

    Returns:
        The segmenter. Its artifact has no files.
    """
    return around(with_softmax(model), size=size)


def around(
    model: keras.Model, *, size: tuple[int, int], normalisation: Mapping[str, float] = NORMALISATION
) -> Segmenter:
    """Return a segmenter whose planes are what a network gives, be it probabilities or logits.

    Args:
        model: from images; its weights may change between calls.
        size: (height, width) that serving shows the network.
        normalisation: `mean` and `std` in pixel values; that of training unless an artifact says otherwise.

    Returns:
        The segmenter. Its artifact has no files.
    """
    card = artifact.describe(size=size, **normalisation) | {"name": "training", "keras_sha256": "0" * 64}
    return Segmenter(artifact.Artifact(Path(), card), _ModelEngine(model, **normalisation))


class _ModelEngine:
    """A Keras network in this process."""

    name = "training"
    precision = "f32"

    def __init__(self, model: keras.Model, *, mean: float, std: float):
        self._model = model
        self._mean, self._std = mean, std

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        yield np.ascontiguousarray(self.probabilities(image[np.newaxis])[0].transpose(2, 0, 1))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        normalised = (images.astype(np.float32) - self._mean) / self._std
        return np.asarray(self._model.predict_on_batch(normalised))
