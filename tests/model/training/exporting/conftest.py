"""A tiny network as an artifact, and Keras's own answers of it."""

from __future__ import annotations

import copy
import os
import shutil

import pytest

from model import artifact as artifacts
from tests.model.inference.conftest import write_artifact

SIZE = (32, 64)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """The folder of a tiny network, nothing exported. Not to be changed by a test."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip(f"needs KERAS_BACKEND=tensorflow; this process runs Keras on {keras.backend.backend()}")
    keras.utils.set_random_seed(5)
    images = keras.Input((None, None, 3), name="images")
    features = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="first")(images)
    logits = keras.layers.Conv2D(8, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=3))(features)
    logits = keras.layers.UpSampling2D(2, interpolation="bilinear")(logits)
    folder = tmp_path_factory.mktemp("tiny")
    written = write_artifact(folder, keras.Model(images, keras.layers.Softmax()(logits), name="tiny"), size=SIZE)
    # How a network was trained belongs to a card; any will do.
    training = artifacts.read(artifacts.DEFAULT_FOLDER).card["training"]
    artifacts.write_card(folder, written.card | {"training": training})
    return folder


@pytest.fixture
def tiny(tiny_folder, tmp_path) -> artifacts.Artifact:
    """A copy of the tiny network that a test may change."""
    return artifacts.read(shutil.copytree(tiny_folder, tmp_path / "artifact"))


@pytest.fixture(scope="session")
def answers(tiny_folder):
    """Keras's own answers, on generated street scenes. Not to be changed by a test."""
    from model.training.exporting.checks import Reference

    return Reference(artifacts.read(tiny_folder))


@pytest.fixture
def reference(answers, tiny):
    """The same, for the copy. The network in it is everybody's: who changes its weights, puts them back."""
    reference = copy.copy(answers)
    reference.artifact = tiny
    return reference
