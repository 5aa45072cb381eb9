"""Which arithmetic a processor is given, and what is said where it cannot have what was asked for."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest

from model import artifact as artifacts
from model.inference import engines, processors
from model.inference.engines import EngineError

VNNI = frozenset({"avx2", "avx512f", "avx512_vnni"})


@pytest.fixture
def with_int8(tiny_artifact, tmp_path) -> artifacts.Artifact:
    """A copy of the tiny artifact whose int8 file is the float one under the other name."""
    copy = artifacts.read(shutil.copytree(tiny_artifact.folder, tmp_path / "artifact"))
    for suffix in (".xml", ".bin"):
        shutil.copy(copy.openvino_path.with_suffix(suffix), copy.int8_path.with_suffix(suffix))
    return copy


@pytest.fixture
def processor_with(monkeypatch):
    """Make this process believe that its processor has these flags."""
    return lambda flags: monkeypatch.setattr(processors, "flags", lambda: frozenset(flags))


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ({"amx_tile", "amx_bf16", "amx_int8", "avx512_vnni", "avx512_bf16"}, "bf16"),
        ({"avx512f", "avx512_vnni"}, "int8"),
        ({"avx2", "avx_vnni"}, "int8"),
        ({"amx_tile", "avx512_vnni"}, "int8"),
        ({"avx512f", "avx2"}, "f32"),
        ({"asimd", "asimddp"}, "f32"),
        (set(), "f32"),
    ],
)
def test_a_processor_gets_what_it_does_well(flags, precision):
    assert engines.suited_precision(frozenset(flags)) == precision


def test_auto_takes_the_int8_file_where_the_processor_has_vnni(with_int8, processor_with):
    processor_with(VNNI)
    assert engines.create("auto", with_int8).precision == "int8"


def test_auto_takes_float_where_the_processor_has_nothing_better(with_int8, processor_with):
    processor_with({"avx2"})
    assert engines.create("auto", with_int8).precision == "f32"


def test_auto_without_an_int8_file_runs_float_and_names_the_command_once(tiny_artifact, processor_with, caplog):
    processor_with(VNNI)
    with caplog.at_level(logging.INFO, logger=engines.__name__):
        assert engines.create("auto", tiny_artifact).precision == "f32"
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert f"python -m model export --artifact {tiny_artifact.folder} --data" in record.getMessage()


@pytest.mark.parametrize("fault", ["damaged", "stale"])
def test_auto_with_an_int8_file_that_cannot_run_warns_and_runs_float(
    fault, with_int8, processor_with, caplog, tiny_model, compile_openvino
):
    processor_with(VNNI)
    if fault == "damaged":
        with_int8.int8_path.with_suffix(".bin").unlink()
    else:
        compile_openvino(with_int8.int8_path, tiny_model, keras_sha256="0" * 64)
    with caplog.at_level(logging.INFO, logger=engines.__name__):
        engine = engines.create("auto", with_int8)
    assert (engine.name, engine.precision) == ("openvino", "f32")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "--data" in caplog.text


def test_one_precision_overrides_what_the_processor_does_well(with_int8, processor_with):
    processor_with({"avx2"})
    assert engines.create("auto", with_int8, precision="int8").precision == "int8"
    processor_with(VNNI)
    assert engines.create("auto", with_int8, precision="f32").precision == "f32"


@pytest.mark.parametrize("name", ["auto", "openvino"])
def test_int8_without_its_file_is_refused_with_the_command(name, tiny_artifact):
    with pytest.raises(EngineError, match=r"No tiny\.openvino\.int8\.xml.*export --artifact .* --data"):
        engines.create(name, tiny_artifact, precision="int8")


def test_bfloat16_differs_a_little_from_float(tiny_artifact):
    image = np.random.default_rng(3).integers(0, 256, (32, 64, 3), np.uint8)
    exact = engines.create("openvino", tiny_artifact, precision="f32").probabilities(image[np.newaxis])
    try:
        engine = engines.create("openvino", tiny_artifact, precision="bf16")
    except EngineError:
        pytest.skip("this processor has no bfloat16")
    assert engine.precision == "bf16"
    assert 1e-5 < np.abs(engine.probabilities(image[np.newaxis]) - exact).max() < 0.2


@pytest.mark.parametrize("name", ["auto", "openvino"])
def test_bfloat16_that_openvino_replaces_by_float_is_refused(name, tiny_artifact, monkeypatch):
    import openvino

    compile_model = openvino.Core.compile_model

    def without(core, model, device, options):
        return compile_model(core, model, device, options | {"INFERENCE_PRECISION_HINT": "f32"})

    monkeypatch.setattr(openvino.Core, "compile_model", without)
    with pytest.raises(EngineError, match=r"bf16 was asked for, and OpenVINO takes f32.*choose f32"):
        engines.create(name, tiny_artifact, precision="bf16")


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_tensorflow_has_float_only_and_says_so(precision, tiny_artifact):
    with pytest.raises(EngineError, match=rf"{precision} was asked for with the engine tensorflow.*f32"):
        engines.create("tensorflow", tiny_artifact, precision=precision)


def test_an_unknown_precision_is_refused(tiny_artifact):
    with pytest.raises(ValueError, match="auto, f32, bf16, int8"):
        engines.create("auto", tiny_artifact, precision="fp16")
