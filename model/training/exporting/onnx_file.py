"""ONNX, for ONNX Runtime and all that reads it (TensorRT, DirectML, browsers).

Array contract: see `model.training.exporting.signature`; any batch.

tf2onnx and not `keras.Model.export(format="onnx")`, which goes through tf2onnx as well, but names neither the input nor
the output and fixes normalised float32 as the input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from model.artifact import Artifact
from model.training.exporting.checks import EXACT, Run
from model.training.exporting.making import Format
from model.training.exporting.signature import INPUT, OUTPUT, metadata, pixels, pixels_to_probabilities

LARGE = 1 << 22
"""A weight of so many numbers or more goes round tf2onnx, which writes all of them again at each of its passes: with
FCN-8s, whose largest has 103 million, it grew past 20 GB, and stays below 9 GB without."""

OPSET = 17
"""Read by ONNX Runtime from 1.12 on, and by TensorRT from 8.6 on."""


def convert(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as an ONNX file, with its category names, origin and terms in the file's metadata.

    Args:
        network: the Keras model on TensorFlow, its sides fixed, any batch; takes normalised images.
        artifact: says how to normalise, and what the file says about itself.
        path: of the file.

    Raises:
        ValueError: tf2onnx does not know one of the network's operations.
    """
    large = [weight for weight in network.weights if math.prod(weight.shape) >= LARGE]
    answer = pixels_to_probabilities(network, artifact)

    def answer_with(images: tf.Tensor, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        with keras.StatelessScope(state_mapping=list(zip(large, values, strict=True))):
            return answer(images)

    signature = [pixels(artifact, batch=None)]
    signature += [tf.TensorSpec(weight.shape, tf.float32, f"weight_{i}") for i, weight in enumerate(large)]
    function = tf.function(answer_with, input_signature=signature, autograph=False)
    model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    _put_inside(model, [keras.ops.convert_to_numpy(weight) for weight in large])
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.doc_string = f"{artifact.version}, by streetseg"
    onnx.helper.set_model_props(model, metadata(artifact))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _put_inside(model: onnx.ModelProto, weights: Sequence[np.ndarray]) -> None:
    """Turn the inputs that stand for weights into weights, transposed already where the graph would do so."""
    graph = model.graph
    inputs = list(graph.input)[1:]
    for port, weight in zip(inputs, weights, strict=True):
        graph.input.remove(port)
        turning = [node for node in graph.node if port.name in node.input and node.op_type == "Transpose"]
        for node in turning:
            order = next(each.ints for each in node.attribute if each.name == "perm")
            turned = np.ascontiguousarray(weight.transpose(order))
            graph.initializer.append(onnx.numpy_helper.from_array(turned, node.output[0]))
            graph.node.remove(node)
        if any(port.name in node.input for node in graph.node):
            graph.initializer.append(onnx.numpy_helper.from_array(weight, port.name))


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
