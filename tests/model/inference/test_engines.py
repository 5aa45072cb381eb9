from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model import artifact as artifacts
from model import preprocessing
from model.artifact import ArtifactError
from model.inference import engines, images, processors, segmenter
from model.inference.engines import EngineError, OpenVinoEngine, TensorFlowEngine
from model.training.exporting.openvino_files import export

SIZE = (32, 64)


def _images(batch: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (batch, *SIZE, 3), np.uint8)


def _copy(artifact: artifacts.Artifact, folder) -> artifacts.Artifact:
    shutil.copytree(artifact.folder, folder, dirs_exist_ok=True)
    return artifacts.read(folder)


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    return float((first.argmax(-1) == second.argmax(-1)).mean())


@pytest.fixture(scope="module")
def tensorflow_engine(tiny_artifact) -> TensorFlowEngine:
    return TensorFlowEngine(tiny_artifact)


@pytest.fixture(scope="module")
def openvino_engine(tiny_artifact) -> OpenVinoEngine:
    return OpenVinoEngine(tiny_artifact)


def test_both_engines_agree_on_random_images(openvino_engine, tensorflow_engine):
    first = openvino_engine.probabilities(_images(8))
    second = tensorflow_engine.probabilities(_images(8))
    assert len(np.unique(first.argmax(-1))) >= 4
    assert _agreement(first, second) >= 0.999
    assert np.abs(first - second).max() < 1e-4


@pytest.mark.parametrize("size", [(64, 32), (96, 160)])
def test_both_engines_agree_at_another_size(tiny_artifact, size):
    batch = np.random.default_rng(3).integers(0, 256, (4, *size, 3), np.uint8)
    first, second = (
        engine(tiny_artifact.at(size)).probabilities(batch) for engine in (OpenVinoEngine, TensorFlowEngine)
    )
    assert first.shape == (4, *size, 8)
    assert len(np.unique(first.argmax(-1))) >= 4
    assert np.abs(first - second).max() < 1e-4


def test_a_file_that_bears_no_other_size_is_told(tiny_artifact, tmp_path):
    from openvino import Core, opset13, save_model

    copy = _copy(tiny_artifact, tmp_path)
    model = Core().read_model(copy.openvino_path)
    result = model.get_results()[0]
    # What knows its own size by heart.
    fixed = opset13.reshape(result.input_value(0), np.array([1, 8, *SIZE]), special_zero=False)
    result.input(0).replace_source_output(fixed.output(0))
    # The file's numbers are read where they lie, so it is not written over.
    save_model(model, tmp_path / "fixed.xml", compress_to_fp16=False)
    for suffix in (".xml", ".bin"):
        (tmp_path / "fixed.xml").with_suffix(suffix).replace(copy.openvino_path.with_suffix(suffix))
    OpenVinoEngine(copy)
    with pytest.raises(EngineError, match=r"does not bear the input size 128x64\. Expected .* the engine tensorflow"):
        OpenVinoEngine(copy.at((64, 128)))


