"""How a network runs: OpenVINO on the compiled file, or Keras on TensorFlow on `unet.keras` itself.

Array contract: `images` float32 (batch, height, width, 3), normalised; `probabilities` float32 (batch, height, width,
categories). Both engines may be called from several threads at once.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections import deque
from typing import Protocol

import numpy as np

from model import artifact as artifacts
from model import categories
from model.artifact import Artifact, ArtifactError

NAMES = ("auto", "openvino", "tensorflow")
SHA256_PATH = ["streetseg", "keras_sha256"]
"""Where the OpenVINO file's run-time information holds the SHA-256 of the Keras file it was made from."""

_logger = logging.getLogger(__name__)


class EngineError(ArtifactError):
    """The engine cannot run this artifact: its file is missing, stale or damaged, or a library is not installed."""


class Engine(Protocol):
    """What runs a network.

    Attributes:
        name: `"openvino"` or `"tensorflow"`.
        precision: of its arithmetic: `"f32"`, `"bf16"` or `"f16"`.
    """

    name: str
    precision: str

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Run the network.

        Args:
            images: float32 (batch, height, width, 3) of the artifact's size, normalised.

        Returns:
            float32 (batch, height, width, categories); each pixel's sum is 1.

        Raises:
            ValueError: another shape.
        """


def create(name: str, artifact: Artifact) -> Engine:
    """Make the engine of this name.

    Args:
        name: `"openvino"`, `"tensorflow"`, or `"auto"`: OpenVINO, or else TensorFlow with a warning in the log.
        artifact: the network.

    Returns:
        An engine with the network loaded.

    Raises:
        ValueError: no engine has this name.
        EngineError: the engine cannot run this artifact; the message names the command that mends it.
        ArtifactError: `unet.keras` is not the network that the card describes.
    """
    if name == "openvino":
        return OpenVinoEngine(artifact)
    if name == "tensorflow":
        return TensorFlowEngine(artifact)
    if name != "auto":
        raise ValueError(f"Unknown engine {name!r}. Expected one of {', '.join(NAMES)}.")
    try:
        return OpenVinoEngine(artifact)
    except EngineError as error:
        if importlib.util.find_spec("tensorflow") is None:
            raise EngineError(f"{error} TensorFlow, which could run the network instead, is not installed.") from error
        _logger.warning("OpenVINO cannot run the network, TensorFlow does so instead, which is slower: %s", error)
        return TensorFlowEngine(artifact)


class OpenVinoEngine:
    """Runs the compiled file with OpenVINO on the CPU.

    Args:
        artifact: the network.
        precision: `"f32"`, which gives Keras's own labels; `"bf16"` or `"f16"`, faster where the CPU has them.

    Raises:
        EngineError: the compiled file is missing, damaged, or was made from another network.
    """

    name = "openvino"

    def __init__(self, artifact: Artifact, *, precision: str = "f32") -> None:
        if importlib.util.find_spec("openvino") is None:
            raise EngineError("OpenVINO is not installed. Expected the openvino package: run `pip install openvino`.")
        import openvino

        core = openvino.Core()
        model = _read_openvino(core, artifact)
        # Left to itself OpenVINO takes bfloat16 where the CPU has it, and then 6 pixels in 1,000 get another label.
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        self._compiled = core.compile_model(model, "CPU", options)
        batch = model.input(0).get_partial_shape()[0]
        self._batch = batch.get_length() if batch.is_static else None
        self._size = artifact.size
        # A request holds one run's tensors, so each thread takes one of its own, and puts it back for the next.
        self._idle_requests: deque = deque()
        self.precision = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """See `Engine.probabilities`."""
        _check_images(images, self._size)
        try:
            request = self._idle_requests.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            step = self._batch or len(images)
            results = [
                _run_openvino(request, images[start : start + step], step) for start in range(0, len(images), step)
            ]
        finally:
            self._idle_requests.append(request)
        return results[0] if len(results) == 1 else np.concatenate(results)


class TensorFlowEngine:
    """Runs `unet.keras` with Keras on TensorFlow, which it imports only here.

    Args:
        artifact: the network.

    Attributes:
        network: the Keras model, its sides fixed to the artifact's size, any batch.

    Raises:
        EngineError: TensorFlow or Keras is not installed, or Keras already runs on another backend in this process.
        ArtifactError: `unet.keras` is not the network that the card describes.
    """

    name = "tensorflow"
    precision = "f32"

    def __init__(self, artifact: Artifact) -> None:
        artifacts.verify(artifact)
        keras, tensorflow = _import_tensorflow()
        loaded = keras.saving.load_model(artifact.keras_path, compile=False)
        # With free sides, bilinear upsampling fails in a tf.function once the model was loaded (Keras 3.15.1).
        self.network = keras.models.clone_model(loaded, input_tensors=keras.Input((*artifact.size, 3), name="images"))
        self.network.set_weights(loaded.get_weights())
        self._size = artifact.size
        self._run = tensorflow.function(
            lambda images: self.network(images, training=False),
            input_signature=[tensorflow.TensorSpec((None, *artifact.size, 3), tensorflow.float32)],
            autograph=False,
        )
        # Traced here, so that threads never trace at the same time.
        self._run.get_concrete_function()

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """See `Engine.probabilities`."""
        _check_images(images, self._size)
        return self._run(images).numpy()


def _read_openvino(core, artifact: Artifact):
    """Read the compiled file, and refuse one that does not belong to the Keras file."""
    path = artifact.openvino_path
    mend = f"Make it with `python -m model export --artifact {artifact.folder}`."
    if not path.is_file():
        raise EngineError(f"No {path.name} in {str(artifact.folder)!r}. Expected the compiled network. {mend}")
    try:
        model = core.read_model(path)
    except RuntimeError as error:
        raise EngineError(
            f"{path} cannot be read. Expected an OpenVINO network beside its .bin file. {mend}"
        ) from error
    if not model.has_rt_info(SHA256_PATH):
        raise EngineError(f"{path} does not say which Keras network it was made from. {mend}")
    source = model.get_rt_info(SHA256_PATH).astype(str)
    if source != artifact.card["keras_sha256"]:
        raise EngineError(
            f"{path} was made from another network (SHA-256 {source[:12]}). "
            f"Expected {artifact.card['keras_sha256'][:12]}. {mend}"
        )
    _check_openvino_shapes(model, artifact, mend)
    return model


def _check_openvino_shapes(model, artifact: Artifact, mend: str) -> None:
    import openvino

    expected_input = openvino.PartialShape([-1, *artifact.size, 3])
    expected_output = openvino.PartialShape([-1, *artifact.size, categories.COUNT])
    received_input = model.input(0).get_partial_shape()
    received_output = model.output(0).get_partial_shape()
    if not (expected_input.compatible(received_input) and expected_output.compatible(received_output)):
        raise EngineError(
            f"{artifact.openvino_path} maps {received_input} to {received_output}. "
            f"Expected {expected_input} to {expected_output}, as its card says. {mend}"
        )


def _run_openvino(request, images: np.ndarray, batch: int) -> np.ndarray:
    """Run one batch; a last one that is too short for the file's fixed batch is filled up with zeros."""
    missing = batch - len(images)
    if missing:
        images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
    request.infer([np.ascontiguousarray(images)])
    # The tensor belongs to the request, whose next run overwrites it.
    return request.get_output_tensor(0).data[: batch - missing].copy()


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


def _check_images(images: np.ndarray, size: tuple[int, int]) -> None:
    if images.dtype != np.float32 or images.ndim != 4 or not len(images) or images.shape[1:] != (*size, 3):
        raise ValueError(
            f"Received images of {images.dtype} {images.shape}. Expected float32 (batch, {size[0]}, {size[1]}, 3): "
            "use model.preprocessing.resize_image and normalise."
        )
