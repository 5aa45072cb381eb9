"""SavedModel, for TensorFlow Serving and whatever else runs TensorFlow.

Array contract: see `model.training.exporting.signature`; any batch, under the signature `serving_default`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from model.artifact import Artifact
from model.training.exporting.checks import EXACT, Run
from model.training.exporting.making import Format
from model.training.exporting.signature import OUTPUT, metadata, pixels, pixels_to_probabilities

# Where TensorFlow Serving lets people put files of their own.
EXTRA = "assets.extra"


def convert(network: keras.Model, artifact: Artifact, path: Path) -> None:
    """Write a network as a SavedModel folder, and what is known about it into `assets.extra/metadata.json`.

    Not by `keras.export.ExportArchive`, which writes every variable twice (Keras 3.15.1).

    Args:
        network: the Keras model on TensorFlow, its sides fixed, any batch; takes normalised images.
        artifact: says how to normalise, and what the folder says about itself.
        path: of the folder.
    """
    module = tf.Module()
    module.network = network
    signature = [pixels(artifact, batch=None)]
    module.serve = tf.function(pixels_to_probabilities(network, artifact), input_signature=signature, autograph=False)
    tf.saved_model.save(module, path, signatures=module.serve)
    (path / EXTRA).mkdir()
    text = json.dumps(metadata(artifact), indent=2, ensure_ascii=False)
    (path / EXTRA / "metadata.json").write_text(text + "\n", "utf-8")


def load(path: Path, artifact: Artifact) -> Run:
    """Open a SavedModel folder as TensorFlow Serving does, without Keras.

    Args:
        path: of the folder.
        artifact: not needed; the folder says everything.

    Returns:
        A function from images to probabilities.

    Raises:
        ValueError: TensorFlow cannot read it, or it has no signature `serving_default`.
    """
    try:
        opened = tf.saved_model.load(path)
        signature = opened.signatures["serving_default"]
    except (OSError, KeyError, tf.errors.OpError) as error:
        raise ValueError(f"TensorFlow cannot read it: {error}") from error

    # Its variables live only as long as `opened` does, so the function holds both.
    return partial(_answer, opened, signature)


def _answer(opened, signature, images: np.ndarray) -> np.ndarray:
    return signature(images=tf.constant(images))[OUTPUT].numpy()


SAVED_MODEL = Format("savedmodel", ".savedmodel", "tensorflow", EXACT, convert, load)
