"""Learning from other networks as well as from the truth: what they say of each crop, and the loss that listens.

Array contract: `crop` uint8 (height, width, 3) RGB, both sides even. A lesson is uint8 (height, width, 2): the
teachers' mean probabilities at every second pixel of every second row, eight numbers of 0 to 255 for each 2x2 pixels.
Behind the labels it makes `labels` uint8 (batch, height, width, 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from keras import KerasTensor, ops

from model.artifact import ArtifactError, is_input_size
from model.categories import COUNT, IGNORE
from model.inference import segmenter
from model.training.evaluation.views import Views, resized
from model.training.losses import Loss

_STEP = 2
_PLANES = COUNT // _STEP**2
_LARGEST = 255


class Teachers:
    """Networks whose mean says how likely each category is at each pixel of a crop and of its mirror image.

    Args:
        folders: of their artifacts.
        crop: (height, width) of the crops, which each of them takes as they are.

    Raises:
        ArtifactError: a folder is incomplete, or its network can't be run at this size.
    """

    def __init__(self, folders: Sequence[str], *, crop: tuple[int, int]) -> None:
        self._views = [Views(_at(folder, crop), flip=True) for folder in folders]

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """Return the lesson of a crop."""
        total = 0.0
        for views in self._views:
            with views.planes(crop) as planes:
                total = total + planes[:, ::_STEP, ::_STEP]
        levels = np.rint(total * (_LARGEST / len(self._views))).astype(np.uint8)
        return levels.transpose(1, 2, 0).reshape(*crop.shape[:2], _PLANES)


def _at(folder: str, crop: tuple[int, int]) -> segmenter.Segmenter:
    found = segmenter.load(folder)
    stride = found.artifact.stride
    if not is_input_size(crop, stride):
        raise ArtifactError(
            f"The teacher in {folder} takes sides that are multiples of {stride}. Received crops of "
            f"{crop[1]}x{crop[0]}: change --crop-width and --crop-height, or name another teacher."
        )
    return resized(found, crop)


def distilled(loss: Loss, *, share: float) -> Loss:
    """Make a loss that listens to teachers too: `loss` plus `share` x cross-entropy against their probabilities.

    Source: Hinton et al. 2015, arXiv 1503.02531, section 2, at a temperature of 1: its gradient is that of the
    Kullback-Leibler divergence. The mean is over every second pixel of every second row that has a ground truth: what
    pads a crop teaches nothing.

    Args:
        loss: of the labels.
        share: at least 0.

    Returns:
        A loss of `labels`, lessons behind them, and `logits`.
    """

    def both(labels: KerasTensor, logits: KerasTensor) -> KerasTensor:
        truth = labels[..., 0]
        return loss(truth, logits) + share * _cross_entropy(truth, labels[..., 1:], logits)

    return both


def _cross_entropy(truth: KerasTensor, lessons: KerasTensor, logits: KerasTensor) -> KerasTensor:
    logits = ops.cast(logits[:, ::_STEP, ::_STEP], "float32")
    levels = ops.reshape(ops.cast(lessons, "float32"), ops.shape(logits))
    # Rounded to levels, the eight do not quite add up to one.
    taught = levels / ops.maximum(ops.sum(levels, axis=-1, keepdims=True), 1.0)
    counted = ops.cast(ops.not_equal(ops.cast(truth[:, ::_STEP, ::_STEP], "int32"), IGNORE), "float32")
    costs = -ops.sum(taught * ops.log_softmax(logits), axis=-1)
    return ops.sum(counted * costs) / ops.maximum(ops.sum(counted), 1.0)
