"""The end of a network is turned into planes: the same numbers, with less to do."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
from openvino import opset13 as opset

from model.training.exporting.planes import give_planes

SMALL, LARGE = (6, 10), (12, 20)


def logits(count: int, side: tuple[int, int] = SMALL) -> list:
    return [opset.parameter([1, *side, 8], np.float32) for _ in range(count)]


def enlarged(source, size=LARGE, *, mode: str = "linear_onnx", coordinates: str = "half_pixel"):
    return opset.interpolate(source, list(size), mode, "sizes", coordinate_transformation_mode=coordinates, axes=[1, 2])


def mean_of_two():
    members = logits(2)
    total = opset.add(enlarged(members[0]), enlarged(members[1]))
    return members, opset.softmax(opset.divide(total, np.float32(2)), -1)


def mean_of_three():
    members = logits(3)
    total = opset.add(opset.add(*map(enlarged, members[:2])), enlarged(members[2]))
    return members, opset.softmax(opset.multiply(total, np.array([1 / 3], np.float32)), 3)


def of_two_strides():
    members = [*logits(1), *logits(1, (3, 5))]
    return members, opset.softmax(opset.add(*map(enlarged, members)), -1)


def of_two_ways_to_enlarge():
    members = logits(2)
    return members, opset.add(enlarged(members[0]), enlarged(members[1], mode="nearest", coordinates="asymmetric"))


def enlarged_twice():
    members = logits(1)
    return members, opset.softmax(enlarged(enlarged(members[0], (9, 15))), -1)


def without_softmax_or_enlarging():
    members = logits(2)
    return members, opset.add(*members)


def with_an_offset():
    members = logits(1)
    return members, opset.softmax(opset.add(enlarged(members[0]), np.arange(8, dtype=np.float32)), -1)


def enlarged_over_the_categories():
    member = opset.parameter([1, *SMALL, 4], np.float32)
    return [member], opset.softmax(opset.interpolate(member, [8], "linear_onnx", "sizes", axes=[3]), -1)


def answer(model, inputs: list[np.ndarray]) -> np.ndarray:
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    return next(iter(openvino.compile_model(model, "CPU", exact)(inputs).values()))


def kinds(model) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


@pytest.mark.parametrize(
    ("build", "enlargements"),
    [
        (mean_of_two, 1),
        (mean_of_three, 1),
        (of_two_strides, 2),
        (of_two_ways_to_enlarge, 2),
        (enlarged_twice, 2),
        (without_softmax_or_enlarging, 0),
        (with_an_offset, 1),
        (enlarged_over_the_categories, 1),
    ],
)
def test_planes_are_the_answer_turned(build, enlargements):
    members, last = build()
    random = np.random.default_rng(1)
    inputs = [random.normal(0, 3, list(member.get_output_shape(0))).astype(np.float32) for member in members]
    expected = answer(openvino.Model([last], members), inputs)
    model = give_planes(openvino.Model([last], members))
    np.testing.assert_allclose(answer(model, inputs), expected.transpose(0, 3, 1, 2), atol=1e-5)
    assert kinds(model).count("Interpolate") == enlargements
    assert model.output(0).get_shape() == openvino.Shape(list(expected.transpose(0, 3, 1, 2).shape))


@pytest.mark.parametrize("build", [mean_of_two, mean_of_three])
def test_an_ensemble_is_turned_while_it_is_small(build):
    members, last = build()
    model = give_planes(openvino.Model([last], members))
    turned = [node for node in model.get_ordered_ops() if node.get_type_name() == "Transpose"]
    assert [list(node.get_output_shape(0)) for node in turned] == [[1, 8, *SMALL]] * len(members)
    assert kinds(model)[-3:-1] == ["Interpolate", "Softmax"]
