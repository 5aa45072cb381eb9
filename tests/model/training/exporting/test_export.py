"""`python -m model export` makes files that give Keras's own answers, and replaces nothing by a wrong one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import onnx
import openvino
import pytest

from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.inference import engines
from model.inference.segmenter import Segmenter
from model.training.exporting import checks, formats, onnx_file, openvino_files, quantise
from model.training.exporting.conversion import convolutions


@pytest.fixture
def fresh(tiny):
    """The folder of a tiny network, nothing exported."""
    return tiny.folder


@pytest.fixture
def unet(trained, tmp_path):
    """A copy of the trained artifact, without compiled files."""
    return artifact.read(shutil.copytree(trained, tmp_path / "unet"))


@pytest.fixture
def export(fresh):
    """A function that runs `python -m model export` on the tiny network and returns its exit status."""
    return lambda *words: main(["export", "--artifact", str(fresh), *words])


def test_the_compiled_network_gives_the_labels_of_keras(unet, capsys):
    assert main(["export", "--artifact", str(unet.folder)]) == 0
    assert unet.version in capsys.readouterr().out
    image, _ = synthetic.scene(11)
    loaded = [engines.create(name, unet, precision="f32") for name in ("openvino", "tensorflow")]
    answers = [Segmenter(unet, engine).segment(image) for engine in loaded]
    assert (answers[0].labels == answers[1].labels).mean() >= 0.999
    assert np.abs(answers[0].confidence.astype(int) - answers[1].confidence).max() <= 1


def test_nothing_is_left_behind_but_the_compiled_network(fresh):
    before = {path.name for path in fresh.iterdir()}
    loaded = artifact.read(fresh)
    openvino_files.export(loaded)
    stem = loaded.keras_path.stem
    assert {path.name for path in fresh.iterdir()} - before == {f"{stem}.openvino.xml", f"{stem}.openvino.bin"}


def test_a_network_that_answers_otherwise_replaces_nothing(fresh, export, monkeypatch, capsys):
    assert export() == 0
    loaded = artifact.read(fresh)
    before = loaded.openvino_path.read_bytes()
    monkeypatch.setattr(checks.Reference, "compare", lambda *_: checks.Agreement(0.5, 0.9, 8, (0.25,) * 8))
    assert export() == 2
    words = capsys.readouterr().err
    assert f"{loaded.version} as openvino is not the same network on openvino" in words
    assert (
        "differ from Keras's by up to 0.5, and by more than 0.001 in more than 0% of the pixels of 8 of 8 images"
        in words
    )
    assert "; 90.00% of labels" in words
    assert "openvino.xml was left as it was" in words
    assert loaded.openvino_path.read_bytes() == before


def test_a_keras_file_that_is_not_the_card_s_is_refused(fresh, export, capsys):
    with open(artifact.read(fresh).keras_path, "ab") as file:
        file.write(b"x")
    assert export() == 2
    assert "Its card was written for" in capsys.readouterr().err


def test_with_data_the_int8_file_is_made_too_and_the_card_tells_how(fresh, export, scenes, monkeypatch, capsys):
    asked = []

    def record(artifact, samples, *, reference, most_float_layers):
        asked.append((artifact.openvino_path.is_file(), len(samples), len(reference.images), most_float_layers))
        for path in (artifact.int8_path, artifact.int8_path.with_suffix(".bin")):
            path.write_bytes(b"int8")
        return quantise.Quantised(("block_2",), 300, 200, 0.0012, 0.9931, checks.Agreement(0.25, 0.9912, 8))

    monkeypatch.setattr(quantise, "quantise", record)
    assert export("--data", str(scenes)) == 0
    assert asked == [(True, 12, 8, 2)]
    assert "-0.0012" in capsys.readouterr().out
    card = artifact.read(fresh).card
    made = card["precisions"]["int8"]["made"]
    assert made["command"] == f"python -m model export --data {scenes} --split train --artifact {fresh}"
    assert (made["float_layers"], made["loss"], made["equal_labels"]) == (["block_2"], 0.0012, 0.9931)
    assert (card["exports"]["int8"]["difference"], card["exports"]["int8"]["bytes"]) == (0.25, 8)
    text = (fresh / "card.md").read_text()
    assert "kept in float32: `block_2`" in text
    assert "99.31%" in text
    assert export("--data", str(scenes), "--float-layers", "0") == 0
    assert asked[1:] == [(True, 12, 8, 0)]
    assert artifact.read(fresh).card["precisions"]["int8"]["made"]["command"].endswith(" --float-layers 0")
    assert export("--data", str(scenes), "--float-layers", "-1") == 2
    assert "--float-layers is -1. Expected 0, or how many may stay in float32." in capsys.readouterr().err


def test_several_formats_go_into_the_card_with_all_that_repeats_them(fresh, export, scenes, capsys):
    assert export("--format", "savedmodel,onnx", "--data", str(scenes), "--split", "val") == 0
    lines = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["onnx", "savedmodel"]
    loaded = artifact.read(fresh)
    entry = loaded.card["exports"]["onnx"]
    path = fresh / entry["file"]
    assert (entry["sha256"], entry["bytes"]) == (artifact.sha256(path), path.stat().st_size)
    assert entry["runtime"].startswith("onnxruntime ")
    assert (entry["images"], entry["data"], entry["split"]) == (2, str(scenes), "val")
    assert entry["difference"] < 1e-3
    assert entry["equal_labels"] > 0.999
    words = f"python -m model export --data {scenes} --split val --artifact {fresh} --format savedmodel,onnx"
    assert entry["command"] == words
    assert f"| onnx | `{entry['file']}` |" in (fresh / "card.md").read_text()


def test_one_format_that_fails_does_not_keep_the_others_back(fresh, export, monkeypatch, capsys):
    def convert(network, artifact, path):
        raise ValueError("no such operation: Erf")

    monkeypatch.setitem(formats.FORMATS, "onnx", replace(formats.FORMATS["onnx"], convert=convert))
    assert export("--format", "onnx,litert") == 2
    captured = capsys.readouterr()
    assert "as onnx: no such operation: Erf" in captured.err
    assert captured.out.startswith("litert: ")
    assert list(artifact.read(fresh).card["exports"]) == ["litert"]


@pytest.mark.parametrize("large", [1, 300])
def test_weights_that_go_round_the_converter_arrive(large, fresh, export, monkeypatch):
    monkeypatch.setattr(onnx_file, "LARGE", large)
    # Each export is held against Keras.
    assert export("--format", "onnx") == 0
    graph = onnx.load(fresh / f"{artifact.read(fresh).keras_path.stem}.onnx").graph
    assert [port.name for port in graph.input] == ["images"]
    onnx.checker.check_graph(graph)


def test_files_that_serving_does_not_run_may_go_elsewhere(fresh, export, tmp_path):
    out = tmp_path / "out"
    assert export("--format", "openvino,onnx", "--out", str(out)) == 0
    stem = artifact.read(fresh).keras_path.stem
    assert [path.name for path in out.iterdir()] == [f"{stem}.onnx"]
    assert (fresh / f"{stem}.openvino.xml").is_file()


def test_bfloat16_is_left_unchecked_in_words_where_the_processor_has_none(fresh, export, monkeypatch, capsys):
    def load(path, artifact):
        raise engines.EngineError("Precision bf16 was asked for, and OpenVINO takes f32 on this processor.")

    monkeypatch.setattr(openvino_files, "load_bfloat16", load)
    assert export("--format", "bfloat16") == 0
    assert "bfloat16 was not checked: Precision bf16 was asked for" in capsys.readouterr().out
    assert list(artifact.read(fresh).card["exports"]) == ["openvino"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "int8"], "Received no --data. Expected the folder of training images, on which int8"),
        (
            ["--format", "onnx,tflite"],
            "received 'tflite', expected names out of openvino, bfloat16, int8, onnx, litert",
        ),
        (["--format", ""], "received '', expected names"),
    ],
)
def test_flags_that_cannot_be_met_are_refused(words, message, capsys):
    try:
        status = main(["export", "--artifact", "nowhere", *words])
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_all_means_all_that_can_be_made(monkeypatch, capsys):
    from model.verbs import export as verb

    made = []
    monkeypatch.setattr(verb, "_export", lambda name, *_: made.append(name))
    monkeypatch.setattr(checks, "Reference", lambda *_: None)
    assert main(["export", "--format", "all"]) == 0
    assert made == [name for name in verb.NAMES if name != "int8"]
    assert "int8 is left out: it needs --data" in capsys.readouterr().out
    made.clear()
    assert main(["export", "--format", "all", "--data", "synthetic"]) == 0
    assert made == list(verb.NAMES)


def test_convolutions_have_the_names_of_keras_layers(unet):
    openvino_files.export(unet)
    names = [node.get_friendly_name() for node in convolutions(openvino.Core().read_model(unet.openvino_path))]
    assert len(names) == len(set(names)) == 64
    assert names[0].startswith("Conv1")
    assert names[-1].startswith("head")
