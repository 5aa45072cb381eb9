"""The U-Net that ships: MobileNetV2 encoder, light decoder.

Array contract: `images` float32 (batch, height, width, 3), RGB, normalised to [-1, 1]; both sides divide by 32.
`logits` float32 (batch, height, width, categories).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import layers

from model.networks.encoders import mobilenet_v2

STRIDE = 32
DECODER_CHANNELS = (96, 64, 48, 32)


def mobilenetv2_unet(
    *,
    categories: int,
    height: int | None = None,
    width: int | None = None,
    encoder_weights: str | Path | None = None,
    freeze_encoder_batch_norm: bool = False,
    decoder_channels: Sequence[int] = DECODER_CHANNELS,
    batch_norm_momentum: float = 0.97,
) -> keras.Model:
    """Build a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) on a MobileNetV2 encoder.

    Built-in layers only, so a saved file opens with `keras.saving.load_model(path, compile=False)` and nothing of ours.

    Args:
        categories: number of output channels.
        height: pixels, a multiple of 32, or None for any.
        width: pixels, a multiple of 32, or None for any.
        encoder_weights: see `encoders.mobilenet_v2`.
        freeze_encoder_batch_norm: likewise; sensible only with pretrained weights.
        decoder_channels: width of the decoder at strides 16, 8, 4 and 2.
        batch_norm_momentum: in (0, 1), of every batch normalisation.

    Returns:
        A model from `images` to `logits` of the same height and width.

    Raises:
        ValueError: a side does not divide by 32, or the encoder weights do not exist.
    """
    for name, side in (("height", height), ("width", width)):
        if side is not None and (side < STRIDE or side % STRIDE):
            raise ValueError(
                f"The network's {name} is {side}. Expected a positive multiple of {STRIDE}; the nearest is "
                f"{max(STRIDE, round(side / STRIDE) * STRIDE)}."
            )
    images = keras.Input((height, width, 3), name="images")
    skips, features = mobilenet_v2(
        images,
        weights=encoder_weights,
        freeze_batch_norm=freeze_encoder_batch_norm,
        batch_norm_momentum=batch_norm_momentum,
    )
    for channels, skip, stride in zip(decoder_channels, reversed(skips), (16, 8, 4, 2), strict=True):
        features = _decode(features, skip, channels, f"decoder_{stride}", batch_norm_momentum)
    features = layers.Conv2D(categories, 1, name="head")(features)
    # Logits, not features, are brought to full size: eight channels are a quarter of the work of thirty-two.
    logits = layers.UpSampling2D(2, interpolation="bilinear", name="logits")(features)
    return keras.Model(images, logits, name="unet")


def with_softmax(model: keras.Model) -> keras.Model:
    """Return `model` with a softmax over its last axis behind it: what is shipped gives probabilities."""
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(model.output)
    return keras.Model(model.input, probabilities, name=model.name)


def _decode(
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
