"""BiSeNet V2: one branch for detail, one for meaning, each guiding the other where they meet.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
from keras import layers

from model.networks.blocks import INITIALISER, Options, convolve, logits_at

# Table 1 of the paper: stages of (channels, convolutions), each stage at half the size of the one before.
DETAIL = ((64, 2), (64, 3), (128, 3))
STEM_CHANNELS = 16
SEMANTIC = ((32, 2), (64, 2), (128, 4))
EXPANSION = 6
CHANNELS = 128
HEAD_CHANNELS = 1024


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build BiSeNet V2 (Yu et al. 2020, arXiv 2004.02147, table 1) as it is used: without the booster heads.

    Those are four more heads on the semantic branch that only help in training; the other networks here have no such
    help, so neither has this one. The paper does not say how wide the head is: 1024 channels, as in the PyTorch
    version most use (CoinCheung/BiSeNet, `SegmentHead(128, 1024, ...)`), whose ReLUs behind the depthwise convolutions
    and the aggregation are kept too.

    Args:
        images: symbolic.
        options: see there; there is no encoder to load or to freeze.

    Returns:
        `logits`.
    """
    momentum = options.batch_norm_momentum
    detail = _detail(images, momentum)
    semantic = _stem(images, momentum)
    for stage, (channels, count) in enumerate(SEMANTIC, 3):
        semantic = _gather_and_expand_down(semantic, channels, f"semantic_{stage}_1", momentum)
        for number in range(2, count + 1):
            semantic = _gather_and_expand(semantic, f"semantic_{stage}_{number}", momentum)
    semantic = _embed_context(semantic, momentum)
    features = _aggregate(detail, semantic, momentum)
    features = convolve(features, HEAD_CHANNELS, name="head_conv", momentum=momentum)
    features = layers.Dropout(0.1, name="head_dropout")(features)
    return logits_at(features, options.categories, stride=8)


def _detail(images: keras.KerasTensor, momentum: float) -> keras.KerasTensor:
    features = images
    for stage, (channels, count) in enumerate(DETAIL, 1):
        for number in range(1, count + 1):
            name, strides = f"detail_{stage}_{number}", 2 if number == 1 else 1
            features = convolve(features, channels, name=name, momentum=momentum, strides=strides)
    return features


def _stem(images: keras.KerasTensor, momentum: float) -> keras.KerasTensor:
    """Figure 5a: to stride 4 by convolutions and by pooling, joined."""
    start = convolve(images, STEM_CHANNELS, name="stem", momentum=momentum, strides=2)
    narrow = convolve(start, STEM_CHANNELS // 2, 1, name="stem_narrow", momentum=momentum)
    narrow = convolve(narrow, STEM_CHANNELS, name="stem_down", momentum=momentum, strides=2)
    pooled = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(start)
    joined = layers.Concatenate(name="stem_join")([narrow, pooled])
    return convolve(joined, STEM_CHANNELS, name="stem_fuse", momentum=momentum)


def _gather_and_expand(features: keras.KerasTensor, name: str, momentum: float) -> keras.KerasTensor:
    """Figure 5b: the gather-and-expansion layer that keeps the size."""
    channels = features.shape[-1]
    inside = convolve(features, channels, name=f"{name}_gather", momentum=momentum)
    inside = _depthwise(inside, f"{name}_expand", momentum, multiplier=EXPANSION, activation=True)
    inside = convolve(inside, channels, 1, name=f"{name}_project", momentum=momentum, activation=False)
    return _sum([inside, features], name)


def _gather_and_expand_down(
    features: keras.KerasTensor, channels: int, name: str, momentum: float
) -> keras.KerasTensor:
    """Figure 5c: the gather-and-expansion layer that halves the size."""
    inside = convolve(features, features.shape[-1], name=f"{name}_gather", momentum=momentum)
    inside = _depthwise(inside, f"{name}_expand", momentum, strides=2, multiplier=EXPANSION)
    inside = _depthwise(inside, f"{name}_mix", momentum, activation=True)
    inside = convolve(inside, channels, 1, name=f"{name}_project", momentum=momentum, activation=False)
    beside = _depthwise(features, f"{name}_shortcut_down", momentum, strides=2)
    beside = convolve(beside, channels, 1, name=f"{name}_shortcut", momentum=momentum, activation=False)
    return _sum([inside, beside], name)


def _embed_context(features: keras.KerasTensor, momentum: float) -> keras.KerasTensor:
    """Figure 4b: the mean of the whole image, added to every cell."""
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="context_mean")(features)
    mean = layers.BatchNormalization(momentum=momentum, name="context_mean_bn")(mean)
    mean = convolve(mean, CHANNELS, 1, name="context_mean_conv", momentum=momentum)
    features = layers.Add(name="context_add")([features, mean])
    return convolve(features, CHANNELS, name="context_conv", momentum=momentum)


def _aggregate(detail: keras.KerasTensor, semantic: keras.KerasTensor, momentum: float) -> keras.KerasTensor:
    """Figure 6: bilateral guided aggregation. Each branch gates the other, at both their sizes."""
    fine = _depthwise(detail, "guide_fine", momentum)
    fine = _pointwise(fine, "guide_fine_project")
    fine_gate = convolve(semantic, CHANNELS, name="guide_fine_gate", momentum=momentum, activation=False)
    fine_gate = layers.UpSampling2D(4, interpolation="bilinear", name="guide_fine_gate_up")(fine_gate)
    coarse = convolve(detail, CHANNELS, name="guide_coarse", momentum=momentum, strides=2, activation=False)
    coarse = layers.AveragePooling2D(3, 2, padding="same", name="guide_coarse_pool")(coarse)
    coarse_gate = _depthwise(semantic, "guide_coarse_gate", momentum)
    coarse_gate = _pointwise(coarse_gate, "guide_coarse_gate_project")
    fine = _gated(fine, fine_gate, "guide_fine_gated")
    coarse = _gated(coarse, coarse_gate, "guide_coarse_gated")
    coarse = layers.UpSampling2D(4, interpolation="bilinear", name="guide_coarse_up")(coarse)
    joined = layers.Add(name="guide_add")([fine, coarse])
    return convolve(joined, CHANNELS, name="guide_conv", momentum=momentum)


def _gated(features: keras.KerasTensor, gate: keras.KerasTensor, name: str) -> keras.KerasTensor:
    gate = layers.Activation("sigmoid", name=f"{name}_sigmoid")(gate)
    return layers.Multiply(name=name)([features, gate])


def _pointwise(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.Conv2D(CHANNELS, 1, use_bias=False, kernel_initializer=INITIALISER, name=name)(features)


def _depthwise(
    features: keras.KerasTensor,
    name: str,
    momentum: float,
    *,
    strides: int = 1,
    multiplier: int = 1,
    activation: bool = False,
) -> keras.KerasTensor:
    features = layers.DepthwiseConv2D(
        3,
        strides,
        padding="same",
        depth_multiplier=multiplier,
        use_bias=False,
        depthwise_initializer=INITIALISER,
        name=name,
    )(features)
    features = layers.BatchNormalization(momentum=momentum, name=f"{name}_bn")(features)
    return layers.ReLU(name=f"{name}_relu")(features) if activation else features


def _sum(parts: list[keras.KerasTensor], name: str) -> keras.KerasTensor:
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")(parts))
