"""A tiny fake network, requests to the service around it, and the one check that all refusals go through."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from model import artifact, categories
from model.artifact import Artifact
from model.inference.segmenter import Segmentation

AS_A_BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}
"""The header by which a browser asks for a page."""


def card() -> dict:
    return artifact.describe(size=(32, 64), mean=127.5, std=127.5) | {
        "name": "fake",
        "keras_sha256": "0123456789abcdef" * 4,
        "training": {"data": "/home/someone/data/cityscapes", "source": "https://example.org/a/b"},
        "scores": {},
        "terms": {},
    }


class FakeSegmenter:
    """Labels each column by its number modulo eight, void never where it shall not be; confidence is 200 of 255."""

    def __init__(self):
        self.artifact = Artifact(Path("nowhere"), card())
        self.engine = SimpleNamespace(name="fake", precision="f32")
        self.familiarity: float | None = None

    def segment(self, image, *, void="shown", size=None, confidence=True):
        height, width = size or image.shape[:2]
        columns = np.arange(width) % categories.COUNT
        if void == "never":
            columns = np.maximum(columns, 1)
        labels = np.broadcast_to(columns.astype(np.uint8), (height, width)).copy()
        sure = np.full((height, width), 200, np.uint8) if confidence else None
        timings = {"resize": 0.5, "network": 2.0, "labels": 1.0}
        return Segmentation(labels, sure, (height, width), timings, self.artifact.version, self.familiarity)


def encoded(image: np.ndarray | Image.Image, format: str = "PNG", **options) -> bytes:
    """Encode an array or a Pillow picture as a file."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """Read a PNG with Pillow, as an oracle of its own."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def assert_problem(response, status: int, *, says: str = "", **members) -> dict:
    """Hold a refusal against RFC 9457 and the contract: every test of a refusal goes through here."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert set(problem) - {"limit", "allowed"} == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == status
    assert problem["title"]
    assert says in problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-Id"]
    for name, value in members.items():
        assert problem[name] == value
    for leak in ("Traceback", 'File "', "/home/", "site-packages", ".py"):
        assert leak not in response.get_data(as_text=True)
    return problem


def post(client, data: bytes, *, content_type: str = "image/png", **options):
    """Send one image as the raw body."""
    return client.post("/predict", data=data, content_type=content_type, **options)


def post_files(client, *files: bytes, field: str = "image", path: str = "/predict", headers=None, **fields):
    """Send images as the file parts of a form."""
    body, content_type = form(*files, field=field, **fields)
    return client.post(path, data=body, content_type=content_type, headers=headers)


def form(*files: bytes, field: str = "image", names: Sequence[str] | None = None, **fields: str) -> tuple[bytes, str]:
    """Encode a form as (body, content type). Werkzeug's test client would spool a large one to disk."""
    names = names or [f"{number}.png" for number in range(len(files))]
    parts = [FileStorage(io.BytesIO(data), name) for data, name in zip(files, names, strict=True)]
    stream, _, boundary = stream_encode_multipart({field: parts, **fields}, use_tempfile=False)
    return stream.read(), f'multipart/form-data; boundary="{boundary}"'
