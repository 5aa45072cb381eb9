"""Small batches to ask losses about, and what they answer on the backend of the tests."""

from __future__ import annotations

import numpy as np
from keras import ops

from model.categories import COUNT, IGNORE
from model.training.losses import Loss

EVEN = [1.0] * COUNT
WITHOUT_VOID = [0.0] + [1.0] * (COUNT - 1)


def row(*labels: int) -> np.ndarray:
    """A batch of one image of one row."""
    return np.array([[labels]], np.uint8)


def logits_for(labels: np.ndarray, *, certainty: float = 50.0) -> np.ndarray:
    """Logits of a network that is certain of `labels`."""
    return certainty * np.eye(COUNT, dtype=np.float32)[labels]


def logits_of(*rows: list[float]) -> np.ndarray:
    """Logits of a batch of one image of one row, from the probabilities of the first categories of each pixel."""
    probabilities = np.full((1, 1, len(rows), COUNT), 1e-30)
    for pixel, known in enumerate(rows):
        assert sum(known) == 1
        probabilities[0, 0, pixel, : len(known)] = np.maximum(known, 1e-30)
    return np.log(probabilities)


def random_batch(seed: int = 0, *, size: tuple[int, int] = (12, 20)) -> tuple[np.ndarray, np.ndarray]:
    """Labels of all categories, a fifth of them ignored, and logits that lean towards them."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, COUNT, (2, *size)).astype(np.uint8)
    logits = random.normal(size=(*labels.shape, COUNT)) + 2 * np.eye(COUNT)[labels] * random.random((2, *size, 1))
    return np.where(random.random(labels.shape) < 0.2, IGNORE, labels).astype(np.uint8), logits.astype(np.float32)


def flat(labels: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labelled pixels alone: labels (pixels,) and probabilities float64 (pixels, categories)."""
    powers = np.exp(logits.astype(np.float64))
    probabilities = powers / powers.sum(-1, keepdims=True)
    return labels[labels != IGNORE], probabilities[labels != IGNORE]


def value(loss: Loss, labels: np.ndarray, logits: np.ndarray) -> float:
    """What a loss says of a batch."""
    return float(ops.convert_to_numpy(loss(np.asarray(labels, np.uint8), np.asarray(logits, np.float32))))


def gradient(loss: Loss, labels: np.ndarray, logits: np.ndarray, *, compiled: bool = False) -> np.ndarray:
    """Its gradient by the logits, on TensorFlow, by XLA where `compiled`."""
    import tensorflow

    def differentiate(labels, logits):
        with tensorflow.GradientTape() as tape:
            tape.watch(logits)
            total = loss(labels, logits)
        return tape.gradient(total, logits)

    if compiled:
        differentiate = tensorflow.function(differentiate, jit_compile=True)
    return differentiate(tensorflow.constant(labels), tensorflow.constant(logits)).numpy()
