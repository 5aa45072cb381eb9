"""Every format gives Keras's own answers in its own runtime, and says what it is; a file that does not is refused."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from model.training.exporting.formats import FORMATS
from model.training.exporting.making import make
from model.training.exporting.placing import fingerprint, parts
from model.verbs.export import NAMES

each_format = pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("bfloat16", "int8")])
IMAGES = np.random.default_rng(3).integers(0, 256, (3, 32, 64, 3), np.uint8)


def test_the_command_line_offers_every_format():
    assert tuple(FORMATS) == NAMES


@each_format
def test_a_file_answers_as_keras_does_and_nothing_else_is_left(name, reference):
    before = set(reference.artifact.folder.iterdir())
    made = make(FORMATS[name], reference)
    assert made.agreement.images == 8
    assert made.agreement.difference < (0.05 if "-" in name else 1e-5)
    assert made.agreement.equal_labels > (0.98 if "-" in name else 0.9999)
    top = {made.path} if made.path.is_dir() else set(parts(made.path))
    assert set(reference.artifact.folder.iterdir()) - before == top


@each_format
def test_another_network_is_refused_and_replaces_nothing(name, reference, request):
    made = make(FORMATS[name], reference)
    before = fingerprint(made.path)
    # One kernel is not what Keras answered with: as if the converter had lost it.
    kept = reference.network.get_weights()
    request.addfinalizer(lambda: reference.network.set_weights(kept))
    reference.network.set_weights([np.roll(kept[0], 1, axis=-1), *kept[1:]])
    with pytest.raises(ValueError, match=rf"tiny-\w+ as {name} is not the same network on .*was left as it was"):
        make(FORMATS[name], reference)
    assert fingerprint(made.path) == before
    assert not list(reference.artifact.folder.glob("export-*"))


@each_format
@pytest.mark.parametrize("content", [b"", b"this is no network"], ids=["empty", "text"])
def test_a_file_that_its_runtime_cannot_read_is_refused(name, content, reference):
    def convert(network, artifact, path: Path):
        path.write_bytes(content)
        path.with_suffix(".bin").write_bytes(content)

    with pytest.raises(ValueError, match=rf"as {name} is not the same network.*cannot (be )?read"):
        make(replace(FORMATS[name], convert=convert), reference)
    assert {path.name for path in reference.artifact.folder.iterdir()} == {"tiny.keras", "card.json"}


def test_what_cannot_be_converted_is_refused_in_words(reference):
    def convert(network, artifact, path):
        raise ValueError("no such operation: Erf")

    with pytest.raises(ValueError, match=r"tiny-\w+ as onnx: no such operation: Erf\. .*tiny\.onnx was left"):
        make(replace(FORMATS["onnx"], convert=convert), reference)


def test_a_file_may_go_to_another_folder(reference, tmp_path):
    made = make(FORMATS["onnx"], reference, folder=tmp_path / "deep" / "out")
    assert made.path == tmp_path / "deep" / "out" / "tiny.onnx"
    assert not list(reference.artifact.folder.glob("*.onnx"))


def test_onnx_takes_pixels_of_any_batch_and_says_what_it_is(reference):
    session = onnxruntime.InferenceSession(make(FORMATS["onnx"], reference).path)
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("images", "tensor(uint8)", ["batch", 32, 64, 3])
    assert (given.name, given.type, given.shape) == ("probabilities", "tensor(float)", ["batch", 32, 64, 8])
    together = session.run(None, {"images": IMAGES})[0]
    singly = [session.run(None, {"images": image[np.newaxis]})[0][0] for image in IMAGES]
    np.testing.assert_allclose(together, singly, atol=1e-6)
    _says_what_it_is(session.get_modelmeta().custom_metadata_map, reference)


def test_litert_takes_pixels_and_carries_its_labels(reference):
    path = make(FORMATS["litert"], reference).path
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    (taken,), (given,) = runner.get_input_details().items(), runner.get_output_details().items()
    assert (taken[0], taken[1]["dtype"], taken[1]["shape"].tolist()) == ("images", np.uint8, [1, 32, 64, 3])
    assert (given[0], given[1]["dtype"], given[1]["shape"].tolist()) == ("probabilities", np.float32, [1, 32, 64, 8])
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode().split() == list(reference.artifact.names)
        _says_what_it_is(json.loads(archive.read("metadata.json")), reference)


def test_rounded_litert_files_are_smaller(reference):
    sizes = [make(FORMATS[name], reference).path.stat().st_size for name in ("litert", "litert-float16")]
    assert sizes[1] < sizes[0]


def test_savedmodel_takes_pixels_of_any_batch_and_says_what_it_is(reference):
    import tensorflow

    path = make(FORMATS["savedmodel"], reference).path
    signature = tensorflow.saved_model.load(path).signatures["serving_default"]
    taken = signature.structured_input_signature[1]["images"]
    assert (taken.dtype, taken.shape.as_list()) == (tensorflow.uint8, [None, 32, 64, 3])
    assert signature.structured_outputs["probabilities"].shape.as_list() == [None, 32, 64, 8]
    _says_what_it_is(json.loads((path / "assets.extra" / "metadata.json").read_text()), reference)


def _says_what_it_is(metadata: dict, reference) -> None:
    card = reference.artifact.card
    assert metadata["keras_sha256"] == card["keras_sha256"]
    assert metadata["version"] == reference.artifact.version
    assert metadata["categories"] == "void,flat,construction,object,nature,sky,human,vehicle"
    assert json.loads(metadata["colors"])[1] == card["categories"][1]["color"]
    assert json.loads(metadata["terms"]) == card["terms"]
