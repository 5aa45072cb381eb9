"""What stands behind the logits."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest

from model.networks import fcn8s, registry
from model.networks.ensembles import ensemble, reduced
from model.networks.heads import divide_logits, makers, map_logits, with_softmax, without_softmax

# One for each way to end: enlarged scores, transposed convolutions, scores of full size.
ENDINGS = ("mobilenetv2_unet", "fcn8s", "segnet")
IMAGES = np.random.default_rng(4).uniform(-1, 1, (1, 32, 64, 3)).astype(np.float32)


def create(name: str) -> keras.Model:
    """A network whose weights give no logit of zero."""
    keras.utils.set_random_seed(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcn8s, "CLASSIFIER_CHANNELS", 16)
        network = registry.create(name, categories=8)
    random = np.random.default_rng(5)
    for weight in network.weights:
        # Biases, and the scores of FCN-8s, begin at zero, which may be divided by anything.
        if not np.any(keras.ops.convert_to_numpy(weight)):
            weight.assign(random.normal(scale=0.05, size=weight.shape))
    return network


def answer(model: keras.Model) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(IMAGES, training=False))


def test_with_softmax_gives_probabilities():
    network = registry.create("mobilenetv2_unet", categories=8)
    probabilities = answer(with_softmax(network))
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
    assert probabilities.min() >= 0


@pytest.mark.parametrize(
    "name", [name if name in ENDINGS else pytest.param(name, marks=pytest.mark.networks) for name in registry.NAMES]
)
def test_weights_divided_are_logits_divided(name, request):
    if name not in ENDINGS and "networks" not in request.config.getoption("markexpr"):
        pytest.skip("builds a network that ends as another does: ask for it by -m networks")
    network = create(name)
    before, weights = answer(network), len(network.weights)
    assert np.abs(before).min() > 0
    divide_logits(network, 1.7)
    np.testing.assert_allclose(answer(network), before / 1.7, rtol=1e-4, atol=1e-6 * np.abs(before).max())
    np.testing.assert_array_equal(answer(network).argmax(-1), before.argmax(-1))
    assert len(network.weights) == weights


@pytest.mark.parametrize("name", ENDINGS)
def test_a_file_is_divided_behind_its_softmax_too(name, tmp_path):
    network = create(name)
    before = answer(network)
    with_softmax(network).save(tmp_path / "network.keras")
    shipped = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    np.testing.assert_allclose(answer(without_softmax(shipped)), before, rtol=1e-4, atol=1e-6)
    divide_logits(shipped, 0.5)
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(before / 0.5))
    np.testing.assert_allclose(answer(shipped), expected, rtol=1e-3, atol=1e-6)


def test_the_logits_of_an_ensemble_are_the_mean_of_its_members():
    members = [create("mobilenetv2_unet"), create("segnet")]
    network = ensemble(members)
    expected = np.mean([answer(member) for member in members], axis=0)
    np.testing.assert_allclose(answer(network), expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
    divide_logits(network, 1.7)
    np.testing.assert_allclose(answer(network), expected / 1.7, rtol=1e-4, atol=1e-6 * np.abs(expected).max())
    # They are copies: nobody else's network has changed.
    np.testing.assert_allclose(answer(members[0]), answer(create("mobilenetv2_unet")), rtol=1e-6)


def small(images: np.ndarray, reduction: int) -> np.ndarray:
    """Return the mean of each square of pixels."""
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // reduction, reduction, width // reduction, reduction, channels)
    return squares.mean(axis=(2, 4))


def large(logits: np.ndarray, reduction: int) -> np.ndarray:
    """Return what OpenCV enlarges bilinearly."""
    planes = [cv2.resize(plane, None, fx=reduction, fy=reduction) for plane in np.moveaxis(logits[0], -1, 0)]
    return np.stack(planes, axis=-1)[np.newaxis]


@pytest.mark.parametrize("reduction", [2, 3])
def test_a_member_may_see_a_smaller_image(reduction, tmp_path):
    first, second = create("mobilenetv2_unet"), create("mobilenetv2_unet")
    # The same network, but for what is behind its body.
    map_logits(second, np.roll(np.eye(8, dtype=np.float32), 1, axis=0), np.arange(8, dtype=np.float32))
    images = np.random.default_rng(4).uniform(-1, 1, (1, 192, 192, 3)).astype(np.float32)
    fine = keras.ops.convert_to_numpy(first(images, training=False))
    coarse = large(keras.ops.convert_to_numpy(second(small(images, reduction), training=False)), reduction)
    reduced_alone = keras.ops.convert_to_numpy(reduced(second, reduction)(images, training=False))
    np.testing.assert_allclose(reduced_alone, coarse, rtol=1e-4, atol=1e-5 * np.abs(coarse).max())
    network = ensemble([first, second], [1, reduction], [0, 0])
    # The second's last convolution is all that is there twice.
    assert network.count_params() == first.count_params() + sum(
        np.prod(each.shape) for each in makers(second)[0].weights
    )
    expected = (fine + coarse) / 2
    with_softmax(network).save(tmp_path / "network.keras")
    loaded = without_softmax(keras.saving.load_model(tmp_path / "network.keras", compile=False))
    for each in (network, loaded):
        ours = keras.ops.convert_to_numpy(each(images, training=False))
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    divide_logits(loaded, 2.0)
    ours = keras.ops.convert_to_numpy(loaded(images, training=False))
    np.testing.assert_allclose(ours, expected / 2, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_logits_that_no_convolution_ends_in_are_refused():
    images = keras.Input((None, None, 3))
    cut = keras.Model(images, keras.layers.Conv2D(8, 1, activation="relu", name="last")(images), name="cut")
    with pytest.raises(ValueError, match=r"network cut, whose logits come out of last \(Conv2D\)\. Expected a convol"):
        divide_logits(cut, 2.0)
    with pytest.raises(ValueError, match=r"network cut, which ends in last \(Conv2D\)\. Expected a Softmax"):
        without_softmax(cut)


@pytest.mark.parametrize("name", ["mobilenetv2_unet", "segnet"])
def test_weights_mapped_are_logits_mapped(name):
    network, random = create(name), np.random.default_rng(6)
    matrix, offset = random.normal(size=(8, 8)).astype(np.float32), random.normal(size=8).astype(np.float32)
    before = answer(network)
    map_logits(with_softmax(network), matrix, offset)
    expected = before @ matrix.T + offset
    np.testing.assert_allclose(answer(network), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_an_ensemble_is_mapped_by_its_members():
    network = ensemble([create("mobilenetv2_unet"), create("segnet")])
    before, matrix = answer(network), np.roll(np.eye(8, dtype=np.float32), 1, axis=0)
    map_logits(network, matrix, np.arange(8, dtype=np.float32))
    np.testing.assert_allclose(answer(network), np.roll(before, 1, axis=-1) + np.arange(8), rtol=1e-3, atol=1e-4)


def test_a_transposed_convolution_is_not_mapped():
    with pytest.raises(ValueError, match=r"Conv2DTranspose\)\. Expected a convolution with a bias"):
        map_logits(create("fcn8s"), np.eye(8, dtype=np.float32), np.zeros(8, np.float32))
