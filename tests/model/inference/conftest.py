"""A tiny network, as an artifact folder, and real photographs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from model import artifact as artifacts
from model.inference import openvino_engine
from model.inference.segmenter import Segmentation

SIZE = (32, 64)


def write_openvino(
    path: Path, model, *, size: tuple[int, int] = SIZE, keras_sha256: str | None, pixels: bool = True
) -> None:
    """Compile a Keras model as `python -m model export` would not: of any size and origin, and unchecked.

    `pixels=False` gives what earlier versions made: normalised float32 in, (1, height, width, categories) out.
    """
    import keras
    import openvino
    import tensorflow

    fixed = keras.models.clone_model(model, input_tensors=keras.Input((*size, 3), batch_size=1, name="images"))
    fixed.set_weights(model.get_weights())

    def planes(images):
        normalised = (tensorflow.cast(images, tensorflow.float32) - 127.5) / 127.5
        return tensorflow.transpose(fixed(normalised, training=False), (0, 3, 1, 2))

    run, kind = (planes, tensorflow.uint8) if pixels else (fixed, tensorflow.float32)
    graph = tensorflow.function(
        run, input_signature=[tensorflow.TensorSpec((1, *size, 3), kind, name="images")], autograph=False
    )
    compiled = openvino.convert_model(graph.get_concrete_function())
    if keras_sha256 is not None:
        compiled.set_rt_info(keras_sha256, openvino_engine.SHA256_PATH)
    openvino.save_model(compiled, path, compress_to_fp16=False)


def write_artifact(folder: Path, model, *, size: tuple[int, int] = SIZE) -> artifacts.Artifact:
    """Write `tiny.keras` and `card.json`."""
    model.save(folder / "tiny.keras")
    card = artifacts.describe(size=size, mean=127.5, std=127.5) | {
        "name": "tiny",
        "keras_sha256": artifacts.sha256(folder / "tiny.keras"),
        "training": {},
        "scores": {},
        "terms": {},
    }
    artifacts.write_card(folder, card)
    return artifacts.read(folder)


@pytest.fixture(scope="session")
def tiny_model():
    """A network with free sides, as training makes them, whose answers differ from pixel to pixel."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip(f"needs KERAS_BACKEND=tensorflow; this process runs Keras on {keras.backend.backend()}")
    keras.utils.set_random_seed(7)
    images = keras.Input((None, None, 3), name="images")
    features = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(images)
    logits = keras.layers.Conv2D(8, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=3))(features)
    logits = keras.layers.UpSampling2D(2, interpolation="bilinear")(logits)
    return keras.Model(images, keras.layers.Softmax()(logits), name="tiny")


@pytest.fixture(scope="session")
def tiny_artifact(tiny_model, tmp_path_factory) -> artifacts.Artifact:
    """The tiny network, exported. Not to be changed by a test."""
    from model.training.exporting.openvino_files import export

    artifact = write_artifact(tmp_path_factory.mktemp("artifact"), tiny_model)
    export(artifact)
    return artifact


@pytest.fixture(scope="session")
def keras_only_artifact(tiny_model, tmp_path_factory) -> artifacts.Artifact:
    """The tiny network without a compiled file. Not to be changed by a test."""
    return write_artifact(tmp_path_factory.mktemp("keras_only"), tiny_model)


@pytest.fixture(scope="session")
def compile_openvino():
    """The function `write_openvino`."""
    return write_openvino


@pytest.fixture(scope="session")
def save_artifact():
    """The function `write_artifact`."""
    return write_artifact


@pytest.fixture(scope="session")
def photographs(data_folder) -> list[Path]:
    """Real street photographs at 2048 x 1024."""
    folder = data_folder / "cityscapes_fullres" / "leftImg8bit"
    paths = sorted(folder.rglob("*.png"))
    if not paths:
        pytest.skip(f"no real photographs: no PNG in {folder}")
    return paths


@pytest.fixture
def segmentation() -> Segmentation:
    """Two rows of four pixels: void once, flat three times, sky twice, vehicle twice."""
    labels = np.array([[0, 1, 1, 1], [5, 5, 7, 7]], np.uint8)
    confidence = np.array([[51, 102, 153, 204], [255, 255, 0, 255]], np.uint8)
    return Segmentation(labels, confidence, (2, 4), {"network": 1.0, "labels": 1.0}, "tiny-0123456789ab")
