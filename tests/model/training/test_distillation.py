"""Learning from other networks: what a lesson holds, what the loss against it costs, and that training listens."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from model import artifact
from model.categories import COUNT, IGNORE, NAMES
from model.data import synthetic
from model.inference import segmenter
from model.training.distillation import Teachers, distilled

CROP = (64, 128)
SKY = NAMES.index("sky")


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    return synthetic.scene(3, size=CROP)[0]


def nothing(labels, logits):
    return ops.sum(logits) * 0.0


def packed(truth: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Labels (height, width) and probabilities (height / 2, width / 2, 8) as a batch of one."""
    levels = np.rint(255 * taught).astype(np.uint8).reshape(*truth.shape, 2)
    return np.concatenate([truth[..., None], levels], axis=-1)[None]


def random_probabilities(random: np.random.Generator, *size: int) -> np.ndarray:
    found = random.random((*size, COUNT)) ** 4
    return found / found.sum(axis=-1, keepdims=True)


def test_a_lesson_is_the_mean_of_teachers_and_of_their_views_in_the_mirror(crop):
    folder = str(artifact.DEFAULT_FOLDER)
    lesson = Teachers([folder, folder], crop=CROP)(crop)
    assert (lesson.shape, lesson.dtype) == ((*CROP, 2), np.uint8)
    network = keras.saving.load_model(artifact.read(folder).keras_path, compile=False)
    views = (np.stack([crop, crop[:, ::-1]]).astype(np.float32) - 127.5) / 127.5
    straight, mirrored = np.asarray(network(views))
    expected = ((straight + mirrored[:, ::-1]) / 2)[::2, ::2]
    taught = lesson.reshape(CROP[0] // 2, CROP[1] // 2, COUNT) / 255
    # In whatever precision the engine of this machine is fastest.
    assert np.abs(taught - expected).mean() < 0.01
    assert (taught.argmax(axis=-1) == expected.argmax(axis=-1)).mean() > 0.97


def test_the_loss_against_a_lesson_by_hand():
    random = np.random.default_rng(0)
    truth = random.integers(0, COUNT, (4, 6)).astype(np.uint8)
    truth[0, 2], truth[2, 4], truth[1, 1] = IGNORE, IGNORE, IGNORE
    taught = random_probabilities(random, 2, 3)
    logits = random.normal(size=(1, 4, 6, COUNT)).astype(np.float32)
    costs = []
    for row, column in [(0, 0), (0, 4), (2, 0), (2, 2)]:
        scores = logits[0, row, column].astype(float)
        levels = np.rint(255 * taught[row // 2, column // 2])
        costs.append(-np.sum(levels / levels.sum() * (scores - np.log(np.exp(scores).sum()))))
    found = distilled(nothing, share=0.5)(packed(truth, taught).astype(np.float32), logits)
    assert float(found) == pytest.approx(0.5 * np.mean(costs), rel=1e-5)


def test_the_labels_own_loss_is_as_it_was():
    random = np.random.default_rng(1)
    truth = random.integers(0, COUNT, (4, 6)).astype(np.uint8)
    logits = random.normal(size=(1, 4, 6, COUNT)).astype(np.float32)
    seen = []

    def loss(labels, logits):
        seen.append(np.asarray(labels))
        return ops.mean(logits)

    found = distilled(loss, share=0.0)(packed(truth, random_probabilities(random, 2, 3)), logits)
    assert float(found) == pytest.approx(logits.mean(), rel=1e-5)
    np.testing.assert_array_equal(seen[0][0], truth)


def test_who_says_what_the_teacher_says_has_nothing_to_learn():
    random = np.random.default_rng(2)
    taught = np.rint(255 * random_probabilities(random, 2, 3)) + 1
    taught = taught / taught.sum(axis=-1, keepdims=True)
    labels = packed(np.zeros((4, 6), np.uint8), taught)
    loss = distilled(nothing, share=1.0)
    same = np.zeros((1, 4, 6, COUNT), np.float32)
    same[0, ::2, ::2] = np.log(np.maximum(np.rint(255 * taught), 1e-3))
    least = float(loss(labels, same))
    for _ in range(20):
        assert float(loss(labels, same + random.normal(size=same.shape).astype(np.float32))) > least


def test_nothing_with_a_ground_truth_costs_nothing():
    labels = packed(np.full((4, 6), IGNORE, np.uint8), np.full((2, 3, COUNT), 1 / COUNT))
    assert float(distilled(nothing, share=1.0)(labels, np.ones((1, 4, 6, COUNT), np.float32))) == 0


def test_training_listens(settings_of, small_networks, tmp_path, monkeypatch):
    from model.training import recipe
    from model.training.train import train

    asked = []

    class Stubborn:
        """Sees sky everywhere."""

        def __init__(self, folders, *, crop):
            asked.append((list(folders), crop))

        def __call__(self, crop):
            lesson = np.zeros((*crop.shape[:2], 2), np.uint8)
            lesson.reshape(-1, COUNT)[:, SKY] = 255
            return lesson

    monkeypatch.setattr(recipe, "Teachers", Stubborn)
    settings = settings_of(
        *("--epochs", "12", "--teacher", "a folder", "--distillation", "100", "--learning-rate", "0.01", "--ema", "0")
    )
    written = train(settings, run_folder=tmp_path / "run", artifact_folder=tmp_path / "out")
    network = segmenter.load(written.folder, engine="tensorflow")
    assert (network.segment(synthetic.scene(9, size=CROP)[0]).labels == SKY).mean() > 0.9
    assert asked == [(["a folder"], (settings.crop_height, settings.crop_width))]
    assert written.card["training"]["settings"]["teacher"] == ["a folder"]


def test_a_teacher_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(artifact.ArtifactError, match="nowhere"):
        Teachers([str(tmp_path / "nowhere")], crop=CROP)


def test_a_teacher_that_cannot_see_such_crops_is_refused():
    # Of two views, one of them at half the size.
    with pytest.raises(
        artifact.ArtifactError, match=r"sides that are multiples of 64\. Received crops of 96x64: change"
    ):
        Teachers([str(artifact.DEFAULT_FOLDER)], crop=(64, 96))
