"""The contenders give our answer: what is compared is how fast, not what."""

from __future__ import annotations

import base64
import importlib
import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from bench import photographs
from bench.inprocess import KEEPING
from bench.trials import equal_share
from model.inference import images, render, segmenter


@pytest.fixture(scope="module")
def pictures() -> photographs.Set:
    return photographs.generated(1)


@pytest.fixture(scope="module")
def ours(pictures):
    """Our float32 answer: overlay as uint8 BGR, and labels."""
    image = images.decode(pictures.files[0])
    segmentation = segmenter.load(engine="openvino", precision="f32").segment(image)
    return np.ascontiguousarray(render.overlay(image, segmentation)[..., ::-1]), segmentation.labels


@pytest.fixture(scope="module")
def artifact_folder(repository):
    pytest.importorskip("keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "tensorflow")
        patch.setenv("STREETSEG_ARTIFACT", str(repository / "model" / "artifacts" / "unet"))
        yield


@pytest.fixture(scope="module")
def tutorial(artifact_folder):
    return importlib.import_module("bench.contenders.tutorial").app.test_client()


@pytest.mark.long
def test_tutorial_draws_our_overlay(tutorial, pictures, ours):
    answer = tutorial.post("/predict", data=pictures.files[0], content_type="image/jpeg")
    assert answer.mimetype == "image/png"
    assert equal_share(answer.data, ours[0]) >= 0.999


@pytest.mark.long
def test_tutorial_counts_our_labels(tutorial, pictures, ours):
    answer = tutorial.post("/predict?format=json", data=pictures.files[0], content_type="image/jpeg").json
    labels = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["mask"]))))
    assert np.mean(labels == ours[1]) >= 0.999
    assert [each["pixels"] for each in answer["categories"]] == np.bincount(labels.ravel(), minlength=8).tolist()


@pytest.mark.long
def test_frameworks_draw_our_overlay(artifact_folder, pictures, ours):
    from bench.contenders.keras_network import KerasNetwork

    assert equal_share(KerasNetwork().overlay_png(pictures.files[0]), ours[0]) >= 0.999


def test_equal_share_forgives_rounding_only():
    reference = np.full((2, 2, 3), 100, np.uint8)
    image = reference.copy()
    image[0, 0] += 1
    image[1, 1, 2] += 2
    assert equal_share(cv2.imencode(".png", image)[1].tobytes(), reference) == 0.75


def test_photographs_of_a_folder_are_jpeg_in_memory(tmp_path):
    Image.new("RGB", (40, 20), (200, 10, 10)).save(tmp_path / "b.png")
    Image.new("RGB", (30, 20), (10, 10, 200)).save(tmp_path / "a.jpg")
    found = photographs.folder(tmp_path, 5)
    assert found.sizes == [(20, 30), (20, 40)]
    assert found.files[0] == (tmp_path / "a.jpg").read_bytes()
    assert Image.open(io.BytesIO(found.files[1])).format == "JPEG"
    assert "1 of them converted to JPEG quality 95" in found.what


def test_masks_beside_photographs_are_left_out(tmp_path):
    for name in ("gtFine/a/a_000001_000019_gtFine_color.png", "leftImg8bit/a/a_000001_000019_leftImg8bit.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("RGB", (8, 4)).save(tmp_path / name)
    assert len(photographs.folder(tmp_path, 5).files) == 1


def test_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="No JPEG or PNG file"):
        photographs.folder(tmp_path, 5)


def test_codecs_keep_memory_as_the_service_does(repository):
    script = (repository / "startup.sh").read_text("utf-8")
    assert dict(re.findall(r'^export (\w+)="\$\{\w+:-(\S+)\}"', script, re.MULTILINE)) == KEEPING


def test_requirements_are_pinned(repository):
    for line in (repository / "bench" / "requirements.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"(#.*|-r \S+|[A-Za-z0-9._-]+(\[\w+\])?==[0-9][\w.]*|)", line), line


def test_requirements_agree_with_those_for_training(repository):
    pins = [
        dict(re.findall(r"^([\w-]+)==(\S+)", (repository / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "bench/requirements.txt")
    ]
    shared = pins[0].keys() & pins[1].keys()
    assert {"tensorflow", "keras"} <= shared
    assert {name: pins[0][name] for name in shared} == {name: pins[1][name] for name in shared}
