"""What several networks are made of: sides, options, a convolution with its batch norm, one step of a decoder.

Array contract: `images` float32 (batch, height, width, 3), RGB, normalised to [-1, 1]; both sides divide by 32.
Features are symbolic (batch, height, width, channels) in the compute type of the global dtype policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

STRIDE = 32
# He et al. 2015, arXiv 1502.01852: keeps the variance through a ReLU.
INITIALISER = "he_normal"


@dataclass(frozen=True)
class Options:
    """What a network is built with, whichever it is.

    Attributes:
        categories: number of output channels.
        encoder_weights: a file, `"imagenet"` or None for random weights.
        freeze_encoder_batch_norm: keep the batch norms of a pretrained encoder as they come with its weights.
        batch_norm_momentum: in (0, 1), of every batch normalisation that is not frozen.
    """

    categories: int
    encoder_weights: str | Path | None
    freeze_encoder_batch_norm: bool
    batch_norm_momentum: float


def image_input(height: int | None, width: int | None) -> keras.KerasTensor:
    """Return the input of a network.

    Args:
        height: pixels, a multiple of 32, or None for any.
        width: pixels, a multiple of 32, or None for any.

    Returns:
        Symbolic `images`.

    Raises:
        ValueError: a side does not divide by 32.
    """
    for name, side in (("height", height), ("width", width)):
        if side is not None and (side < STRIDE or side % STRIDE):
            raise ValueError(
                f"The network's {name} is {side}. Expected a positive multiple of {STRIDE}; the nearest is "
                f"{max(STRIDE, round(side / STRIDE) * STRIDE)}."
            )
    return keras.Input((height, width, 3), name="images")


def convolve(
    features: keras.KerasTensor,
    channels: int,
    kernel: int = 3,
    *,
    name: str,
    momentum: float,
    strides: int = 1,
    activation: bool = True,
) -> keras.KerasTensor:
    """Convolve ('same'), normalise the batch and, unless `activation` is off, cut at zero.

    Args:
        features: symbolic.
        channels: of the answer.
        kernel: its side in cells.
        name: of the convolution; `_bn` and `_relu` are appended for the others.
        momentum: of the batch norm's moving statistics, in (0, 1).
        strides: of the convolution.
        activation: whether a ReLU follows.

    Returns:
        Features with `channels` channels.
    """
    features = layers.Conv2D(
        channels, kernel, strides, padding="same", use_bias=False, kernel_initializer=INITIALISER, name=name
    )(features)
    features = layers.BatchNormalization(momentum=momentum, name=f"{name}_bn")(features)
    return layers.ReLU(name=f"{name}_relu")(features) if activation else features


def logits_at(features: keras.KerasTensor, categories: int, *, stride: int) -> keras.KerasTensor:
    """Score each cell by a 1x1 convolution, then bring the scores to the size of the image.

    Logits, not features, are brought to full size: eight channels are a fraction of the work.

    Args:
        features: symbolic, at `stride`.
        categories: number of output channels.
        stride: pixels of the image to a cell; a power of two.

    Returns:
        `logits` float32, also under a mixed dtype policy.
    """
    logits = layers.Conv2D(categories, 1, name="head")(features)
    if stride == 1:
        return layers.Activation("linear", dtype="float32", name="logits")(logits)
    return layers.UpSampling2D(stride, interpolation="bilinear", dtype="float32", name="logits")(logits)
