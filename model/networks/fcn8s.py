"""FCN-8s: VGG16 made fully convolutional, the network that began it.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from model.networks.blocks import INITIALISER, Options
from model.networks.encoders import vgg16

CLASSIFIER_CHANNELS = 4096


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build FCN-8s (Long et al. 2015, arXiv 1411.4038), all stages trained at once.

    VGG16 with its fully connected layers as convolutions of 7x7 and 1x1, scored at strides 32, 16 and 8, the coarser
    scores brought up by transposed convolutions that begin as bilinear interpolation; the last of them stays that, and
    scores begin at zero, as in the paper. Different from the authors' files: convolutions are 'same' in place of 100
    pixels around the image and a crop behind, and the fully connected layers begin at random (He), since the weights of
    keras.applications without their top lack them.

    Args:
        images: symbolic.
        options: see there; VGG16 has no batch norm.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist.
    """
    pool3, pool4, features = vgg16(images, options, names=("block3_pool", "block4_pool", "block5_pool"))
    for name, kernel in (("fc6", 7), ("fc7", 1)):
        features = layers.Conv2D(
            CLASSIFIER_CHANNELS, kernel, padding="same", activation="relu", kernel_initializer=INITIALISER, name=name
        )(features)
        features = layers.Dropout(0.5, name=f"{name}_dropout")(features)
    scores = _score(features, options.categories, "score_fc7")
    for stride, pool in ((16, pool4), (8, pool3)):
        scores = _enlarge(scores, 2, f"upscore_{stride}")
        scores = layers.Add(name=f"fuse_{stride}")([scores, _score(pool, options.categories, f"score_pool_{stride}")])
    scores = _enlarge(scores, 8, "upscore_1", trainable=False)
    return layers.Activation("linear", dtype="float32", name="logits")(scores)


def _score(features: keras.KerasTensor, categories: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(categories, 1, kernel_initializer="zeros", name=name)(features)


def _enlarge(scores: keras.KerasTensor, factor: int, name: str, *, trainable: bool = True) -> keras.KerasTensor:
    """A transposed convolution of twice the factor's side, without bias, that begins as bilinear interpolation."""
    channels = scores.shape[-1]
    layer = layers.Conv2DTranspose(channels, 2 * factor, factor, padding="same", use_bias=False, name=name)
    layer.trainable = trainable
    enlarged = layer(scores)
    ramp = 1 - np.abs(np.arange(2 * factor) + 0.5 - factor) / factor
    kernel = np.outer(ramp, ramp)[:, :, None, None] * np.eye(channels)
    # Assigned, not an initialiser of ours: the file has to open without our code.
    layer.kernel.assign(kernel.astype(np.float32))
    return enlarged
