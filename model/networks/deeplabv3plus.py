"""DeepLabv3+ on MobileNetV2.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
from keras import layers

from model.networks.blocks import INITIALISER, Options, convolve, logits_at
from model.networks.encoders import mobilenet_v2

CHANNELS = 256
RATES = (6, 12, 18)
LOW_LEVEL_CHANNELS = 48


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build DeepLabv3+ (Chen et al. 2018, arXiv 1802.02611) on MobileNetV2 at output stride 16.

    Atrous spatial pyramid pooling (a 1x1 convolution, rates 6, 12 and 18, the mean of the image), then a decoder that
    joins 48 channels of the features at stride 4 and refines them by two 3x3 convolutions of 256. Those of 3x3 are
    depthwise separable with a batch norm between, as in section 3.2 of the paper.

    Args:
        images: symbolic.
        options: see there.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist.
    """
    momentum = options.batch_norm_momentum
    skips, features = mobilenet_v2(images, options, output_stride=16)
    features = _pyramid(features, momentum)
    features = layers.UpSampling2D(4, interpolation="bilinear", name="decoder_up")(features)
    low_level = convolve(skips[1], LOW_LEVEL_CHANNELS, 1, name="decoder_low_level", momentum=momentum)
    features = layers.Concatenate(name="decoder_join")([features, low_level])
    for number in (1, 2):
        features = _separable(features, name=f"decoder_conv{number}", momentum=momentum)
    return logits_at(features, options.categories, stride=4)


def _pyramid(features: keras.KerasTensor, momentum: float) -> keras.KerasTensor:
    """Atrous spatial pyramid pooling.

    The convolution of 1x1 that joins the branches is taken apart: on the mean of the image, one cell, it is computed
    once and added everywhere, in place of spreading that cell over the image first. The sum is the same, and no size
    has to be known.
    """
    branches = [convolve(features, CHANNELS, 1, name="aspp_1", momentum=momentum)]
    branches += [_separable(features, name=f"aspp_{rate}", momentum=momentum, rate=rate) for rate in RATES]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_mean")(features)
    mean = convolve(mean, CHANNELS, 1, name="aspp_mean_conv", momentum=momentum)
    joined = layers.Concatenate(name="aspp_join")(branches)
    parts = [
        layers.Conv2D(CHANNELS, 1, use_bias=False, kernel_initializer=INITIALISER, name=name)(part)
        for name, part in (("aspp_project", joined), ("aspp_project_mean", mean))
    ]
    features = layers.Add(name="aspp_sum")(parts)
    features = layers.BatchNormalization(momentum=momentum, name="aspp_project_bn")(features)
    features = layers.ReLU(name="aspp_project_relu")(features)
    return layers.Dropout(0.1, name="aspp_dropout")(features)


def _separable(features: keras.KerasTensor, *, name: str, momentum: float, rate: int = 1) -> keras.KerasTensor:
    features = layers.DepthwiseConv2D(
        3,
        padding="same",
        dilation_rate=rate,
        use_bias=False,
        depthwise_initializer=INITIALISER,
        name=f"{name}_depthwise",
    )(features)
    features = layers.BatchNormalization(momentum=momentum, name=f"{name}_depthwise_bn")(features)
    features = layers.ReLU(name=f"{name}_depthwise_relu")(features)
    return convolve(features, CHANNELS, 1, name=f"{name}_pointwise", momentum=momentum)
