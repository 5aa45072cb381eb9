"""`python -m model evaluate` refuses before it scores."""

from __future__ import annotations

import pytest
from PIL import Image

from model import __main__
from model.data import synthetic


@pytest.fixture
def streets(tmp_path):
    """A folder with two images of one place, and their masks as predictions."""
    for name in ("street_0", "street_1"):
        image, labels = synthetic.scene(0, size=(64, 128))
        for kind, array in (("images", image), ("masks", labels)):
            path = tmp_path / "streets" / "val" / kind / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    return tmp_path / "streets"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--predictions", "{}/val/masks", "--engine", "tensorflow"], "Received --predictions with --engine"),
        (["--report", "{}"], "which is a folder. Expected the name of a file"),
        (
            ["--predictions", "{}/val/masks", "--resample", "cities", "--report", "{}/report.html"],
            "Received --resample cities with images of one city alone, street. Expected two at least",
        ),
    ],
)
def test_what_can_not_be_done_is_told_before_scoring(words, expected, streets, capsys, monkeypatch):
    monkeypatch.setattr("model.training.evaluation.sides.Folder.scores", None)
    words = [word.format(streets) for word in words]
    assert __main__.main(["evaluate", "--data", str(streets), *words]) == 2
    assert expected in capsys.readouterr().err
