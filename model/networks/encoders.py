"""Pretrained encoders of keras.applications, and the features a decoder takes from them.

Array contract: see `model.networks.blocks`. Each encoder takes `images` in [-1, 1] and brings them itself, by built-in
layers, to the range its weights were trained on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import keras
from keras import layers, ops

from model.networks.blocks import INITIALISER, Options

# The linear bottleneck outputs (16, 24, 32, 96 channels), not the six times wider expansions inside the blocks:
# a decoder that joins the expansions spends most of its multiplications on them.
MOBILENET_V2_SKIPS = ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add")
MOBILENET_V2_BOTTOM = "block_16_project_BN"
EFFICIENTNET_B0_SKIPS = ("block1a_project_bn", "block2b_add", "block3b_add", "block5c_add")
EFFICIENTNET_B0_BOTTOM = "block7a_project_bn"
VGG16_SKIPS = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")

# Stride 32 at the input of block 13 becomes stride 16: its step is left out, and what follows reaches twice as far, so
# that every kernel sees the same places as before (Chen et al. 2017, arXiv 1706.05587, section 3.1).
_ATROUS = {
    "block_13_pad": {"padding": ((1, 1), (1, 1))},
    "block_13_depthwise": {"strides": (1, 1)},
    "block_14_depthwise": {"dilation_rate": (2, 2)},
    "block_15_depthwise": {"dilation_rate": (2, 2)},
    "block_16_depthwise": {"dilation_rate": (2, 2)},
}

# Of ImageNet, RGB: what the weights of keras.applications were trained with.
_CAFFE_MEAN = (123.68, 116.779, 103.939)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def mobilenet_v2(
    images: keras.KerasTensor, options: Options, *, output_stride: int = 32
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Build MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) on `images`.

    Args:
        images: symbolic.
        options: weights as a file of `MobileNetV2(include_top=False)`, and what to do with the batch norms. Keras's own
            momentum of 0.999 lets the moving statistics lag thousands of steps behind the weights in fine-tuning.
        output_stride: 32, or 16 with atrous convolutions in the last stage.

    Returns:
        The features at strides 2, 4, 8 and 16 (16, 24, 32, 96 channels), and those at `output_stride` (320 channels).

    Raises:
        ValueError: the weights can't be downloaded, or name a file that does not exist or is not of this network.
    """
    backbone = _pretrained(keras.applications.MobileNetV2, options.encoder_weights, images=images)
    if output_stride == 16:
        backbone = _rebuilt(keras.Model(images, backbone.output), images, by_name=_ATROUS, keep_weights=True)
    _set_batch_norms(backbone, options)
    return _features(backbone, MOBILENET_V2_SKIPS), backbone.get_layer(MOBILENET_V2_BOTTOM).output


def efficientnet_b0(images: keras.KerasTensor, options: Options) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Build EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) on `images`.

    The layers in front of its first convolution are replaced by one with fixed numbers: Keras's `Normalization` holds
    its mean apart from its weights, so that a clone which is given the weights would compute something else, and the
    variance in its weights file is a standard deviation.

    Args:
        images: symbolic.
        options: weights as a file of `EfficientNetB0(include_top=False)`, and what to do with the batch norms.

    Returns:
        The features at strides 2, 4, 8 and 16 (16, 24, 40, 112 channels), and those at stride 32 (320 channels).

    Raises:
        ValueError: the weights can't be downloaded, or name a file that does not exist or is not of this network.
    """
    whole = _pretrained(keras.applications.EfficientNetB0, options.encoder_weights)
    kept = keras.Model(whole.get_layer("stem_conv_pad").input, whole.get_layer(EFFICIENTNET_B0_BOTTOM).output)
    normalised = layers.Rescaling(
        [0.5 / deviation for deviation in _DEVIATION],
        offset=[(0.5 - mean) / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)],
        dtype="float32",
        name="imagenet_normalisation",
    )(images)
    backbone = _rebuilt(kept, normalised, by_name={}, keep_weights=True)
    _set_batch_norms(backbone, options)
    return _features(backbone, EFFICIENTNET_B0_SKIPS), backbone.get_layer(EFFICIENTNET_B0_BOTTOM).output


def vgg16(
    images: keras.KerasTensor, options: Options, *, names: tuple[str, ...] = VGG16_SKIPS
) -> list[keras.KerasTensor]:
    """Build the thirteen convolutions of VGG16 (Simonyan and Zisserman 2014, arXiv 1409.1556) on `images`.

    Args:
        images: symbolic.
        options: weights as a file of `VGG16(include_top=False)`, or None for He's; it has no batch norms.
        names: of the layers whose features are wanted, the last one last; what comes after it is left out.

    Returns:
        Those features; by default the last of its five blocks, at strides 1, 2, 4, 8 and 16 (64, 128, 256, 512, 512
        channels).

    Raises:
        ValueError: the weights can't be downloaded, or name a file that does not exist or is not of this network.
    """
    whole = _pretrained(keras.applications.VGG16, options.encoder_weights)
    initialised = {
        layer.name: {"kernel_initializer": INITIALISER}
        for layer in whole.layers
        if isinstance(layer, keras.layers.Conv2D)
    }
    kept = keras.Model(whole.input, whole.get_layer(names[-1]).output)
    backbone = _rebuilt(
        kept, caffe_images(images), by_name=initialised, keep_weights=options.encoder_weights is not None
    )
    return _features(backbone, names)


def vgg16_kernels(weights: str | Path) -> Mapping[str, object]:
    """Read the kernels of VGG16's convolutions.

    Args:
        weights: a file of `VGG16(include_top=False)`, or `"imagenet"`.

    Returns:
        Arrays float32 (3, 3, channels in, channels out) by layer name, such as `block1_conv1`.

    Raises:
        ValueError: the weights can't be downloaded, or name a file that does not exist or is not of this network.
    """
    whole = _pretrained(keras.applications.VGG16, weights)
    return {layer.name: layer.get_weights()[0] for layer in whole.layers if isinstance(layer, keras.layers.Conv2D)}


def caffe_images(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bring `images` to what VGG16 was trained on: BGR, 0 to 255, the mean of ImageNet subtracted."""
    centred = layers.Rescaling(
        127.5, offset=[127.5 - mean for mean in _CAFFE_MEAN], dtype="float32", name="imagenet_centred"
    )(images)
    return ops.flip(centred, axis=-1)


