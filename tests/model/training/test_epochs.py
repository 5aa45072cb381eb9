"""Runs end when they should, with the network they should, and go on after an interruption as if there were none."""

from __future__ import annotations

import numpy as np
import pytest

from model import artifact
from model.training import checkpoints, epochs, sources, train
from model.training.epochs import Epochs, best_epoch, is_over


def history(*scores: float | None) -> list[dict]:
    return [{"epoch": number + 1, "mean_iou": score} for number, score in enumerate(scores)]


class Stopped(Exception):
    """The process is killed."""


@pytest.fixture
def run(settings_of, small_networks, tmp_path):
    """Run the training verb's heart in this process; returns the artifact."""

    def start(*words: str, folder: str = "run", **places):
        settings = settings_of("--epochs", "4", *words)
        return train.train(settings, run_folder=tmp_path / folder, artifact_folder=tmp_path / f"{folder}-out", **places)

    return start


@pytest.fixture
def scored_as(monkeypatch):
    """Give epochs these mean IoUs in place of their own."""

    def start(*scores: float):
        as_dict = epochs.Scores.as_dict
        monkeypatch.setattr(
            epochs.Scores, "as_dict", lambda self: as_dict(self) | {"mean_iou": left.pop(0) if left else 0.0}
        )
        left = list(scores)

    return start


def losses_of(written) -> list[float]:
    return [entry["loss"] for entry in written.card["training"]["history"]]


def weights_of(written) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(written.keras_path, compile=False).get_weights()


@pytest.mark.parametrize(
    ("scores", "best"),
    [([], 0), ([0.1, 0.3, 0.2], 2), ([0.3, 0.3], 1), ([None, 0.1], 2), ([None, None], 1)],
)
def test_the_best_epoch_is_the_first_of_the_highest_score(scores, best):
    assert best_epoch(history(*scores)) == best


@pytest.mark.parametrize(
    ("scores", "patience", "over"),
    [
        ([], 1, False),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.5], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4, 0.3], 0, False),
        ([0.1, 0.2, 0.3, 0.4], 0, True),
        ([0.1, 0.2, 0.3, 0.4], 3, True),
    ],
)
def test_a_run_is_over_after_all_epochs_or_when_patience_is_lost(scores, patience, over, settings_of):
    assert is_over(history(*scores), settings_of("--epochs", "4", "--patience", str(patience))) == over


def test_patience_ends_a_run_with_the_best_average(run, scored_as, monkeypatch):
    kept = {}
    save_average = checkpoints.save_average

    def keep(folder, epoch, average):
        kept.setdefault(epoch, [np.array(weight) for weight in average.weights])
        save_average(folder, epoch, average)

    monkeypatch.setattr(checkpoints, "save_average", keep)
    scored_as(0.1, 0.3, 0.2)
    written = run("--patience", "1")
    assert [entry["epoch"] for entry in written.card["training"]["history"]] == [1, 2, 3]
    assert set(kept) == {1, 2}
    *below, kernel, bias = weights_of(written)
    for expected, actual in zip(kept[2], below, strict=False):
        np.testing.assert_array_equal(actual, expected)
    temperature = np.float32(written.card["calibration"]["temperature"])
    for expected, actual in zip(kept[2][-2:], (kernel, bias), strict=True):
        np.testing.assert_allclose(actual, expected / temperature, rtol=1e-6)
    assert [path.name for path in (written.folder.parent / "run").glob("average-*")] == ["average-2.npz"]


def test_a_run_that_lost_patience_is_over_when_it_is_started_again(run, scored_as):
    scored_as(0.3, 0.2)
    first = run("--patience", "1")
    again = run("--patience", "1")
    assert losses_of(again) == losses_of(first)
    assert len(losses_of(again)) == 2


