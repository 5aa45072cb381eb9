"""`python -m model export` makes a file that gives Keras's own answers, and replaces nothing by a wrong one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.inference import engines
from model.inference.segmenter import Segmenter
from model.training import export


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
