"""Every network can learn a picture: mean IoU over 0.95 on the one scene it is shown.

The whole list takes minutes: `python -m pytest -m networks tests/model/networks`. The one that ships always runs.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model.data import synthetic
from model.networks import registry

# Learning rate, and the stride of the scores: no answer can follow what is finer, so it is shown no such thing.
SHOWN = {
    "fcn8s": (1e-4, 8),
    "segnet": (1e-3, 1),
    "unet": (1e-3, 1),
    "vgg16_unet": (1e-3, 1),
    "mobilenetv2_unet": (3e-3, 1),
    "efficientnetb0_unet": (3e-3, 1),
    "efficientnetlite0_unet": (3e-3, 1),
    "efficientnetlite2_unet": (3e-3, 1),
    "deeplabv3plus": (3e-3, 4),
    "bisenetv2": (3e-3, 8),
}
SOON = {"mobilenetv2_unet"}
STEPS, EVERY = 2000, 20


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long, pytest.mark.networks]) for name in registry.NAMES]
)
def test_one_picture_is_learnt(name, request):
    if name not in SOON and "networks" not in request.config.getoption("markexpr"):
        pytest.skip("lets a large network learn, minutes: ask for it by -m networks")
    keras.utils.set_random_seed(6)
    rate, grain = SHOWN[name]
    images, labels = _scene(grain)
    network = registry.create(name, categories=8, batch_norm_momentum=0.8)
    network.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    reached = 0.0
    for step in range(1, STEPS + 1):
        network.train_on_batch(images, labels)
        if step % EVERY == 0 and (reached := _mean_iou(network.predict_on_batch(images), labels)) > 0.95:
            # `pytest -m networks -s` prints how many.
            print(f"{name}: {step} steps")
            return
    pytest.fail(f"{name} reached a mean IoU of {reached:.3f} in {STEPS} steps")


def _scene(grain: int) -> tuple[np.ndarray, np.ndarray]:
    """A generated street in squares of `grain` pixels, all eight categories in it."""
    size = (64, 96) if grain == 1 else (128, 192)
    image, labels = (
        array[grain // 2 :: grain, grain // 2 :: grain].repeat(grain, 0).repeat(grain, 1)
        for array in synthetic.scene(3, size=size)
    )
    assert len(np.unique(labels)) == 8
    return (image[np.newaxis] / 127.5 - 1).astype(np.float32), labels[np.newaxis]


def _mean_iou(logits: np.ndarray, labels: np.ndarray) -> float:
    answer = np.asarray(logits).argmax(-1)
    both = [np.sum((answer == i) & (labels == i)) / np.sum((answer == i) | (labels == i)) for i in range(8)]
    return float(np.mean(both))
