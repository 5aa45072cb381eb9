"""Keras on TensorFlow, on the network as it was trained: the reference, and what runs where there is no compiled file.

Array contract: see `model.inference.contract`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from model import artifact as artifacts
from model.artifact import Artifact
from model.inference.contract import EngineError, check_image, check_images


class TensorFlowEngine:
    """Runs the artifact's Keras file with Keras on TensorFlow, which it imports only here.

    Args:
        artifact: the network.

    Attributes:
        network: the Keras model, its sides fixed to the artifact's size, any batch; takes normalised images.

    Raises:
        EngineError: TensorFlow or Keras is not installed, or Keras already runs on another backend in this process.
        ArtifactError: the Keras file is not the network that the card describes.
    """

    name = "tensorflow"
    precision = "f32"

    def __init__(self, artifact: Artifact) -> None:
        artifacts.verify(artifact)
        keras, tensorflow = _import_tensorflow()
        loaded = keras.saving.load_model(artifact.keras_path, compile=False)
        # With free sides, bilinear upsampling fails in a tf.function once the model was loaded (Keras 3.15.1).
        images = keras.Input((*artifact.size, 3), name="images")
        self.network = keras.models.clone_model(loaded, input_tensors=images)
        self.network.set_weights(loaded.get_weights())
        self._size = artifact.size
        mean, std = artifact.normalisation["mean"], artifact.normalisation["std"]
        self._run = tensorflow.function(
            lambda images: self.network((tensorflow.cast(images, tensorflow.float32) - mean) / std, training=False),
            input_signature=[tensorflow.TensorSpec((None, *artifact.size, 3), tensorflow.uint8)],
            autograph=False,
        )
        # Traced here, so that threads never trace at the same time.
        self._run.get_concrete_function()

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """See `Engine.planes`."""
        check_image(image, self._size)
        yield np.ascontiguousarray(self._run(image[np.newaxis]).numpy()[0].transpose(2, 0, 1))

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """See `Engine.probabilities`."""
        check_images(images, self._size)
        return self._run(images).numpy()


def _import_tensorflow():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        import keras
        import tensorflow
    except ModuleNotFoundError as error:
        raise EngineError(
            f"{error.name} is not installed. Expected TensorFlow and Keras: run `pip install -r requirements.txt`, "
            "or choose the engine openvino."
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise EngineError(
            f"Keras runs on {keras.backend.backend()} in this process. Expected TensorFlow: "
            "set KERAS_BACKEND=tensorflow before starting, or choose the engine openvino."
        )
    return keras, tensorflow
