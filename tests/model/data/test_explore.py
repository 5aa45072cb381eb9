"""`python -m model explore`: on generated streets where there is no data, from any folder, with errors in one line."""

from __future__ import annotations

import json

import pytest

from model.__main__ import main
from model.data.datasets import splits


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder of its own: templates are found all the same, and the default output lands there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generated_streets_are_explored_without_any_flag_but_a_limit(elsewhere, capsys):
    assert main(["explore", "--images", "3", "--json", "numbers.json"]) == 0
    assert "wrote runs/explore/report.html" in capsys.readouterr().out
    numbers = json.loads((elsewhere / "numbers.json").read_text("utf-8"))
    assert {name: own["images"] for name, own in numbers["splits"].items()} == {"train": 3, "val": 3}
    page = (elsewhere / "runs/explore/report.html").read_text("utf-8")
    assert "<h1>synthetic</h1>" in page
    assert "python -m model explore --data synthetic --images 3" in page


def test_images_are_taken_evenly_from_a_split(elsewhere):
    assert main(["explore", "--split", "val", "--images", "2", "--json", "numbers.json", "--title", "Two"]) == 0
    numbers = json.loads((elsewhere / "numbers.json").read_text("utf-8"))
    assert [one["name"] for one in numbers["images"]] == ["synthetic_002000000", "synthetic_002000020"]
    assert "<h1>Two</h1>" in (elsewhere / "runs/explore/report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "'nowhere' is not a folder"),
        (["--images", "0"], "Received --images 0. Expected 1 or more"),
        (["--split", "test"], "no split 'test'"),
    ],
)
def test_mistakes_are_one_line_on_standard_error(arguments, message, capsys):
    assert main(["explore", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_every_layout_names_the_splits_it_has(data_folder):
    assert splits("synthetic") == ("train", "val")
    assert splits(data_folder / "cityscapes") == ("train", "val")
    assert splits(data_folder / "camvid") == ("train", "val")


def test_plain_folders_name_their_own_splits(elsewhere):
    for split in ("night", "val", "train"):
        for folder in ("images", "masks"):
            (elsewhere / split / folder).mkdir(parents=True)
    assert splits(elsewhere) == ("train", "val", "night")
