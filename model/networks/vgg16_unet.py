"""A U-Net on VGG16, as many use it since TernausNet (Iglovikov and Shvets 2018, arXiv 1801.05746).

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
from keras import layers

from model.networks.blocks import Options, convolve, logits_at
from model.networks.encoders import vgg16

# Half of TernausNet's, to the size of the image: at full size a channel costs sixteen times what it does at stride 4.
DECODER_CHANNELS = (256, 128, 64, 32)


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) on a VGG16 encoder.

    The encoder is VGG16 up to its last convolution, at stride 16; the decoder joins the last features of the other four
    blocks. VGG16 has no batch norm, the decoder has: what comes from the encoder is in the hundreds.

    Args:
        images: symbolic.
        options: see there.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist.
    """
    *skips, features = vgg16(images, options)
    momentum = options.batch_norm_momentum
    for channels, skip, stride in zip(DECODER_CHANNELS, reversed(skips), (8, 4, 2, 1), strict=True):
        name = f"decoder_{stride}"
        features = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(features)
        features = layers.Concatenate(name=f"{name}_join")([features, skip])
        features = convolve(features, channels, name=f"{name}_conv", momentum=momentum)
        features = convolve(features, channels, name=f"{name}_mix", momentum=momentum)
    return logits_at(features, options.categories, stride=1)