def test_both_engines_agree_on_real_photographs(openvino_engine, tensorflow_engine, photographs):
    resized = [preprocessing.resize_image(images.decode(path.read_bytes()), SIZE) for path in photographs]
    batch = np.stack(resized)
    assert _agreement(openvino_engine.probabilities(batch), tensorflow_engine.probabilities(batch)) >= 0.999


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_an_engine_gives_probabilities(name, tiny_artifact):
    engine = engines.create(name, tiny_artifact, precision="f32")
    result = engine.probabilities(_images(3))
    assert engine.name == name
    assert engine.precision == "f32"
    assert result.dtype == np.float32
    assert result.shape == (3, *SIZE, 8)
    assert np.allclose(result.sum(-1), 1, atol=0.02)


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_planes_are_the_probabilities_of_one_image(name, tiny_artifact):
    engine = engines.create(name, tiny_artifact, precision="f32")
    images = _images(2)
    expected = engine.probabilities(images)
    for image, probabilities in zip(images, expected, strict=True):
        with engine.planes(image) as planes:
            assert planes.shape == (8, *SIZE)
            assert planes.dtype == np.float32
            assert planes.flags.c_contiguous
            assert np.allclose(planes, probabilities.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_the_network_normalises_by_the_card(name, tiny_model, tmp_path, save_artifact):
    artifact = save_artifact(tmp_path, tiny_model)
    card = artifact.card | {"input": artifact.card["input"] | {"mean": 90.0, "std": 30.0}}
    artifacts.write_card(tmp_path, card)
    artifact = artifacts.read(tmp_path)
    export(artifact)
    images = _images(2)
    normalised = preprocessing.normalise(images, mean=90.0, std=30.0)
    received = engines.create(name, artifact, precision="f32").probabilities(images)
    assert np.abs(received - np.asarray(tiny_model(normalised, training=False))).max() < 1e-4


@pytest.mark.parametrize("kind", ["gaps", "read-only"])
def test_an_image_with_gaps_in_memory_or_read_only_gives_the_same(kind, openvino_engine):
    image = _images(1)[0]
    with openvino_engine.planes(image) as planes:
        expected = planes.copy()
    other = np.asfortranarray(image) if kind == "gaps" else image.copy()
    other.flags.writeable = False
    with openvino_engine.planes(other) as planes:
        assert np.array_equal(planes, expected)


def test_planes_of_two_open_blocks_are_not_mixed(openvino_engine):
    first, second = _images(2)
    with openvino_engine.planes(first) as planes:
        before = planes.copy()
        with openvino_engine.planes(second) as others:
            assert not np.allclose(others, before)
        assert np.array_equal(planes, before)


def test_openvino_uses_no_more_threads_than_there_are_processors(openvino_engine, tiny_artifact, monkeypatch):
    monkeypatch.setattr(processors, "count", lambda: 1)
    engine = OpenVinoEngine(tiny_artifact)
    assert engine.threads == 1
    assert OpenVinoEngine(tiny_artifact, threads=2).threads == 2


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_images_of_another_shape_are_refused(name, tiny_artifact):
    engine = engines.create(name, tiny_artifact)
    for wrong in (_images(1)[0], _images(1)[:, :16], _images(1).astype(np.float32), _images(1)[:0]):
        with pytest.raises(ValueError, match=r"Expected uint8 \(batch, 32, 64, 3\)"):
            engine.probabilities(wrong)
    for wrong in (_images(1), _images(1)[0, :16], _images(1)[0].astype(np.float32)):
        with pytest.raises(ValueError, match=r"Expected uint8 \(32, 64, 3\)"), engine.planes(wrong):
            pass


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_an_answer_is_not_overwritten_by_the_next(name, tiny_artifact):
    engine = engines.create(name, tiny_artifact)
    first = engine.probabilities(_images(1))
    before = first.copy()
    engine.probabilities(_images(1, seed=2))
    assert np.array_equal(first, before)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one thread takes the one processor that there is")
def test_threads_that_are_fewer_than_the_processors_are_bound_to_none(tiny_artifact):
    # Two such processes bound to the first processor would share it, and leave the others idle. Asked of OpenVINO: a
    # thread is bound only while it works.
    compiled = OpenVinoEngine(tiny_artifact, threads=1)._compiled
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


@pytest.mark.parametrize("name", ["openvino", "tensorflow"])
def test_threads_do_not_mix_their_answers(name, tiny_artifact):
    engine = engines.create(name, tiny_artifact)
    batches = [_images(1 + seed % 3, seed) for seed in range(12)]
    alone = [engine.probabilities(batch) for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(engine.probabilities, batches * 4))
    assert all(np.allclose(result, alone[index % 12], atol=1e-6) for index, result in enumerate(together))


def test_a_missing_compiled_file_is_refused_with_the_command(keras_only_artifact):
    with pytest.raises(EngineError, match="python -m model export --artifact") as caught:
        engines.create("openvino", keras_only_artifact)
    assert isinstance(caught.value, ArtifactError)


def test_a_compiled_file_of_another_network_is_refused_with_the_command(
    tiny_artifact, tiny_model, compile_openvino, tmp_path
):
    artifact = _copy(tiny_artifact, tmp_path)
    compile_openvino(artifact.openvino_path, tiny_model, keras_sha256="0" * 64)
    with pytest.raises(EngineError, match=r"another network.*python -m model export --artifact"):
        engines.create("openvino", artifact)


def test_a_compiled_file_of_unknown_origin_is_refused(tiny_artifact, tiny_model, compile_openvino, tmp_path):
    artifact = _copy(tiny_artifact, tmp_path)
    compile_openvino(artifact.openvino_path, tiny_model, keras_sha256=None)
    with pytest.raises(EngineError, match="does not say"):
        engines.create("openvino", artifact)


def test_a_compiled_file_of_another_size_is_refused(tiny_artifact, tiny_model, compile_openvino, tmp_path):
    artifact = _copy(tiny_artifact, tmp_path)
    sha256 = artifact.card["keras_sha256"]
    compile_openvino(artifact.openvino_path, tiny_model, size=(64, 64), keras_sha256=sha256)
    with pytest.raises(EngineError, match="as its card says"):
        engines.create("openvino", artifact)


def test_a_compiled_file_of_an_earlier_version_is_refused_with_the_command(
    tiny_artifact, tiny_model, compile_openvino, tmp_path
):
    artifact = _copy(tiny_artifact, tmp_path)
    compile_openvino(artifact.openvino_path, tiny_model, keras_sha256=artifact.card["keras_sha256"], pixels=False)
    with pytest.raises(EngineError, match=r"f32 \[1,32,64,3\].*Expected u8 \[1,32,64,3\].*python -m model export"):
        engines.create("openvino", artifact)


@pytest.mark.parametrize("damage", ["garbage", "no weights"])
def test_a_damaged_compiled_file_is_refused(damage, tiny_artifact, tmp_path):
    artifact = _copy(tiny_artifact, tmp_path)
    if damage == "garbage":
        artifact.openvino_path.write_text("not a network")
    else:
        artifact.openvino_path.with_suffix(".bin").unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        engines.create("openvino", artifact)


def test_auto_takes_openvino(tiny_artifact):
    assert engines.create("auto", tiny_artifact).name == "openvino"


def test_auto_falls_back_to_tensorflow_with_a_warning(keras_only_artifact, caplog):
    with caplog.at_level(logging.WARNING, logger=engines.__name__):
        engine = engines.create("auto", keras_only_artifact)
    assert engine.name == "tensorflow"
    assert "python -m model export" in caplog.text


def test_auto_without_tensorflow_refuses_and_names_the_command(keras_only_artifact, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find_spec(name))
    with pytest.raises(EngineError, match=r"python -m model export.*not installed"):
        engines.create("auto", keras_only_artifact)


def test_an_unknown_engine_is_refused(tiny_artifact):
    with pytest.raises(ValueError, match="auto, openvino, tensorflow"):
        engines.create("tensorrt", tiny_artifact)


def test_openvino_not_installed_is_said(tiny_artifact, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else find_spec(name))
    with pytest.raises(EngineError, match="OpenVINO is not installed"):
        engines.create("openvino", tiny_artifact)


def test_tensorflow_not_installed_is_said(tiny_artifact, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(EngineError, match=r"requirements\.txt"):
        engines.create("tensorflow", tiny_artifact)


def test_keras_on_another_backend_is_refused(tiny_artifact, monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(EngineError, match=r"runs on jax.*KERAS_BACKEND=tensorflow"):
        engines.create("tensorflow", tiny_artifact)


def test_tensorflow_refuses_a_network_that_is_not_the_card_s(tiny_artifact, tmp_path):
    artifact = _copy(tiny_artifact, tmp_path)
    with open(artifact.keras_path, "ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match="SHA-256"):
        engines.create("tensorflow", artifact)


def test_the_shipped_network_gives_the_same_labels_on_both_engines(photographs, tiny_model):
    artifact = artifacts.read(artifacts.DEFAULT_FOLDER)
    keras = segmenter.Segmenter(artifact, TensorFlowEngine(artifact))
    shares = {"f32": 0.999, "int8": 0.98}
    compiled = {name: segmenter.Segmenter(artifact, OpenVinoEngine(artifact, precision=name)) for name in shares}
    for path in photographs:
        image = images.decode(path.read_bytes())
        wanted = keras.segment(image).labels
        for name, share in shares.items():
            assert (compiled[name].segment(image).labels == wanted).mean() >= share, (name, path)
