"""Files that open without our code, on another backend, and at fixed sides: with the same answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
import tensorflow

from model.networks import fcn8s, registry

SIZE = (64, 96)

# Runs outside the repository: what it opens, it opens with Keras alone. In each the whole of the list.
OPEN = """
import sys, keras, numpy as np
folder = sys.argv[1]
images = np.load(f"{folder}/images.npy")
for name in sys.argv[2:]:
    loaded = keras.saving.load_model(f"{folder}/{name}.keras", compile=False)
    fixed = keras.models.clone_model(loaded, input_tensors=keras.Input((*images.shape[1:3], 3)))
    fixed.set_weights(loaded.get_weights())
    answers = np.asarray(fixed(images, training=False))
    expected = np.load(f"{folder}/{name}.npy")
    np.testing.assert_allclose(answers, expected, atol=1e-4 * np.abs(expected).max(), rtol=1e-3, err_msg=name)
    keras.backend.clear_session()
print(keras.backend.backend(), "model" in sys.modules)
"""

# Builds each network on this backend, and gives it the weights in the file.
BUILD = """
import sys, keras, numpy as np
from model.networks import fcn8s, registry
fcn8s.CLASSIFIER_CHANNELS = 32
folder = sys.argv[1]
images = np.load(f"{folder}/images.npy")
for name in sys.argv[2:]:
    network = registry.create(name, categories=8)
    network.load_weights(f"{folder}/{name}.keras")
    answers = np.asarray(network(images, training=False))
    expected = np.load(f"{folder}/{name}.npy")
    np.testing.assert_allclose(answers, expected, atol=1e-4 * np.abs(expected).max(), rtol=1e-3, err_msg=name)
    keras.backend.clear_session()
print(keras.backend.backend())
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with images, a file of each network with free sides, and its answers."""
    folder = tmp_path_factory.mktemp("networks")
    images = np.random.default_rng(0).uniform(-1, 1, (2, *SIZE, 3)).astype(np.float32)
    np.save(folder / "images.npy", images)
    with pytest.MonkeyPatch.context() as patch:
        # The same layers as in earnest, in a file of 60 MB in place of 540.
        patch.setattr(fcn8s, "CLASSIFIER_CHANNELS", 32)
        for name in registry.NAMES:
            keras.utils.set_random_seed(4)
            network = registry.create(name, categories=8)
            _stir(network)
            network.save(folder / f"{name}.keras")
            np.save(folder / f"{name}.npy", np.asarray(network(images, training=False)))
            keras.backend.clear_session()
    return folder


@pytest.mark.long
def test_they_open_with_keras_alone(files, tmp_path):
    result = _run(OPEN, files, registry.NAMES, folder=tmp_path, backend="tensorflow")
    assert (result.returncode, result.stdout.split()) == (0, ["tensorflow", "False"]), result.stderr[-2000:]


@pytest.mark.networks
def test_jax_builds_them_and_gives_the_same_answers(files, repository, request):
    if "networks" not in request.config.getoption("markexpr"):
        pytest.skip("JAX compiles every operation of every network, minutes: ask for it by -m networks")
    result = _run(BUILD, files, registry.NAMES, folder=repository, backend="jax")
    assert (result.returncode, result.stdout.split()) == (0, ["jax"]), result.stderr[-2000:]


@pytest.mark.long
def test_openvino_puts_back_what_segnet_pooled_where_keras_does(files):
    # The others' files are for the tests of the exports; here the order of equals could differ.
    loaded = keras.saving.load_model(files / "segnet.keras", compile=False)
    images = np.load(files / "images.npy")
    fixed = keras.models.clone_model(loaded, input_tensors=keras.Input((*SIZE, 3), name="images"))
    fixed.set_weights(loaded.get_weights())
    function = tensorflow.function(
        lambda images: fixed(images, training=False),
        input_signature=[tensorflow.TensorSpec((2, *SIZE, 3), tensorflow.float32)],
        autograph=False,
    )
    converted = openvino.convert_model(function.get_concrete_function())
    compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = np.load(files / "segnet.npy")
    np.testing.assert_allclose(compiled([images])[0], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def _stir(network: keras.Model) -> None:
    """Give moving statistics, offsets and zeroed scores values that an answer depends on."""
    random = np.random.default_rng(5)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            noise = random.uniform(0.8, 1.2, (4, gamma.size)).astype(np.float32)
            layer.set_weights([gamma * noise[0], beta + noise[1] - 1, mean + noise[2] - 1, variance * noise[3]])
        elif layer.name.startswith("score"):
            kernel, bias = layer.get_weights()
            layer.set_weights([random.normal(0, 0.01, kernel.shape), bias])


def _run(code: str, files: Path, names: tuple[str, ...], *, folder: Path, backend: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code, files, *names],
        cwd=folder,
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
