"""Every network by name: shapes, types, parameters as published, pretrained weights, files that open without us."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from model.networks import fcn8s, registry

OURS = ("model.", "app.")
CATEGORIES = 8


# 3x3 convolutions as (channels in, channels out): Simonyan and Zisserman, table 1, configuration D.
VGG16 = ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), *[(256, 256)] * 2, (256, 512), *[(512, 512)] * 5)
VGG16_KERNELS = sum(9 * inside * out for inside, out in VGG16)
# keras.applications without top, less the last 1x1 convolution of 320 x 1280 and its batch norm; EfficientNet also less
# the seven numbers of its normalisation.
MOBILENET_V2 = 2_257_984 - 320 * 1280 - 4 * 1280
EFFICIENTNET_B0 = 4_049_571 - 320 * 1280 - 4 * 1280 - 7
# The published files, less a counter for each batch norm and the head of the classifier.
EFFICIENTNET_LITE0 = 4_694_073 - 49 - 320 * 1280 - 4 * 1280 - 1281 * 1000
EFFICIENTNET_LITE2 = 6_150_232 - 64 - 352 * 1280 - 4 * 1280 - 1281 * 1000


def _vgg16() -> int:
    return VGG16_KERNELS + sum(out for _, out in VGG16)


def _head(channels: int) -> int:
    return channels * CATEGORIES + CATEGORIES


def _norm(channels: int) -> int:
    return 4 * channels


def _fcn8s() -> int:
    """VGG16, fc6, fc7, three scores, transposed convolutions of 4x4 twice and 16x16 without biases."""
    classifier = (7 * 7 * 512 * 4096 + 4096) + (4096 * 4096 + 4096)
    return _vgg16() + classifier + _head(4096) + _head(512) + _head(256) + (2 * 4**2 + 16**2) * CATEGORIES**2


def _segnet() -> int:
    """VGG16 and its mirror image, batch norms in place of biases, but for the last convolution, which scores."""
    mirror = VGG16_KERNELS - 9 * 3 * 64 + 9 * 64 * CATEGORIES + CATEGORIES
    norms = sum(_norm(out) for _, out in VGG16) + sum(_norm(inside) for inside, _ in VGG16[1:])
    return VGG16_KERNELS + mirror + norms


def _unet() -> int:
    """Figure 1 of the paper for three colours; batch norms in place of biases, but for the up-convolutions."""
    down = ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512))
    bottom = ((512, 1024), (1024, 1024))
    up = ((1024, 512), (512, 512), (512, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64))
    ups = sum(4 * 2 * out * out + out for out in (512, 256, 128, 64))
    return sum(9 * inside * out + _norm(out) for inside, out in (*down, *bottom, *up)) + ups + _head(64)


def _vgg16_unet() -> int:
    steps = ((512 + 512, 256), (256 + 256, 128), (128 + 128, 64), (64 + 64, 32))
    return _vgg16() + sum(9 * (inside + out) * out + 2 * _norm(out) for inside, out in steps) + _head(32)


def _light_decoder(skips: tuple[int, ...], below: int = 320) -> int:
    """A 3x3 convolution and a separable one in each step, then the head."""
    total = _head(32)
    for channels, skip in zip((96, 64, 48, 32), skips, strict=True):
        total += 9 * (below + skip) * channels + 9 * channels + channels**2 + 2 * _norm(channels)
        below = channels
    return total


def _deeplabv3plus() -> int:
    def separable(inside: int) -> int:
        return 9 * inside + _norm(inside) + inside * 256 + _norm(256)

    pyramid = 2 * (320 * 256 + _norm(256)) + 3 * separable(320) + (5 * 256 * 256 + _norm(256))
    decoder = (24 * 48 + _norm(48)) + separable(256 + 48) + separable(256)
    return MOBILENET_V2 + pyramid + decoder + _head(256)


def _bisenetv2() -> int:
    """Table 1 and figures 4 to 6 of the paper."""

    def plain(inside: int, out: int, kernel: int = 3) -> int:
        return kernel**2 * inside * out + _norm(out)

    def depthwise(out: int) -> int:
        return 9 * out + _norm(out)

    def expand(channels: int) -> int:
        return plain(channels, channels) + depthwise(6 * channels) + plain(6 * channels, channels, 1)

    def expand_down(inside: int, out: int) -> int:
        beside = depthwise(inside) + plain(inside, out, 1)
        return plain(inside, inside) + 2 * depthwise(6 * inside) + plain(6 * inside, out, 1) + beside

    detail = plain(3, 64) + 4 * plain(64, 64) + plain(64, 128) + 2 * plain(128, 128)
    stem = plain(3, 16) + plain(16, 8, 1) + plain(8, 16) + plain(32, 16)
    semantic = expand_down(16, 32) + expand(32) + expand_down(32, 64) + expand(64) + expand_down(64, 128)
    context = 3 * expand(128) + _norm(128) + plain(128, 128, 1) + plain(128, 128)
    aggregation = 2 * (depthwise(128) + 128 * 128) + 3 * plain(128, 128)
    return detail + stem + semantic + context + aggregation + plain(128, 1024) + _head(1024)


# By hand from the papers' tables, batch norms with their moving statistics.
PARAMETERS = {
    "fcn8s": _fcn8s(),
    "segnet": _segnet(),
    "unet": _unet(),
    "vgg16_unet": _vgg16_unet(),
    "mobilenetv2_unet": MOBILENET_V2 + _light_decoder((96, 32, 24, 16)),
    "efficientnetb0_unet": EFFICIENTNET_B0 + _light_decoder((112, 40, 24, 16)),
    "efficientnetlite0_unet": EFFICIENTNET_LITE0 + _light_decoder((112, 40, 24, 16)),
    "efficientnetlite2_unet": EFFICIENTNET_LITE2 + _light_decoder((120, 48, 24, 16), below=352),
    "deeplabv3plus": _deeplabv3plus(),
    "bisenetv2": _bisenetv2(),
}


@pytest.fixture(scope="module", params=registry.NAMES)
def network(request) -> keras.Model:
    """Each network once, with free sides."""
    keras.utils.set_random_seed(3)
    yield registry.create(request.param, categories=CATEGORIES)
    keras.backend.clear_session()


def test_logits_have_the_size_of_the_image(network):
    for size in ((32, 32), (64, 96)):
        logits = network(np.zeros((2, *size, 3), np.float32))
        assert (tuple(logits.shape), keras.backend.standardize_dtype(logits.dtype)) == ((2, *size, 8), "float32")


def test_it_has_the_published_parameters(network):
    assert network.count_params() == PARAMETERS[network.name]


def test_unet_has_the_trainable_parameters_that_others_count():
    # 31,037,633 with batch norms, three colours and one category: milesial/Pytorch-UNet without bilinear upsampling.
    network = registry.create("unet", categories=1)
    assert sum(math.prod(weight.shape) for weight in network.trainable_weights) == 31_037_633


def test_only_built_in_layers(network):
    assert not [layer.name for layer in network.layers if type(layer).__module__.startswith(OURS)]


def test_every_batch_norm_has_the_momentum_that_was_asked_for(network):
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == (set() if network.name == "fcn8s" else {0.97})


@pytest.mark.parametrize("name", registry.NAMES)
@pytest.mark.parametrize(("sides", "nearest"), [({"height": 100, "width": 640}, 96), ({"height": 320, "width": 0}, 32)])
def test_a_side_that_does_not_divide_is_refused_with_the_nearest(name, sides, nearest):
    with pytest.raises(ValueError, match=f"positive multiple of 32; the nearest is {nearest}"):
        registry.create(name, categories=8, **sides)


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"the network 'pspnet'\. Expected one of fcn8s, segnet"):
        registry.create("pspnet", categories=8)


@pytest.mark.parametrize("name", ["unet", "bisenetv2"])
def test_weights_for_a_network_without_a_pretrained_encoder_are_refused(name):
    with pytest.raises(ValueError, match=f"for {name}, which has no pretrained encoder"):
        registry.create(name, categories=8, encoder_weights="imagenet")


@pytest.mark.parametrize("name", [name for name in registry.NAMES if registry.describe(name).encoder])
def test_missing_encoder_weights_are_named(name):
    encoder = registry.describe(name).encoder
    with pytest.raises(ValueError, match=rf"'nowhere\.h5' are not a file. Expected an? {encoder} "):
        registry.create(name, categories=8, encoder_weights="nowhere.h5")


def test_descriptions_are_complete():
    assert [registry.describe(name).name for name in registry.NAMES] == list(registry.NAMES)
    assert all("arXiv" in registry.describe(name).source for name in registry.NAMES)


@pytest.fixture
def dtype_policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("name", "policy"), [*((name, "mixed_float16") for name in registry.NAMES), ("bisenetv2", "mixed_bfloat16")]
)
def test_logits_are_float32_in_mixed_precision_too(name, policy, dtype_policy, monkeypatch):
    monkeypatch.setattr(fcn8s, "CLASSIFIER_CHANNELS", 16)
    dtype_policy(policy)
    model = registry.create(name, categories=2)
    assert model.output.dtype == "float32"
    inside = {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert inside == {policy.removeprefix("mixed_")}
