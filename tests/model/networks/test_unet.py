"""The U-Net: shapes, size, pretrained weights, and that it can learn a picture."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model.networks.unet import mobilenetv2_unet, with_softmax

OURS = ("model.", "app.")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return mobilenetv2_unet(categories=8)


@pytest.mark.parametrize("size", [(32, 32), (64, 160)])
def test_logits_have_the_size_of_the_image(network, size):
    logits = network(np.zeros((2, *size, 3), np.float32))
    assert logits.shape == (2, *size, 8)


def test_the_encoder_has_the_parameters_of_mobilenet_v2(network):
    own = sum(layer.count_params() for layer in network.layers if not layer.name.startswith(("decoder_", "head")))
    # Without top: 2,257,984 in keras.applications, less the last 1x1 convolution of 320 x 1280 and its batch norm.
    assert own == 2_257_984 - 320 * 1280 - 4 * 1280


def test_it_is_light(network):
    assert network.count_params() < 2_600_000


def test_only_built_in_layers(network):
    assert not [layer.name for layer in network.layers if type(layer).__module__.startswith(OURS)]


def test_with_softmax_gives_probabilities(network):
    answer = np.asarray(with_softmax(network)(np.ones((1, 32, 64, 3), np.float32)))
    np.testing.assert_allclose(answer.sum(-1), 1, atol=1e-5)
    assert answer.min() >= 0


@pytest.mark.parametrize(("sides", "nearest"), [({"height": 100, "width": 640}, 96), ({"height": 320, "width": 0}, 32)])
def test_a_side_that_does_not_divide_is_refused_with_the_nearest(sides, nearest):
    with pytest.raises(ValueError, match=f"positive multiple of 32; the nearest is {nearest}"):
        mobilenetv2_unet(categories=8, **sides)


def test_missing_encoder_weights_are_named():
    with pytest.raises(ValueError, match=r"'nowhere\.h5' are not a file"):
        mobilenetv2_unet(categories=8, encoder_weights="nowhere.h5")


def test_pretrained_weights_reach_the_encoder(network, weights_folder):
    path = weights_folder / "mobilenet_v2_imagenet_notop.weights.h5"
    pretrained = mobilenetv2_unet(categories=8, encoder_weights=path, freeze_encoder_batch_norm=True)
    reference = keras.applications.MobileNetV2(input_shape=(None, None, 3), include_top=False, weights=None)
    reference.load_weights(path)
    for name in ("Conv1", "block_16_project"):
        ours, theirs = (model.get_layer(name).get_weights()[0] for model in (pretrained, reference))
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(
        network.get_layer("Conv1").get_weights()[0], reference.get_layer("Conv1").get_weights()[0]
    )
    frozen = {layer.trainable for layer in pretrained.layers if layer.name.endswith("_BN")}
    assert frozen == {False}
