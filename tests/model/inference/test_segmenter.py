from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import artifact as artifacts
from model import preprocessing
from model.artifact import Artifact
from model.inference import familiarity, images, processors, segmenter
from model.inference.familiarity import Familiarity
from model.inference.segmenter import Segmenter

ROOT = Path(__file__).resolve().parents[3]


class TableEngine:
    """Answers with given probabilities and remembers what it was asked."""

    name = "table"
    precision = "f32"

    def __init__(self, probabilities: np.ndarray) -> None:
        self.answer = _planes(probabilities)
        self.asked: np.ndarray | None = None

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        self.asked = image
        yield self.answer


def _probabilities(size: tuple[int, int], seed: int = 5) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 3, (*size, 8)).astype(np.float32)
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def _planes(probabilities: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(probabilities.transpose(2, 0, 1), np.float32)


def _segmenter(probabilities: np.ndarray) -> Segmenter:
    card = artifacts.describe(size=probabilities.shape[:2], mean=100.0, std=50.0)
    return Segmenter(
        Artifact(Path("nowhere"), card | {"name": "table", "keras_sha256": "ab" * 32}), TableEngine(probabilities)
    )


def test_void_never_takes_the_best_of_the_seven_with_its_probability():
    probabilities = np.zeros((2, 2, 8), np.float32)
    probabilities[..., 0] = 0.6
    probabilities[..., 4] = 0.4
    image = np.zeros((2, 2, 3), np.uint8)
    shown = _segmenter(probabilities).segment(image)
    never = _segmenter(probabilities).segment(image, void="never")
    assert (shown.labels == 0).all()
    assert (shown.confidence == 153).all()
    assert (never.labels == 4).all()
    assert (never.confidence == 102).all()


def test_the_answer_has_the_image_s_size_unless_asked_otherwise():
    network = _segmenter(_probabilities((16, 24)))
    image = np.zeros((50, 30, 3), np.uint8)
    assert network.segment(image).size == (50, 30)
    assert network.segment(image).labels.shape == (50, 30)
    assert network.segment(image, size=(16, 24)).labels.shape == (16, 24)
    assert network.segment(image, size=(3, 200)).confidence.shape == (3, 200)


def test_an_upright_photograph_is_answered_from_its_part_of_the_frame():
    probabilities = np.zeros((16, 32, 8), np.float32)
    probabilities[..., 1] = 1
    # 3:4 lies in 18 columns of 32; outside, where the photograph is mirrored, the network says sky.
    probabilities[:, :7], probabilities[:, 25:] = np.eye(8)[5], np.eye(8)[5]
    network = _segmenter(probabilities)
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    assert (network.segment(image).labels == 1).all()
    assert network.segment(image).labels.shape == (64, 48)
    with network.planes(image) as planes:
        assert planes.shape == (8, 16, 18)
        assert planes.flags.c_contiguous
    np.testing.assert_array_equal(network.engine.asked, preprocessing.fit_image(image, (16, 32)))


def test_the_network_sees_the_resized_image():
    network = _segmenter(_probabilities((16, 24)))
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    network.segment(image)
    asked = network.engine.asked
    assert asked.dtype == np.uint8
    assert np.array_equal(asked, preprocessing.resize_image(image, (16, 24)))


def test_confidence_is_given_only_when_asked_for():
    network = _segmenter(_probabilities((16, 24)))
    image = np.zeros((50, 30, 3), np.uint8)
    without = network.segment(image, confidence=False)
    assert without.confidence is None
    assert np.array_equal(without.labels, network.segment(image).labels)


def test_the_segmentation_says_version_and_timings():
    network = _segmenter(_probabilities((16, 24)))
    result = network.segment(np.zeros((4, 4, 3), np.uint8))
    assert result.version == network.version == "table-abababababab"
    assert set(result.timings) == {"resize", "network", "labels"}
    assert all(value > 0 for value in result.timings.values())


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((4, 4), np.uint8), {}, "uint8"),
        (np.zeros((4, 4, 4), np.uint8), {}, "uint8"),
        (np.zeros((4, 4, 3), np.float32), {}, "float32"),
        (np.zeros((0, 4, 3), np.uint8), {}, "0, 4, 3"),
        (np.zeros((4, 4, 3), np.uint8), {"void": "sometimes"}, "sometimes"),
        (np.zeros((4, 4, 3), np.uint8), {"size": (0, 4)}, "at least 1"),
    ],
)
def test_what_cannot_be_segmented_is_refused(image, options, message):
    with pytest.raises(ValueError, match=message):
        _segmenter(_probabilities((16, 24))).segment(image, **options)


