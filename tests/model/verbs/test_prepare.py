"""`python -m model prepare` as users call it."""

from __future__ import annotations

import numpy as np
import pytest

from model.__main__ import main
from model.data.datasets import open_samples, terms

SMALL = ["--height", "64", "--width", "128", "--limit", "2"]


def test_it_runs_without_any_data(tmp_path, capsys):
    assert main(["prepare", "--out", str(tmp_path / "out"), *SMALL]) == 0
    said = capsys.readouterr().out
    assert "train        2       -" in said
    assert f"python -m model train --data {tmp_path / 'out'}" in said
    assert len(open_samples(tmp_path / "out", "train")) == 2
    assert terms(tmp_path / "out")[0] == "synthetic"


def test_a_second_run_has_nothing_to_do(tmp_path, capsys):
    for _ in range(2):
        assert main(["prepare", "synthetic", "--out", str(tmp_path / "out"), *SMALL]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_mistake_is_told_without_a_traceback(tmp_path, capsys):
    assert main(["prepare", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("python -m model prepare: ")
    assert not (tmp_path / "out").exists()


def test_the_real_training_images_come_out_as_they_went_in(data_folder, tmp_path):
    out = tmp_path / "out"
    assert main(["prepare", str(data_folder / "cityscapes"), "--out", str(out), "--limit", "3"]) == 0
    for one, other in zip(open_samples(out, "val"), open_samples(out, "val-original"), strict=True):
        # They are of the cache's size already.
        for found, expected in zip(one.read(), other.read(), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("flag", ["--train-cities", "--val-cities", "--test-cities"])
def test_cities_are_for_data_that_has_them(flag, tmp_path, capsys):
    assert main(["prepare", "--out", str(tmp_path / "out"), flag, "ulm"]) == 2
    assert "don't tell their city" in capsys.readouterr().err
