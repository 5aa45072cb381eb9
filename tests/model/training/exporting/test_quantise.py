"""The int8 file: made of training images, checked, and with the layers in float32 that need it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from model import artifact as artifacts
from model.artifact import Artifact
from model.categories import VOID
from model.data.samples import Example, Sample
from model.inference import engines
from model.inference.segmenter import Segmenter
from model.training.exporting import quantise
from model.training.exporting.openvino_files import export
from tests.model.inference.conftest import write_artifact

SIZE = (32, 64)


def network(*, spread: float = 1.0):
    """Four convolutions; `spread` is how much larger half of what goes into `join` is than the other half."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    layers = keras.layers
    images = keras.Input((None, None, 3), name="images")
    features = layers.Conv2D(8, 3, padding="same", activation="relu", name="first")(images)
    left = layers.Conv2D(8, 3, padding="same", activation="relu", name="left")(features)
    right = layers.Conv2D(8, 3, padding="same", activation="relu", name="right")(features)
    large = layers.Rescaling(spread)(right)
    joined = layers.Conv2D(8, 1, name="join")(layers.Concatenate()([left, large]))
    model = keras.Model(images, layers.Softmax()(layers.Rescaling(4.0)(joined)), name="tiny")
    kernel, bias = model.get_layer("join").get_weights()
    kernel[..., 8:, :] /= spread
    model.get_layer("join").set_weights([kernel, bias])
    return model


def exported(folder, model) -> Artifact:
    artifact = write_artifact(folder, model, size=SIZE)
    export(artifact)
    return artifact


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Artifact:
    """A tiny network with its float32 file. Not to be changed by a test."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    return exported(tmp_path_factory.mktemp("tiny"), network())


@pytest.fixture
def copied(tiny, tmp_path) -> Artifact:
    """A copy that a test may change."""
    for path in tiny.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return artifacts.read(tmp_path)


def samples_of(artifact: Artifact, count: int = 24) -> list[Sample]:
    """Images whose ground truth is what the float32 file says, so that its score is 1."""
    exact = Segmenter(artifact, engines.create("openvino", artifact, precision="f32"))

    def sample(seed: int) -> Sample:
        image = np.random.default_rng(seed).integers(0, 256, (4, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        labels = exact.segment(image).labels
        return Sample(f"{seed}", None, None, lambda: Example(image, labels, labels != VOID))

    return [sample(seed) for seed in range(count)]


def test_the_int8_file_gives_nearly_the_labels_of_float(copied, monkeypatch):
    monkeypatch.setattr(quantise, "LARGEST_LOSS", 1.0)
    samples = samples_of(copied)
    result = quantise.quantise(copied, samples)
    exact, rounded = (engines.create("openvino", copied, precision=name) for name in ("f32", "int8"))
    images = np.stack([sample.read().image for sample in samples])
    first, second = exact.probabilities(images), rounded.probabilities(images)
    assert 1e-5 < np.abs(first - second).mean() < 0.02
    assert (first.argmax(-1) == second.argmax(-1)).mean() > 0.95
    assert result.equal_labels > 0.95
    assert result.calibration_images + result.check_images < len(samples)
    assert {path.name for path in copied.folder.iterdir()} == {
        *("tiny.keras", artifacts.CARD_FILE),
        *(f"tiny.openvino{middle}.{suffix}" for middle in ("", ".int8") for suffix in ("xml", "bin")),
    }


def test_the_same_samples_give_the_same_file(copied, monkeypatch):
    monkeypatch.setattr(quantise, "LARGEST_LOSS", 1.0)
    samples = samples_of(copied)
    made = []
    for _ in range(2):
        quantise.quantise(copied, samples)
        made.append(copied.int8_path.with_suffix(".bin").read_bytes())
    assert made[0] == made[1]


def test_a_layer_that_int8_would_ruin_stays_in_float(tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "LARGEST_LOSS", 1.0)
    artifact = exported(tmp_path, network(spread=500.0))
    result = quantise.quantise(artifact, samples_of(artifact))
    assert result.float_layers[0].startswith("join")
    assert result.equal_labels > 0.95
    assert quantise.quantise(artifact, samples_of(artifact), most_float_layers=0).float_layers == ()


def test_int8_that_loses_too_much_replaces_nothing(copied, monkeypatch):
    monkeypatch.setattr(quantise, "LARGEST_LOSS", -1.0)
    with pytest.raises(ValueError, match=r"int8 loses .* Expected at most -1.*was left as it was"):
        quantise.quantise(copied, samples_of(copied))
    assert not copied.int8_path.exists()
    assert not list(copied.folder.glob("export-*"))


def test_loss_is_how_much_the_score_falls(copied, monkeypatch):
    """With every pixel's truth what float32 says, the loss is 1 minus the score of int8."""
    monkeypatch.setattr(quantise, "LARGEST_LOSS", 1.0)
    samples = samples_of(copied)
    result = quantise.quantise(copied, samples)
    _, _, checks = quantise._parts(samples)
    rounded = Segmenter(copied, engines.create("openvino", copied, precision="int8"))
    assert result.loss == pytest.approx(1 - quantise.score(checks, rounded).mean_iou)
    assert result.loss > 0


@pytest.mark.parametrize(("count", "sizes"), [(2361, (300, 24, 200)), (524, (300, 24, 200)), (24, (13, 1, 9))])
def test_images_have_one_part_each(count, sizes):
    samples = [Sample(str(number), None, None, lambda: None) for number in range(count)]
    parts = quantise._parts(samples)
    assert tuple(map(len, parts)) == sizes
    assert len({sample.name for part in parts for sample in part}) == sum(sizes)
    assert [sample.name for sample in parts[0]] == [sample.name for sample in quantise._parts(samples)[0]]


def test_too_few_samples_are_refused(copied):
    with pytest.raises(ValueError, match=r"Received 2 samples\. Expected at least 3"):
        quantise.quantise(copied, samples_of(copied, 2))


def test_a_missing_float_file_is_refused_with_the_command(tmp_path):
    artifact = write_artifact(tmp_path, network(), size=SIZE)
    with pytest.raises(engines.EngineError, match="python -m model export"):
        quantise.quantise(artifact, [])


def test_nncf_sends_no_usage_data(tmp_path, repository):
    script = (
        "import sys, model, nncf\n"
        "from nncf.telemetry import wrapper\n"
        "print(sys.modules['openvino_telemetry'], wrapper.telemetry is not None, type(wrapper.telemetry).__name__)\n"
    )
    # NNCF keeps silent by itself where it sees pytest or a CI system; a user has neither.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(repository)}
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.split() == ["None", "True", "MagicMock"]
    assert not (tmp_path / "intel").exists()
