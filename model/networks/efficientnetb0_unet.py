"""A U-Net on EfficientNet-B0, with the decoder of those that ship, so that the two differ in the encoder alone.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras

from model.networks.blocks import Options, logits_at
from model.networks.decoders import DECODER_CHANNELS, decode
from model.networks.encoders import efficientnet_b0


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) on an EfficientNet-B0 encoder.

    Args:
        images: symbolic.
        options: see there.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist.
    """
    skips, features = efficientnet_b0(images, options)
    features = decode(features, skips, DECODER_CHANNELS, momentum=options.batch_norm_momentum)
    return logits_at(features, options.categories, stride=2)
