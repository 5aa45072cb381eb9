"""Several networks as one artifact: its answers, its card, and what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model import artifact
from model.__main__ import main
from model.inference.engines import OpenVinoEngine, TensorFlowEngine
from model.networks.heads import without_softmax
from model.training import stacking
from model.training.exporting.openvino_files import export
from model.training.train import train


@pytest.fixture
def trained(settings_of, small_networks, tmp_path):
    """Train a network by words, and return its artifact."""

    def run(name: str, *words: str):
        settings = settings_of("--epochs", "1", *words)
        return train(settings, run_folder=tmp_path / name, artifact_folder=tmp_path / f"{name}-out")

    return run


def logits(found, images: np.ndarray) -> np.ndarray:
    network = without_softmax(keras.saving.load_model(found.keras_path, compile=False))
    return keras.ops.convert_to_numpy(network(images, training=False))


def test_it_answers_the_mean_and_its_card_tells_of_every_member(trained, tmp_path, capsys):
    members = [trained("first", "--validation-images", "1"), trained("second", "--network", "unet", "--seed", "2")]
    theirs = members[1].card
    artifact.write_card(
        members[1].folder, theirs | {"terms": theirs["terms"] | {"trained on streets of mine": "ask me first"}}
    )
    out = tmp_path / "both"
    words = ["ensemble", *(str(each.folder) for each in members), "--out", str(out)]
    assert main(words) == 0
    made = artifact.read(out)
    assert f"wrote {out} ({made.version}), mean IoU " in capsys.readouterr().out
    assert made.keras_path.name == "ensemble.keras"
    assert made.version.startswith("ensemble-")
    assert [each.card["scores"]["validation"]["images"] for each in members] == [1, 2]
    assert made.card["scores"]["validation"]["images"] == 2
    assert made.card["parameters"] == sum(each.card["parameters"] for each in members)
    images = np.random.default_rng(3).uniform(-1, 1, (1, *made.size, 3)).astype(np.float32)
    mean = np.mean([logits(each, images) for each in members], axis=0)
    ours = logits(made, images)
    # Each has a temperature, and so has their mean: the same logits but for one factor.
    factor = float((ours * mean).sum() / (mean * mean).sum())
    np.testing.assert_allclose(ours, factor * mean, atol=1e-4 * np.abs(ours).max())
    assert [each["version"] for each in made.card["training"]["members"]] == [each.version for each in members]
    # One member's data binds the whole.
    assert made.card["terms"]["trained on streets of mine"] == "ask me first"
    text = (out / "card.md").read_text("utf-8")
    assert "\nEnsemble of 2 networks: labels every pixel" in text
    assert "the mean of those of 2 networks" in text
    assert "--network mobilenetv2_unet" in text
    assert "--network unet" in text
    # Made again it is the same one, and stays as it is.
    assert main(words) == 0
    assert artifact.read(out).version == made.version


def test_it_may_be_shown_more_than_its_members_were(trained, tmp_path):
    folders = [str(trained(name, "--seed", seed).folder) for name, seed in (("first", "1"), ("second", "2"))]
    words = ["ensemble", *folders, "--out", str(tmp_path / "both"), "--height", "96", "--width", "192"]
    assert main(words) == 0
    assert artifact.read(tmp_path / "both").size == (96, 192)


def test_shares_weigh_the_mean(trained, tmp_path, capsys):
    members = [trained("first"), trained("second", "--seed", "2")]
    out = tmp_path / "both"
    words = ["ensemble", *(str(each.folder) for each in members), "--out", str(out)]
    assert main([*words, "--shares", "3,1"]) == 0
    made = artifact.read(out)
    images = np.random.default_rng(3).uniform(-1, 1, (1, *made.size, 3)).astype(np.float32)
    mean = 0.75 * logits(members[0], images) + 0.25 * logits(members[1], images)
    ours = logits(made, images)
    factor = float((ours * mean).sum() / (mean * mean).sum())
    np.testing.assert_allclose(ours, factor * mean, atol=1e-4 * np.abs(ours).max())
    assert [each["share"] for each in made.card["training"]["members"]] == [0.75, 0.25]
    assert "parameters, 75 % of the mean" in (out / "card.md").read_text("utf-8")
    capsys.readouterr()
    for shares in ("1", "1,0", "1,nan"):
        assert main([*words, "--shares", shares]) == 2
        assert "for 2 artifacts. Expected a number above 0 for each." in capsys.readouterr().err


def test_one_may_be_asked_again_about_a_smaller_image(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stacking, "_STEPS", 3)
    first, second = trained("first"), trained("second", "--seed", "2")
    out = tmp_path / "both"
    words = ["ensemble", *(str(each.folder) for each in (first, second, first)), "--out", str(out)]
    words += ["--fit-images", "2", "--height", "64", "--width", "128"]
    assert main([*words, "--scales", "1,1,0.5"]) == 0
    made = artifact.read(out)
    members = made.card["training"]["members"]
    assert [each["version"] for each in members] == [first.version, second.version, first.version]
    assert [each.get("reduction", 1) for each in members] == [1, 1, 2]
    assert "\nEnsemble of 2 networks: labels" in (out / "card.md").read_text("utf-8")
    again = f"### `{first.version}`, asked again about the image at 1/2 of its size\n"
    assert again in (out / "card.md").read_text("utf-8")
    head = first.card["parameters"] + second.card["parameters"]
    assert head < made.card["parameters"] < head + 1000
    assert made.stride == 64
    with pytest.raises(ValueError, match=r"input size 96x64\. Expected .* multiples of 64, up to 4,096"):
        made.at((64, 96))
    # Both engines give the answer of the file, at this size and at another.
    export(made)
    images = np.random.default_rng(3).integers(0, 256, (1, 128, 192, 3), np.uint8)
    answers = [engine(made.at((128, 192))).probabilities(images) for engine in (OpenVinoEngine, TensorFlowEngine)]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
    capsys.readouterr()
    for scales in ("1,1", "1,1,0.7", "1,1,2", "1,1,0", "1,1,1e-320", "1,1,nan"):
        assert main([*words, "--scales", scales]) == 2
        assert "for 3 artifacts. Expected 1, or a half, a third and so on" in capsys.readouterr().err
    assert main([*words[:-3], "96", "--width", "128", "--scales", "1,1,0.5"]) == 2
    assert "Received an input of 128x96. Expected multiples of 64" in capsys.readouterr().err
    # It may be a member itself, and its own views have to come out even.
    nested = ["ensemble", str(out), str(first.folder), "--out", str(tmp_path / "nested")]
    assert main([*nested, "--height", "96", "--width", "128"]) == 2
    assert "Received an input of 128x96. Expected multiples of 64" in capsys.readouterr().err
    # 96 divides by 32 times 3, and both by 32 times the other.
    assert main([*words[:-3], "96", "--width", "192", "--scales", "1,0.5,0.333"]) == 2
    assert "Received an input of 192x96. Expected multiples of 192" in capsys.readouterr().err


def test_a_mixture_is_fitted_to_training_images(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stacking, "_STEPS", 3)
    fits = []
    real = stacking.fit
    monkeypatch.setattr(
        stacking, "fit", lambda *words, **more: fits.append((words, real(*words, **more))) or fits[-1][1]
    )
    members = [trained("first"), trained("second", "--seed", "2")]
    out = tmp_path / "mixed"
    words = ["ensemble", *(str(each.folder) for each in members), "--out", str(out), "--shares", "3,1"]
    assert main([*words, "--fit-images", "2"]) == 0
    ((_, labels, shares), (matrices, offset)) = fits[0]
    assert shares == [0.75, 0.25]
    assert len(labels) > 1000
    made = artifact.read(out)
    images = np.random.default_rng(3).uniform(-1, 1, (1, *made.size, 3)).astype(np.float32)
    mixed = sum(logits(each, images) @ matrix.T for each, matrix in zip(members, matrices, strict=True)) + offset
    ours = logits(made, images)
    factor = float((ours * mixed).sum() / (mixed * mixed).sum())
    np.testing.assert_allclose(ours, factor * mixed, atol=1e-3 * np.abs(ours).max())
    assert made.card["training"]["fit_images"] == 2
    assert "`python -m model ensemble --fit-images 2`" in (out / "card.md").read_text("utf-8")
    assert "fitted with the loss of the first on so many" in (out / "card.md").read_text("utf-8")
    # Another loss mixes them otherwise, and the card says by which.
    assert main([*words, "--fit-images", "2", "--fit-loss", "cross_entropy+2*lovasz"]) == 0
    assert np.abs(fits[1][1][0][0] - matrices[0]).max() > 1e-4
    assert artifact.read(out).card["training"]["fit_loss"] == "cross_entropy+2*lovasz"
    asked = '`python -m model ensemble --fit-images 2 --fit-loss "cross_entropy+2*lovasz"`'
    assert asked in (out / "card.md").read_text("utf-8")
    assert main([*words, "--fit-images", "2", "--fit-loss", "lovas"]) == 2
    assert "lovas" in capsys.readouterr().err
    assert main([*words, "--fit-loss", "lovasz"]) == 2
    assert "Received --fit-loss lovasz without --fit-images." in capsys.readouterr().err
    # A plain mean is another network, and is made.
    assert main(words) == 0
    assert artifact.read(out).version != made.version
    assert main([*words, "--fit-images", "-1"]) == 2
    assert "--fit-images is -1. Expected 0 for a plain mean" in capsys.readouterr().err


def test_one_side_alone_is_refused(tmp_path, capsys):
    assert main(["ensemble", str(tmp_path), str(tmp_path), "--out", str(tmp_path / "both"), "--width", "192"]) == 2
    assert "Received --height None and --width 192. Expected both, or neither." in capsys.readouterr().err


def test_networks_of_two_input_sizes_are_refused(trained, tmp_path, capsys):
    folders = [str(trained("first").folder), str(trained("second", "--height", "96").folder)]
    assert main(["ensemble", *folders, "--out", str(tmp_path / "both")]) == 2
    assert "Expected networks of one input; of other sizes alone, say which by" in capsys.readouterr().err
    words = ["--out", str(tmp_path / "both"), "--height", "64", "--width", "128"]
    assert main(["ensemble", *folders, *words]) == 0


@pytest.mark.parametrize(
    ("folders", "says"),
    [(["a"], "Received 1 artifact. Expected two and more"), (["a", "out"], "out is one of those that are asked")],
)
def test_what_makes_no_ensemble_is_refused(folders, says, tmp_path, capsys):
    words = [str(tmp_path / name) for name in folders]
    assert main(["ensemble", *words, "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err
