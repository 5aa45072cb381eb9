"""What several networks say of training images, mixed as it agrees best with the truth: a linear map for each.

A mean trusts a network as much for poles as for the sky, and leaves categories as rare as it makes them. Here each
network's logits go through a matrix before they are added up. It is fitted with the loss that the networks were trained
with, on images that they were trained on, and lies in their last weights afterwards: serving takes no longer.

Source: D. Wolpert, "Stacked generalization", Neural Networks 5 (2), 1992; L. Breiman, "Stacked regressions", 1996.

Array contract: `logits` float32 (pixels, categories), `labels` uint8 (pixels,) category ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from model import categories
from model.data.samples import Sample
from model.training import in_training
from model.training.evaluation import temperature

# Of all images together: a few hundred numbers are fitted to them.
PIXELS = 3_400_000
# A region's loss wants many of each category at once.
_TOGETHER = 100_000
# Views of one network say much the same, and what they differ in is found late: after 400 at 0.01 it is not.
_STEPS = 1600
_RATE = 0.05


def read(
    members: Sequence[keras.Model], samples: Sequence[Sample], *, size: tuple[int, int]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Ask every network about pixels of the same images.

    Args:
        members: from images to logits.
        samples: the images and what is true of them.
        size: (height, width) that serving shows the networks.

    Returns:
        `logits` of each network, and `labels`; of pixels that have ground truth, void among them.

    Raises:
        ValueError: a sample can't be read.
    """
    segmenters = [in_training.around(member, size=size) for member in members]
    logits: list[list[np.ndarray]] = [[] for _ in members]
    labels = []
    for sample in samples:
        example = sample.read()
        # Void too, which the official score leaves out: what is never asked for would never be said.
        known = example.labels != categories.IGNORE
        for found, segmenter in zip(logits, segmenters, strict=True):
            with segmenter.planes(example.image) as planes:
                part = temperature.pick(planes, example.labels, known, most=max(1, PIXELS // len(samples)))
            found.append(np.einsum("kcp,kp->pc", part.logits, part.weights))
        labels.append(part.labels)
    return [np.concatenate(found) for found in logits], np.concatenate(labels)


def fit(
    logits: Sequence[np.ndarray], labels: np.ndarray, shares: Sequence[float], *, loss: Callable, seed: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Find the matrices, from the mean onwards.

    Args:
        logits: of each network.
        labels: what is true.
        shares: of each in the mean that it begins with; their sum is 1.
        loss: takes labels (1, 1, pixels) and logits (1, 1, pixels, categories).
        seed: of the pixels' order.

    Returns:
        A float32 (categories, categories) matrix for each network, and a float32 (categories,) offset: the mixed logits
        are the sum of `matrix @ logits`, and the offset.

    Raises:
        ValueError: there are no pixels.
    """
    if not len(labels):
        raise ValueError("Received images without a pixel of ground truth. Expected masks to fit to.")
    eye = np.eye(categories.COUNT, dtype=np.float32)
    mixed = keras.Input((1, None, len(logits) * categories.COUNT))
    mix = keras.layers.Dense(categories.COUNT)
    model = keras.Model(mixed, mix(mixed))
    mix.set_weights([np.concatenate([share * eye for share in shares]), np.zeros(categories.COUNT, np.float32)])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, _STEPS)), loss=loss)
    random = np.random.default_rng(seed)
    together = min(_TOGETHER, len(labels))
    for _ in range(_STEPS):
        # With repetition: there are many more pixels than are taken.
        chosen = random.integers(0, len(labels), together)
        batch = np.concatenate([each[chosen] for each in logits], axis=1)
        model.train_on_batch(batch[np.newaxis, np.newaxis], labels[chosen][np.newaxis, np.newaxis])
    kernel, offset = mix.get_weights()
    return [np.ascontiguousarray(part.T) for part in np.split(kernel, len(logits))], offset
