"""How a network runs: which engine, at which precision.

Array contract: see `model.inference.contract`.
"""

from __future__ import annotations

import importlib.util
import logging

from model.artifact import Artifact
from model.inference import contract, processors
from model.inference.contract import Engine, EngineError
from model.inference.openvino_engine import OpenVinoEngine
from model.inference.tensorflow_engine import TensorFlowEngine

NAMES = ("auto", "openvino", "tensorflow")
PRECISIONS = ("auto", *contract.PRECISIONS)

_logger = logging.getLogger(__name__)


def create(
    name: str, artifact: Artifact, *, precision: str = "auto", streams: int = 1, threads: int | None = None
) -> Engine:
    """Make the engine of this name.

    Args:
        name: `"openvino"`, `"tensorflow"`, or `"auto"`: OpenVINO, or else TensorFlow with a warning in the log.
        artifact: the network.
        precision: `"f32"`, `"bf16"`, `"int8"`, or `"auto"`: what this processor does well, see `suited_precision`.
            TensorFlow has `"f32"` only.
        streams: runs of OpenVINO that go on at the same time and share the processors: more answers in all, each later.
        threads: of all of them together, see `OpenVinoEngine`.

    Returns:
        An engine with the network loaded.

    Raises:
        ValueError: no engine or precision has this name.
        EngineError: the engine cannot run this artifact, or not at this precision; the message says what mends it.
        ArtifactError: the Keras file is not the network that the card describes.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown engine {name!r}. Expected one of {', '.join(NAMES)}.")
    if precision not in PRECISIONS:
        raise ValueError(f"Unknown precision {precision!r}. Expected one of {', '.join(PRECISIONS)}.")
    if name == "tensorflow":
        return _tensorflow(artifact, precision)
    try:
        return _openvino(artifact, precision, streams, threads)
    except EngineError as error:
        if name == "openvino" or precision not in ("auto", "f32"):
            raise
        if importlib.util.find_spec("tensorflow") is None:
            raise EngineError(f"{error} TensorFlow, which could run the network instead, is not installed.") from error
        _logger.warning("OpenVINO cannot run the network, TensorFlow does so instead, which is slower: %s", error)
        return TensorFlowEngine(artifact)


def suited_precision(flags: frozenset[str]) -> str:
    """Return what a processor does well: `"bf16"` with AMX, `"int8"` with VNNI, `"f32"` otherwise.

    Args:
        flags: of the processor, as `processors.flags` gives them.
    """
    if {"amx_tile", "amx_bf16"} <= flags:
        return "bf16"
    return "int8" if flags & {"avx512_vnni", "avx_vnni"} else "f32"


def _tensorflow(artifact: Artifact, precision: str) -> TensorFlowEngine:
    if precision not in ("auto", "f32"):
        raise EngineError(
            f"Precision {precision} was asked for with the engine tensorflow. Expected f32, the only one it has: "
            "choose f32, or the engine openvino."
        )
    return TensorFlowEngine(artifact)


def _openvino(artifact: Artifact, precision: str, streams: int, threads: int | None) -> OpenVinoEngine:
    if precision != "auto":
        return OpenVinoEngine(artifact, precision=precision, streams=streams, threads=threads)
    suited = suited_precision(processors.flags())
    if suited == "int8" and not artifact.compiled_path("int8").is_file():
        command = artifact.export_command(artifact.compiled_path("int8"))
        _logger.info("Float32 runs, though this processor is fast with int8: `%s` makes that file.", command)
        suited = "f32"
    try:
        return OpenVinoEngine(artifact, precision=suited, streams=streams, threads=threads)
    except EngineError as error:
        if suited == "f32":
            raise
        engine = OpenVinoEngine(artifact, precision="f32", streams=streams, threads=threads)
        _logger.warning("Float32 runs instead of %s: %s", suited, error)
        return engine