@pytest.mark.parametrize("words", [[], ["--accumulate", "2", "--patience", "3", "--precision", "mixed_float16"]])
def test_a_run_interrupted_after_an_epoch_ends_like_an_unbroken_one(words, run, monkeypatch):
    words = (*words, "--epochs", "3")
    unbroken = run(*words, folder="unbroken")

    def killed(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == 1:
            raise Stopped
        begin(self, epoch, logs)

    begin = Epochs.on_epoch_begin
    monkeypatch.setattr(Epochs, "on_epoch_begin", killed)
    with pytest.raises(Stopped):
        run(*words)
    monkeypatch.setattr(Epochs, "on_epoch_begin", begin)
    resumed = run(*words)
    # Three batches an epoch, so that with two to accumulate an epoch ends in the middle. Dropout draws on as well.
    np.testing.assert_allclose(losses_of(resumed), losses_of(unbroken), rtol=1e-4)
    for expected, actual in zip(weights_of(unbroken), weights_of(resumed), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


def test_a_finished_run_leaves_its_artifact_alone(run):
    written = run("--epochs", "1")
    artifact.write_card(written.folder, written.card | {"limitations": ["nights"]})
    before = written.keras_path.read_bytes()
    again = run("--epochs", "1")
    assert again.card["limitations"] == ["nights"]
    assert again.keras_path.read_bytes() == before


def test_a_run_may_begin_with_the_weights_of_another(run):
    first = run("--epochs", "1", "--learning-rate", "0.003", folder="first")
    words = ["--epochs", "1", "--learning-rate", "1e-12", "--weight-decay", "0", "--initial-weights", str(first.folder)]
    second = run(*words, folder="second")
    assert second.card["training"]["begun_with"] == first.version
    (before,) = second.card["training"]["before"]
    assert (before["version"], before["settings"]) == (first.version, first.card["training"]["settings"])
    for expected, actual in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_weights_of_another_network_are_refused(run, small_networks):
    with pytest.raises(ValueError, match=r"whose weights do not fit unet. Expected an artifact of the same network"):
        run("--network", "unet", "--initial-weights", str(artifact.DEFAULT_FOLDER))


def test_what_another_run_left_makes_room(run):
    run("--epochs", "1", folder="run")
    first = run("--epochs", "1", folder="other")
    (first.folder.parent / "run-out" / "card.json").write_bytes((first.folder / "card.json").read_bytes())
    (first.folder.parent / "run-out" / first.keras_path.name).write_bytes(b"broken")
    assert artifact.verify(run("--epochs", "1", folder="run")) is None


def test_short_epochs_and_few_validation_images(run):
    written = run("--epoch-images", "4", "--validation-images", "1", "--epochs", "1")
    assert written.card["scores"]["validation"]["images"] == 1
    assert written.card["training"]["samples"] == 12


def test_validation_images_are_spread_over_all():
    assert sources.spread(list("abcdefghi"), 3) == ["a", "e", "i"]
    assert sources.spread(list("abc"), 0) == sources.spread(list("abc"), 7) == list("abc")


def test_the_card_tells_what_was_weighed_and_on_what(run, tmp_path):
    written = run("--epochs", "1", "--category-weights", "enet", "--network", "bisenetv2")
    assert (written.card["name"], written.keras_path.name) == ("bisenetv2", "bisenetv2.keras")
    training = artifact.read(written.folder).card["training"]
    assert len(training["category_weights"]) == 8
    assert training["devices"] == {"processes": 1, "names": []}
    assert training["settings"]["category_weights"] == "enet"
    assert training["history"][0]["images_per_second"] > 0


def test_tensorboard_has_loss_rate_scores_and_speed(run, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    written = run("--epochs", "2", tensorboard=tmp_path / "board")
    events = EventAccumulator(str(tmp_path / "board" / "train")).Reload()
    tags = set(events.Tags()["tensors"])
    categories = {name for name in written.names if name != "void"}
    drawn = {"loss", "learning_rate", "mean_iou", "images_per_second"} | {f"iou_{name}" for name in categories}
    assert {f"epoch_{name}" for name in drawn} <= tags
    for name in ("loss", "mean_iou"):
        values = [tensor_util.make_ndarray(event.tensor_proto).item() for event in events.Tensors(f"epoch_{name}")]
        expected = [entry[name] for entry in written.card["training"]["history"]]
        np.testing.assert_allclose(values, expected, rtol=1e-6)