def _pretrained(
    build: Callable[..., keras.Model], weights: str | Path | None, *, images: keras.KerasTensor | None = None
) -> keras.Model:
    """A network of keras.applications without its top, with its weights, on `images` or else on free sides."""
    name = build.__name__
    weights = _checked(weights, name)
    place = {"input_shape": (None, None, 3)} if images is None else {"input_tensor": images}
    create = partial(build, include_top=False, **place)
    if weights == "imagenet":
        return _downloaded(create, name)
    network = create(weights=None)
    if weights is not None:
        _load(network, weights, name)
    return network


def _downloaded(create: Callable[..., keras.Model], name: str) -> keras.Model:
    try:
        with warnings.catch_warnings():
            # On free sides MobileNetV2 warns that it takes the weights for 224x224: the very ones that are wanted.
            warnings.simplefilter("ignore", UserWarning)
            return create(weights="imagenet")
    except Exception as error:
        # Keras has no kind of its own for this, so that only the words tell it from a mistake.
        if not str(error).startswith("URL fetch failure"):
            raise
        raise ValueError(
            f"The weights of {name} can't be downloaded: {error}. Expected a way to the network for 'imagenet': mend "
            f"it, or pass a file, a {name} .weights.h5 without its top, to --encoder-weights."
        ) from error


def _load(network: keras.Model, path: Path, name: str) -> None:
    try:
        with warnings.catch_warnings():
            # Of a file that does not fit, Keras warns once a layer before it says so.
            warnings.simplefilter("ignore", UserWarning)
            network.load_weights(path)
    except (OSError, ValueError) as error:
        # What follows is a list of all layers.
        reason = str(error).partition("\n")[0].rstrip(". ")
        raise ValueError(
            f"Encoder weights {str(path)!r} can't be used: {reason}. Expected a {name} .weights.h5 without its top, as "
            "`save_weights` of keras.applications' network writes it. Pass one to --encoder-weights, or 'imagenet' "
            "(downloaded by keras.applications) or 'none' (random)."
        ) from error


def _checked(weights: str | Path | None, network: str) -> str | Path | None:
    if weights in (None, "imagenet"):
        return weights
    path = Path(weights)
    if not path.is_file():
        raise ValueError(
            f"Encoder weights {str(path)!r} are not a file. Expected a {network} .weights.h5 without its top, "
            "'imagenet' (downloaded by keras.applications) or 'none' (random). Pass one of these to --encoder-weights."
        )
    return path


def _rebuilt(
    network: keras.Model, images: keras.KerasTensor, *, by_name: Mapping[str, Mapping], keep_weights: bool
) -> keras.Model:
    """The same network on other images, with some layers' configuration changed."""

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | by_name.get(layer.name, {}))

    rebuilt = keras.models.clone_model(network, input_tensors=images, clone_function=clone)
    if keep_weights:
        rebuilt.set_weights(network.get_weights())
    return rebuilt


def _set_batch_norms(network: keras.Model, options: Options) -> None:
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = options.batch_norm_momentum
            layer.trainable = not options.freeze_encoder_batch_norm


def _features(network: keras.Model, names: tuple[str, ...]) -> list[keras.KerasTensor]:
    return [network.get_layer(name).output for name in names]
