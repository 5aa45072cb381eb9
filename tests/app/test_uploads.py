"""Nasty uploads: each answered right or refused with the reason, and the next request is served."""

from __future__ import annotations

import builtins
import io
import os
import struct
import tempfile
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.app.clients import assert_problem, encoded, form, opened, post, post_files


def huge_png(width: int, height: int) -> bytes:
    """A file of some hundred bytes whose header promises this many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def still_serves(client, png):
    """Afterwards the same service must answer an honest request."""
    yield
    assert post(client, png).status_code == 200


@pytest.mark.usefixtures("still_serves")
@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("text.jpg", b"This is no photograph.", 415),
        ("empty.jpg", b"", 400),
        ("truncated.jpg", encoded(np.full((64, 64, 3), 90, np.uint8), "JPEG")[:300], 400),
        ("animation.gif", encoded(Image.new("P", (4, 4)), "GIF"), 415),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
    ],
)
def test_refuses_what_is_no_image(client, name, data, status):
    assert_problem(post_files(client, data), status)


@pytest.mark.usefixtures("still_serves")
def test_refuses_a_bomb_by_its_header(client):
    bomb = huge_png(20_000, 20_000)
    assert len(bomb) < 100
    assert_problem(post_files(client, bomb), 413, limit=40_000_000)


@pytest.mark.usefixtures("still_serves")
@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (9, 7), 77),
        Image.new("P", (9, 7), 1),
        Image.new("1", (9, 7), 1),
        Image.new("RGBA", (9, 7), (9, 8, 7, 100)),
        Image.fromarray(np.full((7, 9), 40_000, np.uint16)),
    ],
    ids=["grey", "palette", "1-bit", "RGBA", "16-bit"],
)
def test_answers_every_colour_mode(client, picture):
    assert opened(post_files(client, encoded(picture)).data).size == (9, 7)


@pytest.mark.usefixtures("still_serves")
def test_answers_one_pixel(client):
    body = post_files(client, encoded(np.zeros((1, 1, 3), np.uint8)), format="json").get_json()
    assert body["image"] == {"height": 1, "width": 1}


def test_turns_a_phone_photograph_upright(client, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6
    response = post_files(client, encoded(photograph, "PNG", exif=exif), opacity="0")
    np.testing.assert_array_equal(np.array(opened(response.data)), np.rot90(photograph, -1))


def test_refuses_a_body_over_the_limit(make_client):
    client = make_client(MAX_BODY_MB=0.001)
    for content_type in ("image/png", "application/json"):
        response = post(client, bytes(2000), content_type=content_type)
        assert_problem(response, 413, says="0.001 MB", limit=1000)
    assert_problem(post_files(client, bytes(2000)), 413, limit=1000)


def test_refuses_a_body_over_the_limit_that_does_not_announce_its_length(make_client, png):
    client = make_client(MAX_BODY_MB=0.002)
    chunked = {"wsgi.input_terminated": True}
    for body, content_type in ((png + bytes(2000), "image/png"), form(png + bytes(2000))):
        stream = io.BytesIO(body)
        response = client.post("/predict", input_stream=stream, content_type=content_type, environ_overrides=chunked)
        assert_problem(response, 413, limit=2000)
    response = client.post(
        "/predict", input_stream=io.BytesIO(png), content_type="image/png", environ_overrides=chunked
    )
    assert response.status_code == 200


def test_refuses_a_form_field_that_is_no_file_and_huge(client):
    response = post_files(client, opacity="0" * 600_000)
    assert_problem(response, 413, says="form fields")


def test_refuses_too_many_images(make_client, png):
    client = make_client(MAX_IMAGES=2)
    assert post_files(client, png, png, format="json").status_code == 200
    assert_problem(post_files(client, png, png, png, format="json"), 413, limit=2)


def test_pixel_limit_is_a_setting(make_client, png):
    assert_problem(post(make_client(MAX_MEGAPIXELS=0.000383), png), 413, limit=383)
    assert post(make_client(MAX_MEGAPIXELS=0.000384), png).status_code == 200


def test_writes_nothing_to_disk(client, monkeypatch):
    large = encoded(np.random.default_rng(1).integers(0, 256, (700, 700, 3), np.uint8))
    assert len(large) > 1_000_000  # Werkzeug's own limit for memory is 500 kB
    body, form_type = form(large)
    assert post(client, body, content_type=form_type).status_code == 200  # whatever is read once is read now

    def refuse(*arguments, **options):
        pytest.fail(f"a request opened a file: {arguments}")

    opening = os.open

    def refuse_writing(path, flags, *arguments, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return opening(path, flags, *arguments, **options)

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "open", refuse_writing)
    for format in ("overlay", "mask", "json"):
        response = post(client, body, content_type=form_type, query_string={"format": format})
        assert response.status_code == 200
    assert post(client, large).status_code == 200
