"""The networks by name.

Array contract: `images` float32 (batch, height, width, 3), RGB, normalised to [-1, 1], whatever a pretrained encoder
was trained on; both sides divide by 32. `logits` float32 (batch, height, width, categories).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from model.networks import (
    bisenetv2,
    deeplabv3plus,
    efficientnetb0_unet,
    efficientnetlite_unet,
    fcn8s,
    mobilenetv2_unet,
    segnet,
    unet,
    vgg16_unet,
)
from model.networks.blocks import STRIDE as STRIDE
from model.networks.blocks import Options, image_input
from model.networks.efficientnet_lite import VARIANTS


@dataclass(frozen=True)
class Network:
    """What there is to say about an architecture.

    Attributes:
        name: as it is asked for.
        title: as it is written.
        source: authors, year and paper.
        encoder: the network whose pretrained weights its encoder can begin with, or None.
    """

    name: str
    title: str
    source: str
    encoder: str | None


_Build = Callable[[keras.KerasTensor, Options], keras.KerasTensor]
_UNET = "Ronneberger et al. 2015, arXiv 1505.04597"
_NETWORKS: dict[str, tuple[Network, _Build]] = {
    network.name: (network, build)
    for network, build in (
        (Network("fcn8s", "FCN-8s", "Long et al. 2015, arXiv 1411.4038", "VGG16"), fcn8s.build),
        (Network("segnet", "SegNet", "Badrinarayanan et al. 2017, arXiv 1511.00561", "VGG16"), segnet.build),
        (Network("unet", "U-Net", _UNET, None), unet.build),
        (Network("vgg16_unet", "VGG16 U-Net", _UNET, "VGG16"), vgg16_unet.build),
        (Network("mobilenetv2_unet", "MobileNetV2 U-Net", _UNET, "MobileNetV2"), mobilenetv2_unet.build),
        (Network("efficientnetb0_unet", "EfficientNet-B0 U-Net", _UNET, "EfficientNetB0"), efficientnetb0_unet.build),
        *(
            (
                Network(f"{variant.replace('_', '')}_unet", f"{each.title} U-Net", _UNET, each.title),
                partial(efficientnetlite_unet.build, variant=variant),
            )
            for variant, each in VARIANTS.items()
        ),
        (
            Network("deeplabv3plus", "DeepLabv3+", "Chen et al. 2018, arXiv 1802.02611", "MobileNetV2"),
            deeplabv3plus.build,
        ),
        (Network("bisenetv2", "BiSeNet V2", "Yu et al. 2020, arXiv 2004.02147", None), bisenetv2.build),
    )
}

NAMES: tuple[str, ...] = tuple(_NETWORKS)


def create(
    name: str,
    *,
    categories: int,
    height: int | None = None,
    width: int | None = None,
    encoder_weights: str | Path | None = None,
    freeze_encoder_batch_norm: bool = False,
    batch_norm_momentum: float = 0.97,
) -> keras.Model:
    """Build a network.

    Built-in layers only, so a saved file opens with `keras.saving.load_model(path, compile=False)` and nothing of ours.

    Args:
        name: one of `NAMES`.
        categories: number of output channels.
        height: pixels, a multiple of 32, or None for any.
        width: pixels, a multiple of 32, or None for any.
        encoder_weights: a weights file of the network's encoder without its top (`describe(name).encoder`),
            `"imagenet"` to let Keras download its own, or None for random weights.
        freeze_encoder_batch_norm: keep the encoder's batch norms' statistics, scales and offsets as they come with its
            weights; sensible only with pretrained weights, and without effect where those have no batch norms (VGG16).
        batch_norm_momentum: in (0, 1), of every batch normalisation that is not frozen.

    Returns:
        A model from `images` to `logits` of the same height and width; float32 also under a mixed dtype policy.

    Raises:
        ValueError: the name is unknown, a side does not divide by 32, the encoder weights do not exist, can't be
            downloaded, can't be read or are of another network, or weights are given to a network that has no
            pretrained encoder.
    """
    network = describe(name)
    if encoder_weights is not None and network.encoder is None:
        able = ", ".join(each.name for each, _ in _NETWORKS.values() if each.encoder)
        raise ValueError(
            f"Received encoder weights {str(encoder_weights)!r} for {name}, which has no pretrained encoder. "
            f"Expected 'none', or a network that has one: {able}."
        )
    images = image_input(height, width)
    options = Options(categories, encoder_weights, freeze_encoder_batch_norm, batch_norm_momentum)
    return keras.Model(images, _NETWORKS[name][1](images, options), name=name)


def describe(name: str) -> Network:
    """Return what there is to say about a network.

    Args:
        name: one of `NAMES`.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in _NETWORKS:
        raise ValueError(f"Received the network {name!r}. Expected one of {', '.join(NAMES)}.")
    return _NETWORKS[name][0]
