"""Which layers of a quantised network do the damage.

Array contract: `image` uint8 (height, width, 3) RGB of the network's size; see `model.inference.contract`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import openvino
from openvino import opset13 as opset
from tqdm import tqdm

from model.inference import signal_stack
from model.training.exporting.conversion import convolutions

# Each costs time: its arithmetic, and the way from int8 to float32 and back.
MOST_LAYERS = 2
# Of the damage that is left. A layer that does less is not worth its time.
LEAST_SHARE = 0.1
# Layers whose release helps most are within a few per cent of each other, and biases are corrected otherwise once one
# is left out. So the first few are tried in earnest.
CANDIDATES = 3
# NNCF quantises what goes into these, not what comes out.
_PASSING = ("Concat", "Interpolate", "Transpose")


class Trial:
    """A float32 network, what it says on a few images, and a way to quantise it.

    Args:
        exact: the OpenVINO model.
        images: to measure the damage on.
        quantise: makes a copy with `FakeQuantize` operations, its convolutions under the same names, of which the
            given ones stay in float32.
    """

    def __init__(
        self,
        exact: openvino.Model,
        images: Sequence[np.ndarray],
        quantise: Callable[[tuple[str, ...]], openvino.Model],
    ) -> None:
        self._originals = {node.get_friendly_name(): node for node in convolutions(exact)}
        self._quantise = quantise
        self._images = images
        self._truths = list(_answers(exact, images))

    def damage(self, model: openvino.Model) -> float:
        """Return the mean difference of a model's probabilities from float32's, 0 to 1."""
        answers = _answers(model, self._images)
        return float(np.mean([np.abs(one - other).mean() for one, other in zip(answers, self._truths, strict=True)]))

    def sensitive_layers(self, most: int = MOST_LAYERS) -> tuple[str, ...]:
        """Name the layers that do most of the damage, greedily, the worst first: none, or up to `most`."""
        model = self._quantise(())
        candidates, left = self._ranked(model)[:CANDIDATES], self.damage(model)
        chosen: tuple[str, ...] = ()
        while len(chosen) < most and candidates:
            trials = {name: self.damage(self._quantise((*chosen, name))) for name in candidates}
            best, *others = sorted(candidates, key=trials.get)
            if trials[best] > (1 - LEAST_SHARE) * left:
                break
            chosen, left, candidates = (*chosen, best), trials[best], others
        return chosen

    def _ranked(self, quantised: openvino.Model) -> list[str]:
        """List the layers by how much it helps to release one without quantising anew, the most helpful first."""
        progress = tqdm(self._originals, unit="layer", disable=not sys.stderr.isatty())
        damages = {name: self.damage(self._loosened(quantised, name)) for name in progress}
        return sorted(damages, key=damages.get)

    def _loosened(self, quantised: openvino.Model, name: str) -> openvino.Model:
        """Return a copy of the quantised model in which a layer has float32 inputs and its own bias.

        Its weights stay rounded. Later biases were corrected for that, and on the shipped network the order is then
        that of quantising anew; with float32 weights it is not.
        """
        copy, original = quantised.clone(), self._originals[name]
        node = next(node for node in convolutions(copy) if node.get_friendly_name() == name)
        _release(node.input(0))
        if _bias(original) is not None and _bias(node) is not None:
            _copy_constant(_bias(original), _bias(node))
        return copy


def _answers(model: openvino.Model, images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Run a model and yield its planes, one copy after the other."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    with signal_stack.kept():
        request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    for image in images:
        request.infer([image[np.newaxis]])
        yield request.get_output_tensor(0).data[0].copy()


def _release(port) -> None:
    """Take the quantisation away from what goes into a port."""
    source = port.get_source_output().get_node()
    if source.get_type_name() == "FakeQuantize":
        port.replace_source_output(source.input_value(0))
    elif source.get_type_name() in _PASSING:
        for inner in source.inputs():
            _release(inner)


def _bias(node):
    """Return the port through which a convolution's bias comes in, None where it has none."""
    for port in node.output(0).get_target_inputs():
        add = port.get_node()
        if add.get_type_name() == "Add" and add.input_value(1).get_node().get_type_name() == "Constant":
            return add.input(1)
    return None


def _copy_constant(source, target) -> None:
    constant = source.get_source_output().get_node()
    if constant.get_type_name() == "Constant":
        target.replace_source_output(opset.constant(constant.data).output(0))