def test_warm_up_runs_one_generated_image():
    network = _segmenter(_probabilities((16, 24)))
    assert network.warm_up() > 0
    assert network.engine.asked.shape == (16, 24, 3)
    assert network.engine.asked.std() > 10


def test_load_gives_a_network_that_segments(tiny_artifact):
    network = segmenter.load(tiny_artifact.folder, engine="openvino")
    result = network.segment(segmenter.warm_up_image((70, 90)))
    assert network.engine.name == "openvino"
    assert result.version == tiny_artifact.version
    assert len(np.unique(result.labels)) > 1


@pytest.mark.parametrize(
    ("network", "expected"), [({}, 6), ({"streams": 3}, 2), ({"streams": 6}, 1), ({"threads": 1}, 1)]
)
def test_opencv_has_as_many_threads_as_one_stream(tiny_artifact, network, expected, monkeypatch):
    before = cv2.getNumThreads()
    try:
        monkeypatch.setattr(processors, "count", lambda: 6)
        segmenter.load(tiny_artifact.folder, engine="openvino", **network)
        assert cv2.getNumThreads() == expected
    finally:
        cv2.setNumThreads(before)


def test_load_of_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(artifacts.ArtifactError, match=r"card\.json"):
        segmenter.load(tmp_path)


def test_threads_get_the_answers_they_would_get_alone(tiny_artifact):
    network = segmenter.load(tiny_artifact.folder, engine="openvino")
    random = np.random.default_rng(9)
    pictures = [random.integers(0, 256, (60 + number, 80, 3), np.uint8) for number in range(16)]
    alone = [network.segment(picture).labels for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: network.segment(picture).labels, pictures * 4))
    assert all(np.array_equal(labels, alone[index % 16]) for index, labels in enumerate(together))


def test_a_real_photograph_goes_all_the_way(tiny_artifact, photographs):
    network = segmenter.load(tiny_artifact.folder, engine="openvino")
    result = network.segment(images.decode(photographs[0].read_bytes()))
    assert result.labels.shape == (1024, 2048)


def test_serving_imports_no_training_framework(tiny_artifact):
    script = (
        "import json, sys\n"
        "from model.inference import engines, images, render, segmenter\n"
        "network = segmenter.load(sys.argv[1], engine='openvino')\n"
        "network.warm_up()\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    command = [sys.executable, "-c", script, str(tiny_artifact.folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    loaded = set(json.loads(run.stdout))
    assert "openvino" in loaded
    assert not loaded & {"tensorflow", "keras", "torch", "jax", "nncf", "flask", "app"}


def test_a_segmentation_says_how_familiar_its_photograph_is():
    network = _segmenter(_probabilities((16, 32)))
    image = np.zeros((32, 64, 3), np.uint8)
    assert network.segment(image).familiarity is None
    weights = np.zeros(familiarity.LENGTH)
    weights[-1] = 1
    known = Familiarity(weights, 0.0, np.array([0.0, 1.0]))
    taught = Artifact(Path("nowhere"), network.artifact.card | {"familiarity": known.as_dict()})
    found = Segmenter(taught, network.engine).segment(image, void="never", size=(4, 4), confidence=False)
    # Of the network's own probabilities, whatever is asked of the answer.
    assert found.familiarity == round(known.of(network.engine.answer), 3)
    assert 0 < found.familiarity < 1
