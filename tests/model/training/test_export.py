"""`python -m model export` makes a file that gives Keras's own answers, and replaces nothing by a wrong one."""

from __future__ import annotations

import shutil

import numpy as np
import openvino
import pytest

from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.inference import engines
from model.inference.segmenter import Segmenter
from model.training import export, quantise
from model.training.conversion import convolutions


@pytest.fixture
def fresh(trained, tmp_path):
    """A copy of the trained artifact, without compiled files."""
    return shutil.copytree(trained, tmp_path / "artifact")


def test_the_compiled_network_gives_the_labels_of_keras(fresh, capsys):
    assert main(["export", "--artifact", str(fresh)]) == 0
    loaded = artifact.read(fresh)
    assert loaded.version in capsys.readouterr().out
    image, _ = synthetic.scene(11)
    answers = [Segmenter(loaded, engines.create(name, loaded)).segment(image) for name in ("openvino", "tensorflow")]
    assert (answers[0].labels == answers[1].labels).mean() >= 0.999
    assert np.abs(answers[0].confidence.astype(int) - answers[1].confidence).max() <= 1


def test_nothing_is_left_behind_but_the_compiled_network(fresh):
    before = {path.name for path in fresh.iterdir()}
    export.export(artifact.read(fresh))
    assert {path.name for path in fresh.iterdir()} - before == {"unet.openvino.xml", "unet.openvino.bin"}


def test_a_network_that_answers_otherwise_replaces_nothing(fresh, monkeypatch):
    loaded = artifact.read(fresh)
    export.export(loaded)
    before = loaded.openvino_path.read_bytes()
    monkeypatch.setattr(export, "_difference", lambda *_: 0.5)
    with pytest.raises(ValueError, match=r"differ from Keras's by up to 0\.5.*was left as it was"):
        export.export(loaded)
    assert loaded.openvino_path.read_bytes() == before


def test_a_keras_file_that_is_not_the_card_s_is_refused(fresh, capsys):
    with open(fresh / artifact.KERAS_FILE, "ab") as file:
        file.write(b"x")
    assert main(["export", "--artifact", str(fresh)]) == 2
    assert "Its card was written for" in capsys.readouterr().err


def test_with_data_the_int8_file_is_made_too_and_the_card_tells_how(fresh, scenes, monkeypatch, capsys):
    asked = []

    def record(artifact, samples):
        asked.append((artifact.openvino_path.is_file(), len(samples)))
        return quantise.Quantised(("block_2",), 300, 200, 0.0012, 0.9931)

    monkeypatch.setattr(quantise, "quantise", record)
    assert main(["export", "--artifact", str(fresh), "--data", str(scenes)]) == 0
    assert asked == [(True, 12)]
    assert "-0.0012" in capsys.readouterr().out
    made = artifact.read(fresh).card["precisions"]["int8"]["made"]
    assert made["command"] == f"python -m model export --data {scenes} --split train --artifact {fresh}"
    assert (made["float_layers"], made["loss"], made["equal_labels"]) == (["block_2"], 0.0012, 0.9931)
    text = (fresh / "card.md").read_text()
    assert "kept in float32: `block_2`" in text
    assert "99.31%" in text


def test_convolutions_have_the_names_of_keras_layers(fresh):
    loaded = artifact.read(fresh)
    export.export(loaded)
    names = [node.get_friendly_name() for node in convolutions(openvino.Core().read_model(loaded.openvino_path))]
    assert len(names) == len(set(names)) == 64
    assert names[0].startswith("Conv1")
    assert names[-1].startswith("head")
