"""`huggingface_hub.InferenceClient`, unchanged, against the running service."""

from __future__ import annotations

import asyncio
import http.server
import threading

import numpy as np
import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

from model import categories
from model.inference import images


@pytest.fixture
def client(address, monkeypatch):
    # Nobody's token is sent along.
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return InferenceClient(model=f"http://{address}/compat/huggingface", timeout=60)


def assert_right(segments, expected):
    """Compare masks and scores with the network's own answer, exactly."""
    present = np.unique(expected.labels)
    assert [segment.label for segment in segments] == [categories.NAMES[category] for category in present]
    for category, segment in zip(present, segments, strict=True):
        here = expected.labels == category
        assert segment.mask.mode == "L"
        np.testing.assert_array_equal(np.array(segment.mask), np.where(here, 255, 0))
        assert segment.score == pytest.approx(expected.confidence[here].mean() / 255, abs=1e-12)


@pytest.mark.parametrize("read", [lambda path: path, str, lambda path: path.read_bytes()], ids=["Path", "str", "bytes"])
def test_whatever_the_client_takes(client, photograph, expected, read):
    assert_right(client.image_segmentation(read(photograph)), expected)


def test_with_every_parameter(client, photograph, expected):
    segments = client.image_segmentation(
        photograph, mask_threshold=0.0, overlap_mask_area_threshold=0.5, subtask="semantic", threshold=0.0
    )
    assert_right(segments, expected)


def test_threshold(client, photograph, expected):
    scores = {segment.label: segment.score for segment in client.image_segmentation(photograph)}
    middle = sorted(scores.values())[len(scores) // 2]
    kept = {segment.label for segment in client.image_segmentation(photograph, threshold=middle)}
    assert kept == {label for label, score in scores.items() if score >= middle}
    assert kept < set(scores)


def test_mask_threshold(client, photograph, expected):
    for segment in client.image_segmentation(photograph, mask_threshold=0.9):
        here = (expected.labels == categories.NAMES.index(segment.label)) & (expected.confidence >= 0.9 * 255)
        np.testing.assert_array_equal(np.array(segment.mask), np.where(here, 255, 0))


def test_void_never(address, network, image, photograph):
    client = InferenceClient(model=f"http://{address}/compat/huggingface?void=never", timeout=60)
    assert_right(client.image_segmentation(photograph), network.segment(image, void="never"))


def test_an_address_is_fetched_by_the_client(client, photograph, expected):
    askers = []

    class Pictures(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            askers.append(self.headers["User-Agent"])
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(photograph.read_bytes())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Pictures) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            segments = client.image_segmentation(f"http://127.0.0.1:{server.server_port}/street.png")
        finally:
            server.shutdown()
            thread.join()
    assert_right(segments, expected)
    assert len(askers) == 1
    assert "httpx" in askers[0]


# Its own way of sending bytes, which its HTTP library has renamed.
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_asynchronous_client(address, photograph, expected):
    async def ask():
        async with AsyncInferenceClient(model=f"http://{address}/compat/huggingface", timeout=60) as client:
            return await client.image_segmentation(photograph, subtask="semantic")

    assert_right(asyncio.run(ask()), expected)


def test_health_check(address):
    client = InferenceClient(model=f"http://{address}/compat/huggingface", provider="hf-inference", timeout=60)
    assert client.health_check()


def test_refusals_come_with_their_words(client, photograph):
    with pytest.raises(HfHubHTTPError, match="this network tells categories apart, not objects") as refused:
        client.image_segmentation(photograph, subtask="panoptic")
    assert refused.value.response.status_code == 422
    with pytest.raises(HfHubHTTPError, match=r"threshold is 2\.0\. Expected a number from 0 to 1"):
        client.image_segmentation(photograph, threshold=2.0)
    with pytest.raises(BadRequestError, match="is truncated or damaged") as refused:
        client.image_segmentation(photograph.read_bytes()[:500])
    assert refused.value.request_id == refused.value.response.headers["X-Request-Id"]


def test_a_real_photograph(client, network, data_folder):
    path = min((data_folder / "cityscapes_fullres").rglob("*_leftImg8bit.*"), default=None)
    if path is None:
        pytest.skip("no photograph in cityscapes_fullres")
    assert_right(client.image_segmentation(path), network.segment(images.decode(path.read_bytes())))
