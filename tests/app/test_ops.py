"""Health, readiness and the model card."""

from __future__ import annotations

import io
import json
import threading

import pytest
from PIL import Image

from app import create_app
from model import artifact
from model.artifact import ArtifactError
from tests.app.clients import FakeSegmenter, assert_problem, card, post


class WarmingSegmenter(FakeSegmenter):
    """Takes as long to warm as the test wants."""

    def __init__(self):
        super().__init__()
        self.warm = threading.Event()

    def warm_up(self):
        assert self.warm.wait(10)
        return 0.1


@pytest.fixture
def folder(tmp_path):
    """An artifact folder with a card and no network to speak of."""
    artifact.write_card(tmp_path, card())
    artifact.Artifact(tmp_path, card()).keras_path.write_bytes(b"")
    return str(tmp_path)


def wait_for_loading():
    for thread in threading.enumerate():
        if thread.name == "load-network":
            thread.join(10)


def test_a_given_network_is_ready_at_once(client):
    assert client.get("/livez").get_json() == {"status": "alive"}
    assert client.get("/readyz").get_json() == {"status": "ready", "model": "fake-0123456789ab"}


def test_lives_at_once_and_is_ready_once_warm(monkeypatch, folder, png):
    segmenter = WarmingSegmenter()
    monkeypatch.setattr("model.inference.segmenter.load", lambda folder, **options: segmenter)
    client = create_app({"ARTIFACT": folder}).test_client()
    assert client.get("/livez").status_code == 200
    for response in (client.get("/readyz"), post(client, png)):
        assert_problem(response, 503, says="being loaded")
        assert int(response.headers["Retry-After"]) >= 1
    assert client.get("/").status_code == 200
    segmenter.warm.set()
    wait_for_loading()
    assert client.get("/readyz").status_code == 200
    assert post(client, png).status_code == 200


def test_the_card_is_there_before_what_runs_the_network(monkeypatch, folder):
    segmenter = WarmingSegmenter()
    asked = threading.Event()
    monkeypatch.setattr("model.inference.segmenter.load", lambda folder, **options: asked.set() or segmenter)
    client = create_app({"ARTIFACT": folder}).test_client()
    assert asked.wait(10)
    assert client.get("/model").get_json()["engine"] is None
    segmenter.warm.set()
    wait_for_loading()
    assert client.get("/model").get_json()["engine"] == {"name": "fake", "precision": "f32"}


def test_loads_what_the_settings_name(monkeypatch, folder):
    received = []
    segmenter = WarmingSegmenter()
    segmenter.warm.set()
    monkeypatch.setattr(
        "model.inference.segmenter.load", lambda folder, **options: received.append((folder, options)) or segmenter
    )
    create_app({"ARTIFACT": folder, "ENGINE": "tensorflow", "PRECISION": "f32"})
    wait_for_loading()
    assert received == [(folder, {"engine": "tensorflow", "precision": "f32", "input_size": None})]


def test_it_serves_at_the_size_that_the_settings_name(small_network, png):
    client = create_app({"INPUT_SIZE": "96x64"}).test_client()
    wait_for_loading()
    answer = post(client, png, query_string={"format": "mask", "size": "network"})
    assert Image.open(io.BytesIO(answer.data)).size == (96, 64)
    assert answer.headers["X-Model-Version"].endswith("-96x64")
    body = client.get("/model").get_json()
    assert body["version"] == answer.headers["X-Model-Version"]
    assert (body["input"]["height"], body["input"]["width"]) == (64, 96)
    assert body["input"]["exported"] == {"height": 32, "width": 64}
    page = client.get("/model", headers={"Accept": "text/html"}).text
    assert "96 × 64 pixels, RGB; the scores below are of 64 × 32" in page


def test_a_network_that_cannot_be_loaded_is_told_without_paths(tmp_path, caplog):
    client = create_app({"ARTIFACT": str(tmp_path / "missing")}).test_client()
    wait_for_loading()
    for path in ("/readyz", "/model"):
        response = client.get(path)
        assert_problem(response, 503, says="could not be loaded")
        assert "missing" not in response.text
        assert "Retry-After" not in response.headers
    assert client.get("/livez").status_code == 200
    assert issubclass(caplog.records[-1].exc_info[0], ArtifactError)


def test_model_is_the_card(client):
    body = client.get("/model").get_json()
    assert body["version"] == "fake-0123456789ab"
    assert [category["name"] for category in body["categories"]][:2] == ["void", "flat"]
    assert body["input"]["height"] == 32
    assert body["engine"] == {"name": "fake", "precision": "f32"}


def test_model_tells_no_folders(client):
    body = client.get("/model").get_json()
    assert body["training"] == {"data": "cityscapes", "source": "https://example.org/a/b"}
    assert "/home" not in json.dumps(body)
