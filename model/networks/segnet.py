"""SegNet: an encoder and its mirror image, which puts every value back where the pooling found it.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import keras
from keras import layers

from model.networks.blocks import INITIALISER, Options, convolve
from model.networks.encoders import caffe_images, vgg16_kernels
from model.networks.pooling import pool_with_places, unpool

# VGG16: channels and convolutions of its five blocks.
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def build(images: keras.KerasTensor, options: Options) -> keras.KerasTensor:
    """Build SegNet (Badrinarayanan et al. 2017, arXiv 1511.00561).

    The thirteen convolutions of VGG16 and thirteen of a decoder, a batch norm behind each but the last, and max
    unpooling by the places that the encoder's max pooling remembers. Convolutions have no bias: the batch norm has one.

    Args:
        images: symbolic.
        options: see there; from the encoder weights the kernels are taken, and since they bring no batch norms, there
            is none to freeze.

    Returns:
        `logits`.

    Raises:
        ValueError: the encoder weights do not exist.
    """
    kernels = None if options.encoder_weights is None else vgg16_kernels(options.encoder_weights)
    momentum = options.batch_norm_momentum
    features, places = caffe_images(images), []
    for block, (channels, count) in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            features = convolve(features, channels, name=f"block{block}_conv{number}", momentum=momentum)
        features, found = pool_with_places(features, name=f"block{block}_pool")
        places.append(found)
    for block, (channels, count) in reversed(list(enumerate(BLOCKS, 1))):
        features = unpool(features, places[block - 1])
        for number in range(count, 1, -1):
            features = convolve(features, channels, name=f"decoder{block}_conv{number}", momentum=momentum)
        if block > 1:
            features = convolve(features, BLOCKS[block - 2][0], name=f"decoder{block}_conv1", momentum=momentum)
    scores = layers.Conv2D(options.categories, 3, padding="same", kernel_initializer=INITIALISER, name="head")(features)
    logits = layers.Activation("linear", dtype="float32", name="logits")(scores)
    if kernels is not None:
        _put(kernels, keras.Model(images, logits))
    return logits


def _put(kernels, network: keras.Model) -> None:
    for name, kernel in kernels.items():
        network.get_layer(name).kernel.assign(kernel)
