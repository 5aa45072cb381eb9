"""Several views of a photograph: what is averaged, and that a network at another size is still that network."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from model import artifact
from model.data import synthetic
from model.inference import segmenter
from model.inference.contract import EngineError
from model.training.evaluation.views import Views, resized


class Brightness:
    """An engine that calls the left half of any photograph flat, as sure as the photograph is bright."""

    name = "brightness"
    precision = "f32"

    @contextmanager
    def planes(self, image):
        planes = np.zeros((8, *image.shape[:2]), np.float32)
        planes[1, :, : image.shape[1] // 2] = image[:, : image.shape[1] // 2].mean() / 255
        yield planes


@pytest.fixture
def left() -> segmenter.Segmenter:
    card = artifact.describe(size=(64, 128), mean=127.5, std=127.5) | {"name": "left", "keras_sha256": "0" * 64}
    return segmenter.Segmenter(artifact.Artifact(Path(), card), Brightness())


@pytest.fixture(scope="module")
def shipped() -> segmenter.Segmenter:
    return segmenter.load(engine="openvino", precision="f32")


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    return synthetic.scene(5, size=(512, 1024))[0]


def test_the_mirrored_view_is_turned_back_and_averaged(left):
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, :64], image[:, 64:] = 255, 51
    with Views(left, flip=True).planes(image) as planes:
        # Left: seen as it is, 1; right: seen in the mirror, 51/255. Each is the mean with a view that says nothing.
        np.testing.assert_allclose(planes[1, :, :64], 0.5)
        np.testing.assert_allclose(planes[1, :, 64:], 0.1)
        assert planes.flags.c_contiguous


def test_with_flip_a_mirrored_photograph_has_the_mirrored_answer(shipped, street):
    views = Views(shipped, flip=True)
    with views.planes(street) as planes:
        straight = planes.copy()
    with views.planes(np.ascontiguousarray(street[:, ::-1])) as planes:
        np.testing.assert_allclose(planes[:, :, ::-1], straight, atol=1e-5)
    with shipped.planes(street) as alone:
        assert np.abs(alone - straight).max() > 0.05


def test_one_view_is_the_network_itself(shipped, street):
    with Views(shipped).planes(street) as planes, shipped.planes(street) as alone:
        np.testing.assert_array_equal(planes, alone)


def test_scales_are_averaged_at_the_largest(shipped, street):
    # To whole multiples of 64, of which its own size is 18 and 9.
    views = Views(shipped, scales=(0.5, 1, 1.1))
    assert views.sizes == ((256, 576), (576, 1152), (640, 1280))
    with views.planes(street) as planes:
        assert planes.shape == (8, 640, 1280)
        np.testing.assert_allclose(planes.sum(axis=0), 1, atol=1e-4)


def test_a_compiled_file_at_another_size_is_the_network_at_that_size(shipped, street):
    size = (192, 384)
    keras, int8 = segmenter.load(engine="tensorflow"), segmenter.load(engine="openvino", precision="int8")
    answers = []
    for network in (keras, shipped, int8):
        with resized(network, size).planes(street) as planes:
            assert planes.shape == (8, *size)
            answers.append(planes.copy())
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-3)
    labels = [planes.argmax(axis=0) for planes in answers]
    assert (labels[2] == labels[0]).mean() > 0.96


@pytest.mark.parametrize(
    ("scales", "expected"),
    [((), "none"), ((1, 1.01), "several come to one size"), ((0.1,), "a scale of 0.1"), ((float("nan"),), "of nan")],
)
def test_scales_that_make_no_sense_are_refused(shipped, scales, expected):
    with pytest.raises(ValueError, match=expected):
        Views(shipped, scales=scales)


def test_an_engine_of_one_size_is_told(left):
    with pytest.raises(EngineError, match="brightness has one size"):
        Views(left, scales=(0.5,))
