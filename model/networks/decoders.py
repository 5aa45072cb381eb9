"""The light U-Net decoder that the networks with a MobileNetV2 or EfficientNet encoder share.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

DECODER_CHANNELS = (96, 64, 48, 32)


def decode(
    features: keras.KerasTensor, skips: Sequence[keras.KerasTensor], channels: Sequence[int], *, momentum: float
) -> keras.KerasTensor:
    """Go up from stride 32 to 2, joining the encoder's features of each size (Ronneberger et al., arXiv 1505.04597).

    Args:
        features: symbolic, at stride 32.
        skips: the encoder's features at strides 2, 4, 8 and 16.
        channels: width of the decoder at strides 16, 8, 4 and 2.
        momentum: of the batch norms' moving statistics, in (0, 1).

    Returns:
        Features at stride 2.
    """
    for width, skip, stride in zip(channels, reversed(skips), (16, 8, 4, 2), strict=True):
        features = _step(features, skip, width, f"decoder_{stride}", momentum)
    return features


def _step(
    features: keras.KerasTensor, skip: keras.KerasTensor, channels: int, name: str, momentum: float
) -> keras.KerasTensor:
    """One step up: double the size, join the encoder's features of that size, mix them twice."""
    features = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(features)
    features = layers.Concatenate(name=f"{name}_join")([features, skip])
    features = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_conv")(features)
    features = layers.BatchNormalization(momentum=momentum, name=f"{name}_conv_bn")(features)
    features = layers.ReLU(name=f"{name}_conv_relu")(features)
    features = layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_mix")(features)
    features = layers.BatchNormalization(momentum=momentum, name=f"{name}_mix_bn")(features)
    return layers.ReLU(name=f"{name}_mix_relu")(features)
