"""What goes into an exported file and what comes out, and what it says about itself.

Array contract of ONNX, LiteRT and SavedModel alike: `images` uint8 (batch, height, width, 3) RGB of the artifact's
size, as photographs lie in memory; `probabilities` float32 (batch, height, width, categories), of which each pixel's
sum is 1. Normalising is the file's own first step, so nobody has to know the numbers. (OpenVINO files give planes
instead, because serving wants them: see `model.inference.contract`.)
"""

from __future__ import annotations

import json
from collections.abc import Callable

import keras
import tensorflow as tf

from model.artifact import Artifact

INPUT = "images"
OUTPUT = "probabilities"


def pixels_to_probabilities(network: keras.Model, artifact: Artifact) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return a TensorFlow function from pixels to probabilities.

    Args:
        network: takes images as `artifact.normalisation` makes them.
        artifact: says how to normalise.

    Returns:
        A function from `images` to `{"probabilities": ...}`.
    """
    mean, std = artifact.normalisation["mean"], artifact.normalisation["std"]

    def run(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: network((tf.cast(images, tf.float32) - mean) / std, training=False)}

    return run


def pixels(artifact: Artifact, *, batch: int | None) -> tf.TensorSpec:
    """Return the type and shape of `images`: of the artifact's size, and of a fixed batch or any (None)."""
    return tf.TensorSpec((batch, *artifact.size, 3), tf.uint8, name=INPUT)


def metadata(artifact: Artifact) -> dict[str, str]:
    """Return what a file should say to someone who has nothing else: origin, meaning of its channels, terms of use."""
    return {
        "version": artifact.version,
        "keras_sha256": artifact.card["keras_sha256"],
        "categories": ",".join(artifact.names),
        "colors": json.dumps([category["color"] for category in artifact.card["categories"]]),
        "input": "images: uint8 RGB (batch, height, width, 3), normalised inside",
        "output": "probabilities: float32 (batch, height, width, categories)",
        "terms": json.dumps(artifact.card["terms"], ensure_ascii=False),
    }
