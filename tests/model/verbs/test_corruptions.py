"""`python -m model evaluate --corruptions`: what is refused, what is printed and what is written."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.data.corruption import NAMES
from model.training.evaluation import robustness


@pytest.fixture
def streets(tmp_path):
    """A folder with two generated images and their masks."""
    for seed in range(2):
        image, labels = synthetic.scene(seed, size=(64, 128))
        for kind, array in (("images", image), ("masks", labels)):
            path = tmp_path / "streets" / "val" / kind / f"street_{seed}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    return tmp_path / "streets"


@pytest.fixture
def shipped(tmp_path):
    """A copy of the shipped artifact that a test may change."""
    return shutil.copytree(artifact.DEFAULT_FOLDER, tmp_path / "unet")


def run(*words: object) -> int:
    return main(["evaluate", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--predictions", "{}/val/masks"], "--predictions"),
        (["--against", "{}"], "--against"),
        (["--report", "report.html"], "--report"),
        (["--export-official", "official"], "--export-official"),
        (["--card-precision"], "--card-precision"),
        (["--flip"], "--flip"),
        (["--scales", "1,1.5"], "--scales"),
        (["--flip", "--scales", "1,1.5"], "--flip, --scales"),
    ],
)
def test_what_corruptions_do_not_go_with_is_named(words, flag, streets, capsys):
    words = [word.format(streets) for word in words]
    assert run("--data", streets, "--corruptions", "jpeg", *words) == 2
    error = capsys.readouterr().err
    assert f"Received --corruptions with {flag}. Expected a network as it serves, and of files --json and" in error
    assert "run evaluate once more, without --corruptions" in error


def test_strengths_alone_are_refused(streets, capsys):
    assert run("--data", streets, "--strengths", "1") == 2
    assert "Received --strengths without --corruptions. Expected both: add --corruptions all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--corruptions", "jpeg,snow"], f"received 'snow', expected 'all', or names out of {', '.join(NAMES)}"),
        (["--corruptions", ""], "received '', expected 'all'"),
        (["--corruptions", "all", "--strengths", "0,2"], "received '0', expected numbers out of 1, 2, 3"),
    ],
)
def test_unknown_names_and_strengths_are_refused_with_the_known(words, expected, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
    assert expected in " ".join(capsys.readouterr().err.split())


def test_table_json_and_card_tell_the_same(streets, shipped, tmp_path, capsys):
    words = ["--data", streets, "--artifact", shipped, "--corruptions", "fog,jpeg", "--strengths", "2,3"]
    assert run(*words, "--json", tmp_path / "out" / "robustness.json", "--card", "streets") == 0
    printed = capsys.readouterr().out
    written = json.loads((tmp_path / "out" / "robustness.json").read_text("utf-8"))
    changed = artifact.read(shipped).card
    before = artifact.read(artifact.DEFAULT_FOLDER).card["robustness"]
    assert changed["robustness"] == before | {"streets": written}
    assert changed["scores"] == artifact.read(artifact.DEFAULT_FOLDER).card["scores"]
    assert written["images"] == 2
    # In the order of the names, whatever the order on the command line.
    assert [(row["corruption"], row["strength"]) for row in written["rows"]] == [
        ("jpeg", 2),
        ("jpeg", 3),
        ("fog", 2),
        ("fog", 3),
    ]
    assert written["command"].endswith("--corruptions jpeg,fog --strengths 2,3")
    assert f"--data {streets} --split val --artifact {shipped}" in written["command"]
    text = (shipped / "card.md").read_text("utf-8")
    for row in written["rows"]:
        assert f"{100 * row['mean_iou']:.2f}" in printed
        assert f"{row['mean_iou']:.4f} ({row['kept']:.0%})" in text
    # Behind the table that the shipped card had.
    text = text.partition("## Robustness\n\n### validation\n\n280 images of")[2]
    assert "\n\n### streets\n\n2 images of" in text
    assert "| corruption | moderate | strong | flat |" in text


def test_all_is_all_of_them_at_every_strength(streets, tmp_path, monkeypatch):
    def measure(segmenter, samples, *, names, strengths):
        nothing = np.zeros((8, 8), np.int64)
        found = {(name, strength): nothing for name in names for strength in strengths}
        return robustness.Robustness(nothing, found, len(samples))

    monkeypatch.setattr(robustness, "measure", measure)
    assert run("--data", streets, "--corruptions", "all", "--json", tmp_path / "all.json") == 0
    written = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert [(row["corruption"], row["strength"]) for row in written["rows"]] == [
        (name, strength) for name in NAMES for strength in (1, 2, 3)
    ]
    assert written["command"].endswith("--corruptions all")


def test_the_clean_score_is_what_evaluate_says(streets, tmp_path):
    assert run("--data", streets, "--corruptions", "jpeg", "--strengths", "1", "--json", tmp_path / "one.json") == 0
    assert run("--data", streets, "--json", tmp_path / "two.json") == 0
    one, two = (json.loads((tmp_path / name).read_text("utf-8")) for name in ("one.json", "two.json"))
    assert one["clean"]["mean_iou"] == pytest.approx(two["mean_iou"], abs=1e-6)
    np.testing.assert_allclose(one["clean"]["iou"]["sky"], two["iou"]["sky"], atol=1e-6)
