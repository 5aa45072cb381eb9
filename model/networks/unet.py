"""The original U-Net, without a pretrained encoder.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
from keras import layers

from model.networks.blocks import INITIALISER, Options, convolve, logits_at

CHANNELS = (64, 128, 256, 512, 1024)


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build U-Net (Ronneberger et al. 2015, arXiv 1505.04597, figure 1): 64 to 1024 channels, 2x2 up-convolutions.

    Convolutions are 'same', where the paper's are 'valid' and cut 92 pixels off each side: the answer has the size of
    the image. The paper has no batch norm, which was new then; those who use the network today put one behind each
    convolution, in place of its bias, and so does this one.

    Args:
        images: symbolic.
        options: see there; there is no encoder to load or to freeze.

    Returns:
        `logits`.
    """
    momentum = options.batch_norm_momentum
    features, skips = images, []
    for level, channels in enumerate(CHANNELS):
        if level:
            skips.append(features)
            features = layers.MaxPooling2D(2, name=f"encoder_{2**level}_pool")(features)
        features = _twice(features, channels, f"encoder_{2**level}", momentum)
    # Where the paper has it: "at the end of the contracting path".
    features = layers.Dropout(0.5, name="dropout")(features)
    for level, (channels, skip) in reversed(list(enumerate(zip(CHANNELS, skips, strict=False)))):
        name = f"decoder_{2**level}"
        features = layers.Conv2DTranspose(channels, 2, 2, kernel_initializer=INITIALISER, name=f"{name}_up")(features)
        features = layers.Concatenate(name=f"{name}_join")([skip, features])
        features = _twice(features, channels, name, momentum)
    return logits_at(features, options.categories, stride=1)


def _twice(features: keras.KerasTensor, channels: int, name: str, momentum: float) -> keras.KerasTensor:
    """Two 3x3 convolutions with their batch norms, each cut at zero."""
    for number in (1, 2):
        features = convolve(features, channels, name=f"{name}_conv{number}", momentum=momentum)
    return features
