"""LiteRT (TensorFlow Lite), for phones and small boards.

Array contract: see `model.training.exporting.signature`; batch 1, since phones look at one picture at a time and most
delegates want fixed shapes.

Through Keras's archive and the converter of TensorFlow, as `keras.Model.export(format="litert")` does it; that one lets
in TensorFlow operations which no phone has, and would leave the input normalised float32. From the traced function, or
from a SavedModel that was not written by Keras, the converter (TensorFlow 2.21) takes no weights, and says nothing.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python.convert_phase import ConverterError

from model.artifact import Artifact
from model.inference import processors
from model.training.exporting.checks import EXACT, ROUNDED, Run
from model.training.exporting.making import Format
from model.training.exporting.signature import INPUT, OUTPUT, metadata, pixels, pixels_to_probabilities

LABELS = "labels.txt"
METADATA = "metadata.json"


def convert(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as a LiteRT file in float32.

    Behind the model lies a ZIP archive with `labels.txt` and `metadata.json`, where Android's metadata readers and
    `zipfile` find them, and which runtimes pass over.

    Args:
        network: the Keras model on TensorFlow, its sides fixed; takes normalised images.
        artifact: says how to normalise, and what the file says about itself.
        path: of the file.

    Raises:
        ValueError: an operation of the network is none of LiteRT's own.
    """
    _convert(network, artifact, path, optimise=False, types=())


def convert_float16(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as `convert` does, its weights rounded to float16: half the bytes, native on phones' GPUs."""
    _convert(network, artifact, path, optimise=True, types=(tf.float16,))


def convert_int8(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as `convert` does, its weights rounded to int8 and activations as they come (dynamic range)."""
    _convert(network, artifact, path, optimise=True, types=())


def load(path: Path, artifact: Artifact) -> Run:
    """Open a LiteRT file in LiteRT's interpreter, on the CPU.

    Args:
        path: of the file.
        artifact: not needed; the file says everything.

    Returns:
        A function from images, which it takes one by one, to probabilities.

    Raises:
        ValueError: LiteRT cannot read it.
    """
    try:
        interpreter = Interpreter(str(path), num_threads=processors.count())
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"LiteRT cannot read it: {error}") from error
    runner = interpreter.get_signature_runner()
    return lambda images: np.stack([runner(**{INPUT: image[np.newaxis]})[OUTPUT][0].copy() for image in images])


def _convert(network: keras.Model, artifact: Artifact, path: Path, *, optimise: bool, types: tuple) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="saved-") as folder:
        archive = keras.export.ExportArchive()
        archive.track(network)
        run = pixels_to_probabilities(network, artifact)
        archive.add_endpoint("serve", run, input_signature=[pixels(artifact, batch=1)])
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if optimise:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = list(types)
        try:
            path.write_bytes(converter.convert())
        except ConverterError as error:
            raise ValueError(f"LiteRT has not all operations of the network: {error}") from error
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LABELS, "".join(f"{name}\n" for name in artifact.names))
        archive.writestr(METADATA, json.dumps(metadata(artifact), indent=2, ensure_ascii=False) + "\n")


LITERT = Format("litert", ".tflite", "ai-edge-litert", EXACT, convert, load)
LITERT_FLOAT16 = Format("litert-float16", ".float16.tflite", "ai-edge-litert", ROUNDED, convert_float16, load)
LITERT_INT8 = Format("litert-int8", ".int8.tflite", "ai-edge-litert", ROUNDED, convert_int8, load)
