"""The temperature of a whole network: what becomes of its file, its labels and its card."""

from __future__ import annotations

import copy

import keras
import numpy as np
import pytest

from model import __main__, artifact
from model.data.datasets import open_samples
from model.networks.heads import with_softmax, without_softmax
from model.training import calibrating, card, in_training
from model.training.evaluation.calibration import Calibration

SIZE = (32, 64)
ABOUT = {"data": "scenes", "split": "val", "command": "python -m model calibrate"}


@pytest.fixture
def samples(scenes):
    return open_samples(str(scenes), "val")


@pytest.fixture
def loud(samples, tmp_path) -> artifact.Artifact:
    """An artifact whose network knows colours and is far too sure of them, with a card that knows much of it."""
    images = keras.Input((None, None, 3), name="images")
    scores = keras.layers.Conv2D(8, 1, name="head")(images)
    network = keras.Model(images, keras.layers.UpSampling2D(1, interpolation="bilinear")(scores), name="unet")
    weights = 60 * colours(samples)
    network.set_weights([weights[:3].reshape(1, 1, 3, 8), weights[3]])
    with_softmax(network).save(tmp_path / "unet.keras")
    known = copy.deepcopy(artifact.read(artifact.DEFAULT_FOLDER).card)
    for entry in known["scores"].values():
        entry |= {"calibration_error": 0.0, "calibration": Calibration().as_dict()}
    known |= {"keras_sha256": artifact.sha256(tmp_path / "unet.keras"), "exports": {}}
    # This network was never divided by anything.
    known.pop("calibration", None)
    known["input"] |= {"height": SIZE[0], "width": SIZE[1]}
    artifact.write_card(tmp_path, known)
    return artifact.read(tmp_path)


def colours(samples) -> np.ndarray:
    """Least squares: float64 (4, 8), what red, green, blue and 1 say for each category."""
    examples = [sample.read() for sample in samples]
    pixels = np.concatenate([example.image.reshape(-1, 3) / 127.5 - 1 for example in examples])
    labels = np.concatenate([example.labels.ravel() for example in examples])
    return np.linalg.lstsq(np.c_[pixels, np.ones(len(pixels))], np.eye(8)[labels], rcond=None)[0]


def head(found: artifact.Artifact) -> list[np.ndarray]:
    return keras.saving.load_model(found.keras_path, compile=False).get_weights()


def logits(found: artifact.Artifact, image: np.ndarray) -> np.ndarray:
    network = without_softmax(keras.saving.load_model(found.keras_path, compile=False))
    fixed = keras.models.clone_model(network, input_tensors=keras.Input((*SIZE, 3)))
    fixed.set_weights(network.get_weights())
    with in_training.around(fixed, size=SIZE).planes(image) as planes:
        return planes


def test_the_file_is_divided_by_what_the_card_says(loud, samples):
    before = head(loud)
    made = calibrating.calibrate(loud, samples, about=ABOUT)
    artifact.verify(artifact.read(made.folder))
    fitted = made.card["calibration"]
    assert fitted["temperature"] > 2
    assert (fitted["images"], fitted["data"], fitted["split"]) == (2, "scenes", "val")
    for old, new in zip(before, head(made), strict=True):
        np.testing.assert_allclose(new, old / fitted["temperature"], rtol=1e-6)


def test_confidence_gets_better_and_labels_stay(loud, samples):
    image = samples[0].read().image
    before = logits(loud, image)
    made = calibrating.calibrate(loud, samples, about=ABOUT)
    after, fitted = logits(made, image), made.card["calibration"]
    np.testing.assert_array_equal(after.argmax(0), before.argmax(0))
    np.testing.assert_allclose(before / fitted["temperature"], after, rtol=1e-3, atol=1e-4)
    for name in ("nll", "calibration_error"):
        assert fitted["after"][name] < fitted["before"][name]


