"""OpenVINO, which serving runs without TensorFlow: the float file, in float32 and in bfloat16, and the int8 file.

Array contract: see `model.inference.contract`.
"""

from __future__ import annotations

from pathlib import Path

from model.artifact import Artifact
from model.inference.openvino_engine import OpenVinoEngine
from model.training.exporting.checks import EXACT, ROUNDED, Reference, Run
from model.training.exporting.conversion import convert
from model.training.exporting.making import Format, make


def export(artifact: Artifact) -> float:
    """Compile the Keras network for OpenVINO, at the card's size and batch 1, and put it beside the Keras file.

    Args:
        artifact: its `openvino_path` is replaced once the new file has given the same probabilities as Keras.

    Returns:
        The largest difference of a probability on generated street scenes, in float32.

    Raises:
        ValueError: Keras does not run on TensorFlow, its file is not the card's, or the compiled network differs.
    """
    return make(OPENVINO, Reference(artifact)).agreement.difference


def load_float32(path: Path, artifact: Artifact) -> Run:
    """Open a compiled file, in float32 and as serving does; raises a `ValueError` where it cannot."""
    return _load(path, artifact, "f32")


def load_bfloat16(path: Path, artifact: Artifact) -> Run:
    """Open a compiled file as `load_float32` does, in bfloat16; raises where the processor has no such arithmetic."""
    return _load(path, artifact, "bf16")


def load_int8(path: Path, artifact: Artifact) -> Run:
    """Open a compiled int8 file as `load_float32` does."""
    return _load(path, artifact, "int8")


def _load(path: Path, artifact: Artifact, precision: str) -> Run:
    return OpenVinoEngine(Artifact(path.parent, artifact.card), precision=precision).probabilities


OPENVINO = Format("openvino", ".openvino.xml", "openvino", EXACT, convert, load_float32)
BFLOAT16 = Format("bfloat16", ".openvino.xml", "openvino", ROUNDED, convert, load_bfloat16)
"""The same file: bfloat16 is arithmetic on it, not another one."""
