"""What was made takes the place of what was there, whole."""

from __future__ import annotations

import os
import subprocess

import pytest

from model.training.exporting.placing import fingerprint, parts, put_in_place


def written(folder, names: dict[str, str]):
    """A folder with files of these contents by name."""
    for name, content in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_a_file_replaces_a_file(tmp_path):
    written(tmp_path, {"new/a.onnx": "new", "a.onnx": "old"})
    put_in_place(tmp_path / "new" / "a.onnx", tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_text() == "new"
    assert not list((tmp_path / "new").iterdir())


def test_both_halves_of_an_openvino_file_go_together(tmp_path):
    written(tmp_path, {"new/a.xml": "graph", "new/a.bin": "weights", "a.xml": "old", "a.bin": "old"})
    put_in_place(tmp_path / "new" / "a.xml", tmp_path / "a.xml")
    assert [(tmp_path / name).read_text() for name in ("a.xml", "a.bin")] == ["graph", "weights"]
    assert parts(tmp_path / "a.xml") == [tmp_path / "a.bin", tmp_path / "a.xml"]


def test_killed_between_openvinos_two_files_no_network_is_left(tmp_path, monkeypatch):
    written(tmp_path, {"new/a.xml": "graph", "new/a.bin": "weights", "a.xml": "old", "a.bin": "old"})
    replace = os.replace

    def killed(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put_in_place(tmp_path / "new" / "a.xml", tmp_path / "a.xml")
    assert (tmp_path / "a.bin").read_text() == "weights"
    assert not (tmp_path / "a.xml").exists()


def test_a_folder_replaces_a_folder_and_all_that_was_in_it(tmp_path):
    written(tmp_path, {"new/a.savedmodel/one": "new", "a.savedmodel/one": "old", "a.savedmodel/two": "old"})
    put_in_place(tmp_path / "new" / "a.savedmodel", tmp_path / "a.savedmodel")
    assert {path.name: path.read_text() for path in (tmp_path / "a.savedmodel").iterdir()} == {"one": "new"}
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_takes_an_empty_place(tmp_path):
    written(tmp_path, {"new/a.savedmodel/one": "new"})
    put_in_place(tmp_path / "new" / "a.savedmodel", tmp_path / "a.savedmodel")
    assert (tmp_path / "a.savedmodel" / "one").read_text() == "new"


def test_a_file_s_fingerprint_is_its_sha256(tmp_path):
    path = written(tmp_path, {"a.onnx": "abc"}) / "a.onnx"
    assert fingerprint(path) == subprocess.check_output(["sha256sum", path], text=True).split()[0]


def test_a_folder_s_fingerprint_is_that_of_what_sha256sum_prints(tmp_path):
    folder = written(tmp_path / "a.savedmodel", {"saved_model.pb": "graph", "variables/variables.index": "index"})
    command = "find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    assert fingerprint(folder) == subprocess.check_output(command, shell=True, cwd=folder, text=True).split()[0]
