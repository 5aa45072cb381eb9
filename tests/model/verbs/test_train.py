"""Where `python -m model train` puts a run and its artifact."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import __main__
from model.training import train


@pytest.mark.parametrize(
    ("words", "run", "artifact"),
    [
        ([], "runs/unet", "runs/unet/artifact"),
        (["--run", "night"], "night", "night/artifact"),
        (["--run", "night", "--artifact", "best"], "night", "best"),
    ],
)
def test_the_artifact_lies_in_the_run_unless_another_place_is_named(words, run, artifact, monkeypatch):
    asked = {}
    monkeypatch.setattr(train, "train", lambda _, **places: asked.update(places))
    assert __main__.main(["train", "--network", "unet", *words]) == 0
    assert (asked["run_folder"], asked["artifact_folder"]) == (Path(run), Path(artifact))
