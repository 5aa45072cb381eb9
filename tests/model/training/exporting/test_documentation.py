"""The examples of docs/export.md, as they stand, each against what the service would say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino
import pytest
from PIL import Image

from model import artifact as artifacts
from model.__main__ import main
from model.data import synthetic
from model.inference import engines, images
from model.inference.segmenter import Segmenter

EXAMPLE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
EXPORTED = "openvino,onnx,litert,savedmodel"


@pytest.fixture(scope="module")
def examples(repository):
    """The examples of the page, as pairs of language and text."""
    return EXAMPLE.findall((repository / "docs" / "export.md").read_text("utf-8"))


@pytest.fixture(scope="module")
def folder(tiny_folder, tmp_path_factory) -> Path:
    """A tiny network under the name that the page gives it, exported, beside a photograph larger than it."""
    artifact = artifacts.read(tiny_folder)
    folder = tmp_path_factory.mktemp("exported")
    shutil.copy(artifact.keras_path, folder / "unet.keras")
    artifacts.write_card(folder, artifact.card | {"name": "unet"})
    assert main(["export", "--artifact", str(folder), "--format", EXPORTED]) == 0
    Image.fromarray(synthetic.scene(7, size=(96, 200))[0]).save(folder / "street.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def expected(folder) -> np.ndarray:
    """The labels that the service gives the photograph."""
    artifact = artifacts.read(folder)
    segmenter = Segmenter(artifact, engines.create("tensorflow", artifact))
    return segmenter.segment(images.decode((folder / "street.jpg").read_bytes())).labels


@pytest.mark.parametrize("library", ["onnxruntime", "ai_edge_litert", "import tensorflow", "import openvino"])
def test_an_example_gives_the_labels_of_the_service(library, examples, folder, expected, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (code,) = [text for language, text in examples if language == "python" and library in text]
    found = {}
    exec(compile(code, "docs/export.md", "exec"), found)
    assert len(np.unique(expected)) > 2
    assert (found["labels"] == expected).mean() > 0.999
    if library == "onnxruntime":
        assert capsys.readouterr().out.splitlines()[1].split()[0] == "flat"
    elif library == "ai_edge_litert":
        assert found["names"] == list(artifacts.read(folder).names)


def test_every_python_example_is_run(examples):
    assert [language for language, _ in examples].count("python") == 4


@pytest.mark.long
def test_the_example_in_cpp_compiles_and_gives_the_labels_of_python(examples, folder, tmp_path):
    if shutil.which("g++") is None or not sys.platform.startswith("linux"):
        pytest.skip("needs g++ on Linux")
    (code,) = [text for language, text in examples if language == "cpp"]
    (tmp_path / "street.cpp").write_text(code)
    package = Path(openvino.__file__).parent
    (library,) = (package / "libs").glob("libopenvino.so.*")
    command = ["g++", "-std=c++17", "street.cpp", "-I", package / "include", library, "-o", "street"]
    subprocess.run([*command, f"-Wl,-rpath,{package / 'libs'}"], cwd=tmp_path, check=True, timeout=300)
    image = np.random.default_rng(1).integers(0, 256, (32, 64, 3), np.uint8)
    answer = subprocess.run([tmp_path / "street"], cwd=folder, input=image.tobytes(), capture_output=True, check=True)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    planes = openvino.Core().compile_model(folder / "unet.openvino.xml", "CPU", exact)(image[np.newaxis])[0][0]
    assert answer.stdout == planes.argmax(0).astype(np.uint8).tobytes()


def test_the_command_of_the_page_is_one_that_the_verb_takes(examples):
    from model.__main__ import _parser

    (command,) = [text for language, text in examples if language == "sh" and "model export" in text]
    options = _parser().parse_args(command.split()[3:])
    assert options.format == ("onnx", "litert", "savedmodel")


def test_the_page_names_every_format_and_its_file(repository):
    from model.training.exporting.formats import FORMATS

    page = (repository / "docs" / "export.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (?:`unet(\.[\w.]+)|the same)", page, flags=re.MULTILINE))
    assert list(rows) == list(FORMATS)
    assert all(rows[name] in ("", FORMATS[name].suffix) for name in FORMATS)
