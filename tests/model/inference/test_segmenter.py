from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import artifact as artifacts
from model import preprocessing
from model.artifact import Artifact
from model.inference import images, segmenter
from model.inference.segmenter import Segmenter, choose

ROOT = Path(__file__).resolve().parents[3]


class TableEngine:
    """Answers with given probabilities and remembers what it was asked."""

    name = "table"
    precision = "f32"

    def __init__(self, probabilities: np.ndarray) -> None:
        self.answer = probabilities[np.newaxis].astype(np.float32)
        self.asked: np.ndarray | None = None

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        self.asked = images
        return self.answer


def _probabilities(size: tuple[int, int], seed: int = 5) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 3, (*size, 8)).astype(np.float32)
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def _bilinear(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolate the plain way: float64, whole picture, by the definition with pixel centres at half numbers."""

    def places(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        low = np.floor(place).astype(int)
        return low, np.minimum(low + 1, source - 1), place - low

    low, high, weight = places(probabilities.shape[0], size[0])
    weight = weight[:, np.newaxis, np.newaxis]
    rows = probabilities[low] * (1 - weight) + probabilities[high] * weight
    low, high, weight = places(probabilities.shape[1], size[1])
    weight = weight[np.newaxis, :, np.newaxis]
    return rows[:, low] * (1 - weight) + rows[:, high] * weight


def _segmenter(probabilities: np.ndarray) -> Segmenter:
    card = artifacts.describe(size=probabilities.shape[:2], mean=100.0, std=50.0)
    return Segmenter(
        Artifact(Path("nowhere"), card | {"name": "table", "keras_sha256": "ab" * 32}), TableEngine(probabilities)
    )


SIZES = [(16, 24), (32, 48), (37, 101), (160, 24), (16, 240), (1, 1), (7, 5), (5, 300), (300, 5)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [0, 1])
def test_choose_agrees_with_the_plain_definition(size, first):
    probabilities = _probabilities((16, 24))
    full = _bilinear(probabilities.astype(np.float64), size)[..., first:]
    labels, confidence = choose(probabilities, size, first=first)
    ordered = np.sort(full, axis=-1)
    clear = ordered[..., -1] - ordered[..., -2] > 1e-5
    assert clear.mean() > 0.99
    assert np.array_equal(labels[clear], full.argmax(-1)[clear] + first)
    assert np.abs(confidence - 255 * full.max(-1)).max() <= 0.5 + 1e-3
    assert labels.dtype == confidence.dtype == np.uint8


def test_choose_agrees_with_opencv_on_the_whole_picture():
    probabilities = _probabilities((32, 64))
    full = cv2.resize(probabilities, (512, 256), interpolation=cv2.INTER_LINEAR)
    labels, _ = choose(probabilities, (256, 512))
    assert (labels == full.argmax(-1)).mean() > 0.9999


@pytest.mark.parametrize("strip_pixels", [1, 700, 5_000])
def test_no_pixel_depends_on_where_strips_begin(strip_pixels, monkeypatch):
    probabilities = _probabilities((16, 24))
    monkeypatch.setattr(segmenter, "STRIP_PIXELS", 1 << 30)
    whole = choose(probabilities, (131, 97))
    monkeypatch.setattr(segmenter, "STRIP_PIXELS", strip_pixels)
    strips = choose(probabilities, (131, 97))
    assert np.array_equal(whole[0], strips[0])
    assert np.array_equal(whole[1], strips[1])


def test_of_equals_the_lowest_id_is_chosen():
    labels, confidence = choose(np.full((2, 2, 8), 0.125, np.float32), (4, 4))
    assert not labels.any()
    assert (confidence == 32).all()


def test_probabilities_are_interpolated_not_labels():
    # Half way between sky (0.55) and flat (0.55) void is best (0.45), though at neither end.
    probabilities = np.zeros((1, 2, 8), np.float32)
    probabilities[0, 0, [5, 0]] = 0.55, 0.45
    probabilities[0, 1, [1, 0]] = 0.55, 0.45
    labels, _ = choose(probabilities, (1, 8))
    assert labels[0].tolist() == [5, 5, 5, 0, 0, 1, 1, 1]


def test_choose_leaves_the_probabilities_alone():
    probabilities = _probabilities((16, 24))
    before = probabilities.copy()
    choose(probabilities, (16, 24))
    assert np.array_equal(probabilities, before)


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


def test_the_network_sees_the_resized_image_with_the_card_s_normalisation():
    network = _segmenter(_probabilities((16, 24)))
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    network.segment(image)
    asked = network.engine.asked
    expected = (preprocessing.resize_image(image, (16, 24)).astype(np.float32) - 100) / 50
    assert asked.shape == (1, 16, 24, 3)
    assert asked.dtype == np.float32
    assert np.allclose(asked[0], expected)


def test_the_segmentation_says_version_and_timings():
    network = _segmenter(_probabilities((16, 24)))
    result = network.segment(np.zeros((4, 4, 3), np.uint8))
    assert result.version == network.version == "table-abababababab"
    assert set(result.timings) == {"network", "labels"}
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
    assert network.engine.asked.shape == (1, 16, 24, 3)
    assert network.engine.asked.std() > 0.1


def test_load_gives_a_network_that_segments(tiny_artifact):
    network = segmenter.load(tiny_artifact.folder, engine="openvino")
    result = network.segment(segmenter.warm_up_image((70, 90)))
    assert network.engine.name == "openvino"
    assert result.version == tiny_artifact.version
    assert len(np.unique(result.labels)) > 1


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
    assert not loaded & {"tensorflow", "keras", "torch", "jax", "flask", "app"}
