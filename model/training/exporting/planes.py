"""The end of a network, turned so that it gives planes: what is linear is done while there is little to do it on.

Array contract: logits float32 (1, height, width, categories) as TensorFlow has them; planes float32 (1, categories,
height, width) as `model.inference.contract` wants them.

As Keras has it, an ensemble enlarges the logits of each member, adds them up, and turns the sum into planes: with two
members a quarter of the network's time in int8 (60 ms, 43 without). Enlarging and adding are linear, so that the sum of
the small ones, enlarged, is the same, and there is a quarter as much to turn.
"""

from __future__ import annotations

import numpy as np
from openvino import Node, Output
from openvino import opset13 as opset

_TO_PLANES = (0, 3, 1, 2)
_ROWS_AND_COLUMNS = [1, 2]


def give_planes(model):
    """Change a model of one result, (1, height, width, categories), so that it gives planes; return it.

    They are turned before the softmax, not after it: eight neighbouring numbers at a time leave the processor's vectors
    half empty, and the softmax is then a sixth of a network's time (a quarter in bfloat16).
    """
    result = model.get_results()[0]
    last = result.input_value(0).get_node()
    pixelwise = last.get_type_name() == "Softmax" and last.get_axis() in (-1, 3)
    planes = _enlarged(*_turned(last.input_value(0) if pixelwise else result.input_value(0)))
    result.input(0).replace_source_output(opset.softmax(planes, 1).output(0) if pixelwise else planes)
    model.validate_nodes_and_infer_types()
    return model


def _turned(source: Output) -> tuple[Output, Node | None]:
    """Return planes that give `source` once they are enlarged, and the node that says how: None for not at all."""
    node = source.get_node()
    kind = node.get_type_name()
    if kind == "Interpolate" and _axes(node) == _ROWS_AND_COLUMNS:
        return _enlarged(*_turned(node.input_value(0))), node
    if kind == "Add" and node.input_value(0).get_partial_shape() == node.input_value(1).get_partial_shape():
        (first, enlarging), (second, other) = _turned(node.input_value(0)), _turned(node.input_value(1))
        if _alike(enlarging, other) and first.get_partial_shape() == second.get_partial_shape():
            return opset.add(first, second).output(0), enlarging
        return opset.add(_enlarged(first, enlarging), _enlarged(second, other)).output(0), None
    if kind in ("Multiply", "Divide") and _number(node.input_value(1)) is not None:
        planes, enlarging = _turned(node.input_value(0))
        by = opset.constant(_number(node.input_value(1)))
        return (opset.multiply(planes, by) if kind == "Multiply" else opset.divide(planes, by)).output(0), enlarging
    return opset.transpose(source, np.array(_TO_PLANES)).output(0), None


def _enlarged(planes: Output, enlarging: Node | None) -> Output:
    if enlarging is None:
        return planes
    asked = enlarging.get_attributes()
    sizes = enlarging.input_value(1)
    return opset.interpolate(
        planes,
        sizes,
        asked["mode"],
        asked["shape_calculation_mode"],
        asked["pads_begin"],
        asked["pads_end"],
        asked["coordinate_transformation_mode"],
        asked["nearest_mode"],
        asked["antialias"],
        asked["cube_coeff"],
        np.array([_TO_PLANES.index(axis) for axis in _ROWS_AND_COLUMNS]),
    ).output(0)


def _alike(first: Node | None, second: Node | None) -> bool:
    """Tell whether both enlarge in the same way what is as large before and after it."""
    if first is None or second is None:
        return first is second
    return first.get_attributes() == second.get_attributes()


def _axes(interpolate: Node) -> list[int]:
    return _values(interpolate.input_value(2)).tolist() if len(interpolate.input_values()) > 2 else []


def _number(source: Output) -> np.ndarray | None:
    """Return the one number that a constant holds; None where it is no constant, or holds several."""
    found = _values(source)
    return found.reshape(()) if found.size == 1 else None


def _values(source: Output) -> np.ndarray:
    node = source.get_node()
    return np.asarray(node.data) if node.get_type_name() == "Constant" else np.empty(0)
