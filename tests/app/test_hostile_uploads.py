"""Nasty uploads to the deployed thing: `startup.sh`, a real socket, the trained network. After each it serves on."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from werkzeug.wrappers import Response

from deploy.serve import wait_until_ready
from model import artifact
from model.data import synthetic
from tests.app.clients import assert_problem, encoded, form, opened

SIZE = (96, 192)
STREET = Image.fromarray(synthetic.scene(3, size=SIZE)[0])
JPEG = encoded(STREET, "JPEG", quality=90)
MULTIPART_WITHOUT_PARTS = (b"", 'multipart/form-data; boundary="none"')


@dataclass(frozen=True)
class Service:
    """A running service and what it says."""

    port: int
    log: Path

    def predict(self, body: bytes, content_type: str, *, format: str = "json") -> Response:
        """Send one upload over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/predict?format={format}", body, {"Content-Type": content_type})
            answer = connection.getresponse()
            return Response(answer.read(), answer.status, answer.getheaders())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def service(repository, tmp_path_factory):
    """The service as it is deployed, with its default settings."""
    if not (artifact.DEFAULT_FOLDER / artifact.CARD_FILE).is_file():
        pytest.skip(f"no trained network in {artifact.DEFAULT_FOLDER}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {name: value for name, value in os.environ.items() if not name.startswith("STREETSEG_")}
    environment = settings | {"PORT": str(port), "VIRTUAL_ENV": sys.prefix, "PATH": path}
    log = tmp_path_factory.mktemp("service") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen([repository / "startup.sh"], env=environment, stdout=file, stderr=file)
    try:
        if not wait_until_ready(process, str(port), []):
            pytest.fail(f"the service did not get ready:\n{log.read_text('utf-8')}")
        yield Service(port, log)
    finally:
        process.terminate()
        process.wait(40)


@pytest.fixture(autouse=True)
def still_serves(service):
    """Afterwards the same worker must answer an honest request, and must have met no fault."""
    yield
    answer = service.predict(JPEG, "image/jpeg")
    assert answer.status_code == 200
    assert answer.get_json()["image"] == {"height": SIZE[0], "width": SIZE[1]}
    log = service.log.read_text("utf-8")
    assert "Traceback" not in log
    assert log.count("Booting worker") == 1  # gunicorn would replace a dead one


def bomb(side: int) -> bytes:
    """A complete PNG of side x side black pixels, one bit each, of which a decoder makes one or three bytes each."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    compressor, row = zlib.compressobj(), bytes(1 + side // 8)
    pixels = b"".join([*(compressor.compress(row) for _ in range(side)), compressor.flush()])
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("upload", "status", "says"),
    [
        (form(b"This is no photograph, whatever its name."), 415, "Received text."),
        (form(JPEG[: len(JPEG) // 2]), 400, "truncated or damaged"),
        (form(b""), 400, "The image is empty (0 bytes)."),
        (MULTIPART_WITHOUT_PARTS, 400, "The form holds no image."),
        ((b"", "image/jpeg"), 400, "The body is empty."),
        ((JPEG, "application/octet-stream"), 415, "The content type is application/octet-stream."),
    ],
    ids=["text", "truncated JPEG", "0 bytes", "empty form", "empty body", "content type"],
)
def test_refuses_what_is_no_image(service, upload, status, says):
    assert_problem(service.predict(*upload), status, says=says)


def test_refuses_a_bomb(service):
    data = bomb(20_000)
    assert len(data) < 100_000
    assert_problem(service.predict(*form(data)), 413, says="20,000 x 20,000", limit=40_000_000)


@pytest.mark.parametrize("content_type", ["image/png", "multipart/form-data; boundary=none", "application/json"])
def test_refuses_a_body_of_25_megabytes(service, content_type):
    assert_problem(service.predict(bytes(25_000_000), content_type), 413, says="at most 20 MB", limit=20_000_000)


def test_answers_one_pixel(service):
    answer = service.predict(*form(encoded(Image.new("RGB", (1, 1), (90, 120, 150)))))
    assert answer.get_json()["image"] == {"height": 1, "width": 1}


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def translucent() -> Image.Image:
    picture = STREET.convert("RGBA")
    picture.putalpha(120)
    return picture


def over_black(picture: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture)


GREY = STREET.convert("L")
PHONE = encoded(STREET, "JPEG", quality=90, exif=oriented(6))
CMYK = encoded(STREET.convert("CMYK"), "JPEG", quality=90)


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (PHONE, ImageOps.exif_transpose(opened(PHONE))),
        (encoded(GREY), GREY),
        (encoded(STREET.quantize(64)), STREET.quantize(64)),
        (encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 256 + 99)), GREY),
        (encoded(translucent()), over_black(translucent())),
        (CMYK, opened(CMYK)),
    ],
    ids=["phone photograph", "grey", "palette", "16-bit", "RGBA", "CMYK JPEG"],
)
def test_answers_as_for_the_same_picture_in_plain_rgb(service, data, plain):
    answer = service.predict(*form(data), format="mask")
    expected = service.predict(encoded(plain.convert("RGB")), "image/png", format="mask")
    assert answer.status_code == expected.status_code == 200
    assert opened(answer.data).size == plain.size
    # Within one grey of 255: Pillow blends transparency in two ways that round differently.
    different = np.mean(np.asarray(opened(answer.data)) != np.asarray(opened(expected.data)))
    assert different <= (0.001 if plain.mode == "RGBA" else 0)
    assert len(np.unique(np.asarray(opened(expected.data)))) >= 3
