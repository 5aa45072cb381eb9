"""EfficientNet-Lite encoders: no squeeze-and-excitation and ReLU6 throughout, so that they lose little as int8.

Array contract: see `model.networks.blocks`. The weights were trained on (x - 127) / 128 of 8 bits, half a step of
these from the [-1, 1] that every network here is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
from keras import layers

from model.networks import published_weights
from model.networks.blocks import Options


@dataclass(frozen=True)
class Variant:
    """How a variant differs from Lite0.

    Attributes:
        title: as it is written.
        width: factor on the channels of every stage.
        depth: factor on the blocks of every stage but the first and the last.
    """

    title: str
    width: float
    depth: float


@dataclass(frozen=True)
class _Stage:
    blocks: int
    kernel: int
    strides: int
    expansion: int
    channels: int


VARIANTS = {
    "efficientnet_lite0": Variant("EfficientNet-Lite0", 1.0, 1.0),
    "efficientnet_lite2": Variant("EfficientNet-Lite2", 1.1, 1.2),
}

# Tan and Le 2019, arXiv 1905.11946, table 1.
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
# The last stages at strides 2, 4, 8 and 16.
_SKIPS = (0, 1, 2, 4)
_STEM_CHANNELS = 32
_EPSILON = 1e-3


def efficientnet_lite(
    images: keras.KerasTensor, options: Options, *, variant: str
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Build an EfficientNet-Lite on `images` (Tan and Le 2019, arXiv 1905.11946).

    Lite is Liu's, 2020: https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html

    Args:
        images: symbolic.
        options: weights as a file that `published_weights.read` takes, and what to do with the batch norms.
        variant: one of `VARIANTS`.

    Returns:
        The features at strides 2, 4, 8 and 16 (Lite0: 16, 24, 40, 112 channels), and those at stride 32 (320 channels).

    Raises:
        ValueError: the weights do not exist, can't be read or are not of this network.
    """
    build = _Builder(options)
    features = build.convolution(images, _STEM_CHANNELS, 3, strides=2, name="stem")
    ends = []
    for number, (stage, repeats, channels) in enumerate(_scaled(VARIANTS[variant]), 1):
        for position in range(repeats):
            strides = stage.strides if position == 0 else 1
            features = build.block(features, stage, channels, strides, name=f"stage{number}_block{position + 1}")
        ends.append(features)
    if options.encoder_weights is not None:
        network = keras.Model(images, features)
        published_weights.load(network, options.encoder_weights, title=VARIANTS[variant].title)
    return [ends[index] for index in _SKIPS], features


def _scaled(variant: Variant) -> Iterator[tuple[_Stage, int, int]]:
    """Each stage with its number of blocks and its channels."""
    for index, stage in enumerate(_STAGES):
        ends = index in (0, len(_STAGES) - 1)
        yield stage, stage.blocks if ends else math.ceil(variant.depth * stage.blocks), _width(stage, variant)


def _width(stage: _Stage, variant: Variant) -> int:
    """The nearest multiple of 8, but never less than nine tenths of what was asked for."""
    exact = stage.channels * variant.width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


@dataclass(frozen=True)
class _Builder:
    options: Options

    def block(
        self, features: keras.KerasTensor, stage: _Stage, channels: int, strides: int, *, name: str
    ) -> keras.KerasTensor:
        """Expand, convolve each channel alone, project; add what came in where it has the same shape."""
        inputs, width = features, features.shape[-1]
        if stage.expansion != 1:
            features = self.convolution(features, width * stage.expansion, 1, name=f"{name}_expand")
        features = layers.DepthwiseConv2D(
            stage.kernel, strides, padding="same", use_bias=False, name=f"{name}_depthwise"
        )(features)
        features = self._normalised(features, f"{name}_depthwise", activation=True)
        features = self.convolution(features, channels, 1, name=f"{name}_project", activation=False)
        if strides == 1 and width == channels:
            features = layers.Add(name=f"{name}_add")([inputs, features])
        return features

    def convolution(
        self,
        features: keras.KerasTensor,
        channels: int,
        kernel: int,
        *,
        name: str,
        strides: int = 1,
        activation: bool = True,
    ) -> keras.KerasTensor:
        features = layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False, name=name)(features)
        return self._normalised(features, name, activation=activation)

    def _normalised(self, features: keras.KerasTensor, name: str, *, activation: bool) -> keras.KerasTensor:
        norm = layers.BatchNormalization(momentum=self.options.batch_norm_momentum, epsilon=_EPSILON, name=f"{name}_bn")
        norm.trainable = not self.options.freeze_encoder_batch_norm
        features = norm(features)
        return layers.ReLU(6.0, name=f"{name}_relu")(features) if activation else features
