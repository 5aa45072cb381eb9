"""ONNX, for ONNX Runtime and all that reads it (TensorRT, DirectML, browsers).

Array contract: see `model.training.exporting.signature`; any batch.

tf2onnx and not `keras.Model.export(format="onnx")`, which goes through tf2onnx as well, but names neither the input nor
the output and fixes normalised float32 as the input.
"""

from __future__ import annotations

from pathlib import Path

import keras
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from model.artifact import Artifact
from model.training.exporting.checks import EXACT, Run
from model.training.exporting.making import Format
from model.training.exporting.signature import INPUT, OUTPUT, metadata, pixels, pixels_to_probabilities

MEMORY = Path("/proc/meminfo")
BYTES_A_PARAMETER = 160
"""Seen: FCN-8s, 134 million parameters, was still growing at 20.3 GB."""

OPSET = 17
"""Read by ONNX Runtime from 1.12 on, and by TensorRT from 8.6 on."""


def convert(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as an ONNX file, with its category names, origin and terms in the file's metadata.

    Args:
        network: the Keras model on TensorFlow, its sides fixed, any batch; takes normalised images.
        artifact: says how to normalise, and what the file says about itself.
        path: of the file.

    Raises:
        ValueError: tf2onnx does not know one of the network's operations, or there is not enough memory for it.
    """
    _refuse_without_memory(network.count_params())
    signature = [pixels(artifact, batch=None)]
    function = tf.function(pixels_to_probabilities(network, artifact), input_signature=signature, autograph=False)
    model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.doc_string = f"{artifact.version}, by streetseg"
    onnx.helper.set_model_props(model, metadata(artifact))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _refuse_without_memory(parameters: int) -> None:
    """Say so, instead of being killed by the system: tf2onnx writes all weights once more at each of its passes."""
    needed, free = parameters * BYTES_A_PARAMETER, _free_bytes()
    if free is not None and free < needed:
        raise ValueError(
            f"tf2onnx takes about {needed / 1e9:.0f} GB of memory for {parameters / 1e6:.0f} million parameters, "
            f"{free / 1e9:.0f} GB are free. Expected as much: close other programs, or export to openvino, litert or "
            "savedmodel"
        )


def _free_bytes() -> int | None:
    """Return what the system can give without swapping; None where it does not say so."""
    try:
        lines = MEMORY.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def load(path: Path, artifact: Artifact) -> Run:
    """Open an ONNX file in ONNX Runtime, on the CPU.

    Args:
        path: of the file.
        artifact: not needed; the file says everything.

    Returns:
        A function from images to probabilities.

    Raises:
        ValueError: ONNX Runtime cannot read it.
    """
    # Nothing is sent on Linux; on Windows its wheels would.
    onnxruntime.disable_telemetry_events()
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except _UNREADABLE as error:
        raise ValueError(f"ONNX Runtime cannot read it: {error}") from error
    return lambda images: session.run([OUTPUT], {INPUT: images})[0]


# They have no parent of their own.
_UNREADABLE = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NoSuchFile,
    errors.NotImplemented,
    errors.RuntimeException,
)

ONNX = Format("onnx", ".onnx", "onnxruntime", EXACT, convert, load)
