"""OpenVINO on a compiled file, on the CPU.

Array contract: see `model.inference.contract`. A compiled file takes uint8 (1, height, width, 3) and gives float32
(1, categories, height, width): what goes in and out is never copied, turned or converted on our side.
"""

from __future__ import annotations

import importlib.util
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from model import categories
from model.artifact import Artifact
from model.inference import processors, signal_stack
from model.inference.contract import EngineError, check_image, check_images

SHA256_PATH = ["streetseg", "keras_sha256"]
"""Where a compiled file's run-time information holds the SHA-256 of the Keras file it was made from."""


class OpenVinoEngine:
    """Runs a compiled file with OpenVINO on the CPU.

    Args:
        artifact: the network.
        precision: `"f32"`, which gives Keras's own labels; `"bf16"`, the same file with the convolutions in bfloat16;
            or `"int8"`, a file of its own.
        threads: of all runs together; None for as many as this process may use.
        streams: runs that go on at the same time and share the threads.

    Attributes:
        threads: that OpenVINO took.

    Raises:
        ValueError: no precision has this name.
        EngineError: the compiled file is missing, damaged, was made from another network or bears no other size, or
            the processor has no arithmetic of this precision.
    """

    name = "openvino"

    def __init__(
        self, artifact: Artifact, *, precision: str = "f32", threads: int | None = None, streams: int = 1
    ) -> None:
        if importlib.util.find_spec("openvino") is None:
            raise EngineError("OpenVINO is not installed. Expected the openvino package: run `pip install openvino`.")
        import openvino

        core = openvino.Core()
        model = _read(core, artifact, artifact.compiled_path(precision))
        if artifact.size != artifact.exported_size:
            _resize(model, artifact, artifact.compiled_path(precision))
        threads = threads or processors.count()
        options = {
            "INFERENCE_PRECISION_HINT": _ARITHMETIC[precision],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
        }
        if threads < (os.cpu_count() or 1):
            # OpenVINO binds its threads to processors, from the first one on. Where it does not take all of them there
            # may be others like it beside it, actors or containers, which would all sit on the first.
            options["ENABLE_CPU_PINNING"] = False
        self._compiled = _compile(core, model, options, precision)
        self._tensor = openvino.Tensor
        self._size = artifact.size
        # A request holds one run's tensors, so each thread takes one of its own, and puts it back for the next.
        self._idle_requests: deque = deque()
        self.precision = precision
        self.threads = self._compiled.get_property("INFERENCE_NUM_THREADS")

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """See `Engine.planes`."""
        check_image(image, self._size)
        # OpenVINO reads the array where it lies, and takes none that is read-only.
        images = np.require(image, requirements="CW")[np.newaxis]
        try:
            request = self._idle_requests.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            request.set_input_tensor(self._tensor(images, shared_memory=True))
            request.start_async()
            request.wait()
            yield request.get_output_tensor(0).data[0]
        finally:
            self._idle_requests.append(request)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """See `Engine.probabilities`."""
        check_images(images, self._size)
        answer = np.empty((*images.shape[:3], categories.COUNT), np.float32)
        for image, place in zip(images, answer, strict=True):
            with self.planes(image) as planes:
                place[:] = planes.transpose(1, 2, 0)
        return answer


# Of what a file does not bind to a type: an int8 file names its int8 layers itself.
_ARITHMETIC = {"f32": "f32", "bf16": "bf16", "int8": "f32"}


def _read(core, artifact: Artifact, path: Path):
    """Read a compiled file, and refuse one that does not belong to the Keras file."""
    mend = f"Make it with `{artifact.export_command(path)}`."
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
    _check_signature(model, artifact, path, mend)
    return model


def _check_signature(model, artifact: Artifact, path: Path, mend: str) -> None:
    height, width = artifact.exported_size
    expected = (f"u8 [1,{height},{width},3]", f"f32 [1,{categories.COUNT},{height},{width}]")
    received = tuple(
        f"{port.get_element_type().get_type_name()} {port.get_partial_shape()}"
        for port in (model.input(0), model.output(0))
    )
    if received != expected:
        raise EngineError(
            f"{path} maps {received[0]} to {received[1]}. Expected {expected[0]} to {expected[1]}, as its card says: "
            f"another size, or a file of an earlier streetseg. {mend}"
        )


def _resize(model, artifact: Artifact, path: Path) -> None:
    """Bring a network, as it was read, from the size of its file to that of the artifact."""
    from openvino import PartialShape
    from openvino import opset13 as opset

    for node in model.get_ordered_ops():
        if node.get_type_name() == "Interpolate" and node.get_attributes()["shape_calculation_mode"] == "sizes":
            # Compiled files hold the size of each enlargement as a number, though the graph as such bears any.
            old = node.input_value(1).get_node().data
            sides = zip(old, artifact.size, artifact.exported_size, strict=True)
            new = [round(int(side) * wanted / exported) for side, wanted, exported in sides]
            node.input(1).replace_source_output(opset.constant(np.array(new, old.dtype)).output(0))
    model.get_parameters()[0].set_partial_shape(PartialShape([1, *artifact.size, 3]))
    try:
        model.validate_nodes_and_infer_types()
    except RuntimeError as error:
        raise EngineError(
            f"{path} does not bear the input size {artifact.size[1]}x{artifact.size[0]}. Expected a network that "
            "does: choose the engine tensorflow, or leave out the size."
        ) from error


def _compile(core, model, options: dict, precision: str):
    try:
        with signal_stack.kept():
            compiled = core.compile_model(model, "CPU", options)
    except RuntimeError as error:
        raise EngineError(f"OpenVINO cannot compile the network: {error}") from error
    # Asked for bfloat16 on a processor without AVX-512, OpenVINO takes float32 and does not say so. With AVX-512 alone
    # it converts around float32 arithmetic: right, but no faster.
    taken = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if taken != options["INFERENCE_PRECISION_HINT"]:
        raise EngineError(
            f"Precision {precision} was asked for, and OpenVINO takes {taken} on this processor. Expected a processor "
            "with bfloat16 (the flags amx_bf16 or avx512_bf16 in /proc/cpuinfo): choose f32, int8 or auto."
        )
    return compiled
