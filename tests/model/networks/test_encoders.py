"""Encoders against keras.applications with the preprocessing that it documents, and atrous against strided."""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from model.networks import registry
from model.networks.blocks import Options
from model.networks.encoders import efficientnet_b0, mobilenet_v2, vgg16

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)


@pytest.fixture
def symbolic() -> keras.KerasTensor:
    return keras.Input((None, None, 3), name="images")


@pytest.fixture(scope="module")
def vgg16_file(tmp_path_factory) -> tuple[Path, keras.Model]:
    """Weights as keras.applications saves them, random, and the network they belong to."""
    return _saved(keras.applications.VGG16, tmp_path_factory.mktemp("vgg16"))


def _saved(build, folder: Path) -> tuple[Path, keras.Model]:
    network = build(input_shape=(None, None, 3), include_top=False, weights=None)
    path = folder / "notop.weights.h5"
    network.save_weights(path)
    return path, network


def _options(weights: Path | None, *, freeze: bool = False) -> Options:
    return Options(8, weights, freeze, 0.97)


def test_vgg16_gets_the_images_that_its_weights_were_trained_on(vgg16_file, images, symbolic):
    path, reference = vgg16_file
    ours = keras.Model(symbolic, vgg16(symbolic, _options(path)))
    prepared = keras.applications.vgg16.preprocess_input((images + 1) * 127.5)
    names = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
    theirs = keras.Model(reference.input, [reference.get_layer(name).output for name in names])
    for our, their in zip(ours(images), theirs(prepared), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-3, atol=1e-3)


ENCODERS = {"mobilenetv2_unet": "MobileNetV2", "efficientnetb0_unet": "EfficientNetB0", "segnet": "VGG16"}
each_encoder = pytest.mark.parametrize(("network", "encoder"), ENCODERS.items())


@each_encoder
def test_weights_that_can_not_be_downloaded_are_refused_in_words(monkeypatch, network, encoder):
    def fail(*arguments, **options):
        # What Keras raises without a network, whatever the reason was.
        raise Exception("URL fetch failure on https://example.org/w.h5: None -- no route")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(ValueError, match=rf"{encoder} can't be downloaded.*no route\. Expected.*--encoder-weights"):
        registry.create(network, categories=8, encoder_weights="imagenet")


def test_a_mistake_in_keras_is_not_taken_for_a_lost_network(monkeypatch):
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *arguments, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        registry.create("segnet", categories=8, encoder_weights="imagenet")


@each_encoder
@pytest.mark.parametrize("name", ["broken.weights.h5", "broken.h5", "broken.bin"])
def test_a_broken_file_of_weights_is_named(tmp_path, network, encoder, name):
    path = tmp_path / name
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=rf"{name}' can't be used: .*Expected a {encoder} .*--encoder-weights"):
        registry.create(network, categories=8, encoder_weights=path)


@each_encoder
@pytest.mark.parametrize("legacy", [False, True])
def test_weights_of_another_encoder_are_named(tmp_path, network, encoder, legacy):
    other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2), keras.layers.Dense(2)])
    path = tmp_path / ("other.h5" if legacy else "other.weights.h5")
    if legacy:
        with h5py.File(path, "w") as file:
            file["dense"] = np.zeros(3)
    else:
        other.save_weights(path)
    with pytest.raises(ValueError, match=rf"{path.name}' can't be used: .*Expected a {encoder} .*--encoder-weights"):
        registry.create(network, categories=8, encoder_weights=path)


def test_vgg16_without_weights_begins_as_he_says(symbolic):
    kernel = keras.Model(symbolic, vgg16(symbolic, _options(None))).get_layer("block4_conv2").get_weights()[0]
    assert np.isclose(kernel.std(), np.sqrt(2 / (9 * 512)), rtol=0.02)


def test_segnet_takes_the_kernels_of_vgg16(vgg16_file):
    path, reference = vgg16_file
    network = registry.create("segnet", categories=8, encoder_weights=path)
    for name in ("block1_conv1", "block5_conv3"):
        ours, theirs = (model.get_layer(name).get_weights()[0] for model in (network, reference))
        np.testing.assert_array_equal(ours, theirs)


def test_efficientnet_gets_the_images_that_its_weights_were_trained_on(tmp_path, images, symbolic):
    path, reference = _saved(keras.applications.EfficientNetB0, tmp_path)
    _, ours = efficientnet_b0(symbolic, _options(path))
    # Without ImageNet's weights theirs only divides by 255: the rest of the documented normalisation is done here.
    prepared = ((images + 1) / 2 - MEAN) / DEVIATION * 255
    theirs = keras.Model(reference.input, reference.get_layer("block7a_project_bn").output)(prepared)
    np.testing.assert_allclose(keras.Model(symbolic, ours)(images), theirs, rtol=1e-3, atol=1e-6)


def test_a_clone_of_efficientnet_that_is_given_the_weights_gives_the_same_answers(images):
    network = registry.create("efficientnetb0_unet", categories=8)
    clone = keras.models.clone_model(network)
    clone.set_weights(network.get_weights())
    np.testing.assert_allclose(clone(images), network(images), atol=1e-6)


def test_atrous_convolutions_see_what_the_strided_ones_saw(weights_folder, images, symbolic):
    path = weights_folder / "mobilenet_v2_imagenet_notop.weights.h5"
    strided, atrous = (
        keras.Model(symbolic, mobilenet_v2(symbolic, _options(path), output_stride=stride)[1])(images)
        for stride in (32, 16)
    )
    assert (tuple(strided.shape), tuple(atrous.shape)) == ((1, 2, 3, 320), (1, 4, 6, 320))
    # Keras pads the stride's kernel behind, so that its centres are the odd cells.
    np.testing.assert_allclose(atrous[:, 1::2, 1::2], strided, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["mobilenetv2_unet", "deeplabv3plus"])
def test_pretrained_weights_reach_the_encoder(name, weights_folder):
    path = weights_folder / "mobilenet_v2_imagenet_notop.weights.h5"
    pretrained = registry.create(name, categories=8, encoder_weights=path, freeze_encoder_batch_norm=True)
    reference = keras.applications.MobileNetV2(input_shape=(None, None, 3), include_top=False, weights=None)
    reference.load_weights(path)
    for layer in ("Conv1", "block_14_depthwise", "block_16_project"):
        ours, theirs = (model.get_layer(layer).get_weights()[0] for model in (pretrained, reference))
        np.testing.assert_array_equal(ours, theirs)
    assert {layer.trainable for layer in pretrained.layers if layer.name.endswith("_BN")} == {False}
    assert pretrained.get_layer("block_1_expand_BN").get_weights()[2].any()
