"""`python -m model export`: `unet.keras` becomes the file that serving runs without TensorFlow, once it was checked.

Array contract: see `model.inference.contract`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from model.artifact import Artifact
from model.data import synthetic
from model.inference.contract import Engine
from model.inference.openvino_engine import OpenVinoEngine
from model.inference.segmenter import Segmenter
from model.inference.tensorflow_engine import TensorFlowEngine
from model.training.conversion import convert

# Float32 in another order of additions; a wrong layer or a lost weight is off by far more.
TOLERANCE = 1e-3


def export(artifact: Artifact) -> float:
    """Compile the Keras network for OpenVINO, at the card's size and batch 1, and put it beside `unet.keras`.

    Args:
        artifact: its `openvino_path` is replaced once the new file has given the same probabilities as Keras.

    Returns:
        The largest difference of a probability on a generated street scene, in float32.

    Raises:
        ValueError: Keras does not run on TensorFlow, `unet.keras` is not the card's, or the compiled network differs.
    """
    reference = TensorFlowEngine(artifact)
    with tempfile.TemporaryDirectory(dir=artifact.folder, prefix="export-") as folder:
        compiled = Artifact(Path(folder), artifact.card)
        convert(reference.network, artifact, compiled.openvino_path)
        difference = _difference(reference, OpenVinoEngine(compiled, precision="f32"), artifact)
        if difference > TOLERANCE:
            raise ValueError(
                f"The compiled network's probabilities differ from Keras's by up to {difference:.2g}. Expected at most "
                f"{TOLERANCE:g}: this OpenVINO misreads the network. {artifact.openvino_path} was left as it was."
            )
        put_in_place(compiled.openvino_path, artifact.openvino_path)
    return difference


def put_in_place(made: Path, path: Path) -> None:
    """Replace a compiled file, both halves of it, by one that was just made on the same file system."""
    # The graph names its weights' offsets, so the weights must be there before it.
    for suffix in (".bin", ".xml"):
        os.replace(made.with_suffix(suffix), path.with_suffix(suffix))


def _difference(one: Engine, other: Engine, artifact: Artifact) -> float:
    image, _ = synthetic.scene(0)
    with Segmenter(artifact, one).planes(image) as first, Segmenter(artifact, other).planes(image) as second:
        return float(np.abs(first - second).max())