def test_what_the_card_knew_of_the_old_file_is_gone(loud, samples):
    assert loud.card["precisions"]
    made = calibrating.calibrate(loud, samples, about=ABOUT)
    assert not {"precisions", "exports"} & set(made.card)
    for name, entry in made.card["scores"].items():
        assert not {"calibration", "calibration_error"} & set(entry)
        assert entry["iou"] == loud.card["scores"][name]["iou"]
    assert made.card["limitations"] == loud.card["limitations"]


def test_a_second_time_nothing_is_written(loud, samples):
    made = calibrating.calibrate(loud, samples, about=ABOUT)
    written = made.keras_path.read_bytes()
    assert calibrating.calibrate(made, samples, about=ABOUT | {"data": "other"}).card == made.card
    assert made.keras_path.read_bytes() == written


def test_another_temperature_takes_the_place_of_the_first(loud, samples):
    kernel = head(loud)[0]
    first = calibrating.calibrate(loud, samples[:1], about=ABOUT)
    second = calibrating.calibrate(first, samples[1:], about=ABOUT)
    fitted = [made.card["calibration"]["temperature"] for made in (first, second)]
    assert abs(fitted[0] / fitted[1] - 1) > 2 * calibrating.SAME
    np.testing.assert_allclose(head(second)[0], kernel / fitted[1], rtol=1e-5)


def test_the_whole_set_costs_no_more_pixels_than_are_kept(loud, samples, monkeypatch):
    monkeypatch.setattr(calibrating, "PIXELS", 100)
    assert 10 < calibrating.calibrate(loud, samples, about=ABOUT).card["calibration"]["pixels"] <= 100


def test_images_without_ground_truth_are_refused(loud, samples):
    blank = [_without_truth(sample) for sample in samples]
    with pytest.raises(
        ValueError, match=r"Received 2 images without a pixel that is scored. Expected .*: check the masks"
    ):
        calibrating.calibrate(loud, blank, about=ABOUT)
    assert calibrating.fit(keras.Sequential(), [], size=SIZE) is None


def _without_truth(sample):
    import dataclasses

    example = sample.read()
    return dataclasses.replace(sample, load=lambda: example._replace(scored=np.zeros_like(example.scored)))


def test_a_file_of_another_card_is_refused(loud, samples):
    loud.keras_path.write_bytes(b"another")
    with pytest.raises(artifact.ArtifactError, match="has SHA-256"):
        calibrating.calibrate(loud, samples, about=ABOUT)


def test_the_verb_says_what_it_changed_and_what_to_make_anew(loud, scenes, capsys):
    words = ["calibrate", "--artifact", str(loud.folder), "--data", str(scenes)]
    assert __main__.main(words) == 0
    said = capsys.readouterr().out
    fitted = artifact.read(loud.folder).card["calibration"]
    assert f"temperature {fitted['temperature']:.4f}, on " in said
    assert f"`python -m model export --artifact {loud.folder}`" in said
    assert fitted["command"] == f"python -m model {' '.join([words[0], *words[1:]])} --split val"
    assert __main__.main(words) == 0
    assert "nothing was written" in capsys.readouterr().out


def test_the_verb_asks_for_data(capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["calibrate"])
    assert stopped.value.code == 2
    assert "--data" in capsys.readouterr().err


def test_the_card_tells_before_and_after(loud, samples):
    made = calibrating.calibrate(loud, samples, about=ABOUT)
    text = (made.folder / card.MARKDOWN_FILE).read_text("utf-8")
    fitted = made.card["calibration"]
    assert f"a temperature of {fitted['temperature']:.4f}" in text
    errors = " | ".join(f"{100 * fitted[name]['calibration_error']:.2f} %" for name in ("before", "after"))
    assert f"| calibration error | {errors} |" in text
    assert "](calibration.svg)" in text
    assert (made.folder / "calibration.svg").read_text("utf-8").startswith("<?xml")
