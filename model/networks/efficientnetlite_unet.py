"""U-Nets on EfficientNet-Lite, with the decoder of the one on MobileNetV2; the one on Lite2 is the other that ships.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras

from model.networks.blocks import Options, logits_at
from model.networks.decoders import DECODER_CHANNELS, decode
from model.networks.efficientnet_lite import efficientnet_lite


def build(images: keras.KerasTensor, options: Options, *, variant: str) -> keras.KerasTensor:
    """Build a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) on an EfficientNet-Lite encoder.

    Args:
        images: symbolic.
        options: see there.
        variant: one of `model.networks.efficientnet_lite.VARIANTS`.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist, can't be read or are of another network.
    """
    skips, features = efficientnet_lite(images, options, variant=variant)
    features = decode(features, skips, DECODER_CHANNELS, momentum=options.batch_norm_momentum)
    return logits_at(features, options.categories, stride=2)
