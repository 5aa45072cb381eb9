"""The benchmark runs, and its report has what a reader needs; never how long anything took."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from bench import engines
from model.training.export import export
from tests.model.inference.conftest import write_artifact

NUMBERS = re.compile(r"[\d.]+ \([\d.]+ to [\d.]+\)")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a tiny network with both files, Keras's and OpenVINO's."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras")
    pictures = keras.Input((None, None, 3))
    network = keras.Model(pictures, keras.layers.Conv2D(8, 3, padding="same", activation="softmax")(pictures))
    written = write_artifact(tmp_path_factory.mktemp("tiny"), network)
    export(written)
    return written.folder


@pytest.fixture(scope="module")
def report(tiny, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "RESULTS.md"
    arguments = ["--artifact", str(tiny), "--size", "64x128", "--runs", "1", "--write", str(path)]
    assert engines.main(arguments) == 0
    return path.read_text("utf-8")


def test_table_has_a_row_for_each_stage_and_a_column_for_each_engine(report):
    head, rule, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines() if line[:1] == "|"
    ]
    assert head == ["stage", "what happens", "openvino, ms", "tensorflow, ms"]
    assert len(rule) == len(head)
    assert [row[0] for row in rows] == [*engines.STAGES, "**request**"]
    assert all(NUMBERS.fullmatch(cell) for row in rows for cell in row[2:])


def test_report_compares_the_engines(report):
    assert NUMBERS.search(re.search(r"tensorflow / openvino, run by run: (.*)", report)[1])
    share = re.search(r"equal labels on both engines: ([\d.]+)%", report)[1]
    assert float(share) > 99.9


def test_report_says_what_was_measured_on_what(report):
    for words in ("64 x 128 (height x width)", "openvino f32, tensorflow f32", "cores to use", "load", "numpy "):
        assert words in report


def test_is_a_command_from_anywhere(repository, tmp_path):
    command = [sys.executable, str(repository / "bench" / "engines.py"), "--runs", "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "received 'none', expected a whole number" in done.stderr
