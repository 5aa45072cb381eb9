from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from model.inference import png, processors
from tests.model.inference.pictures import noise

PALETTE = noise(256, 3)
KINDS = {"grey": (1, None, 0), "palette": (1, PALETTE, 3), "rgb": (3, None, 2)}

# Of 2,048 grey pixels a strip has 256 rows, of as many in RGB 85.
SIZES = [(1, 1), (1, 2), (4, 1), (7, 5), (1, 70_000), (70_000, 1), (85, 2048), (86, 2048), (256, 2048), (257, 2048)]


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Take a PNG apart as strictly as the specification allows: kind and content of each chunk."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = [], 8
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        assert len(content) == length
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(kind + content),)
        chunks.append((kind, content))
        place += 12 + length
    assert place == len(data)
    return chunks


def _inflate(data: bytes) -> bytes:
    """Decompress the pixels; zlib compares its Adler-32 with the stream's."""
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(content for kind, content in _chunks(data) if kind == b"IDAT"))
    assert stream.eof
    assert stream.unused_data == b""
    return rows


def _write(picture: np.ndarray, kind: str, **options) -> bytes:
    channels, palette, _ = KINDS[kind]
    return png.encode(picture.__getitem__, picture.shape[:2], channels=channels, palette=palette, **options)


def _pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        return np.array(picture)


def _opencv(data: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return picture[..., ::-1] if picture.ndim == 3 else picture


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("content", ["noise", "constant"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_gets_the_pixels_back(kind, content, size):
    channels, palette, color_type = KINDS[kind]
    shape = size if channels == 1 else (*size, channels)
    picture = noise(*shape) if content == "noise" else np.full(shape, 77, np.uint8)
    data = _write(picture, kind)
    assert np.array_equal(_pillow(data), picture)
    assert np.array_equal(_opencv(data), picture if palette is None else palette[picture])
    assert len(_inflate(data)) == size[0] * (1 + size[1] * channels)
    assert struct.unpack(">IIBBBBB", _chunks(data)[0][1]) == (size[1], size[0], 8, color_type, 0, 0, 0)


def test_chunks_stand_in_the_order_of_the_specification():
    data = _write(noise(300, 2048), "palette", text={"Software": "streetseg", "Title": "second"})
    kinds = [kind for kind, _ in _chunks(data)]
    assert kinds == [b"IHDR", b"tEXt", b"tEXt", b"PLTE", b"IDAT", b"IDAT", b"IEND"]
    assert _chunks(data)[3][1] == PALETTE.tobytes()


def test_text_is_what_pillow_reads():
    text = {"Software": "streetseg", "Comment": "Straße", "Title": "通り"}
    data = _write(noise(2, 2), "grey", text=text)
    assert b"tEXtComment\0Stra\xdfe" in data
    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        assert picture.text == text


def test_bytes_do_not_depend_on_the_number_of_threads(monkeypatch):
    picture = np.arange(2048 * 3, dtype=np.uint8).reshape(2048, 3) + noise(400, 2048, 3, high=9)
    monkeypatch.setattr(processors, "parallel", lambda function, items: [function(item) for item in items])
    one_after_the_other = _write(picture, "rgb")
    backwards = lambda function, items: [function(item) for item in reversed(list(items))][::-1]  # noqa: E731
    monkeypatch.setattr(processors, "parallel", backwards)
    assert _write(picture, "rgb") == one_after_the_other
    monkeypatch.undo()
    assert all(_write(picture, "rgb") == one_after_the_other for _ in range(10))


def test_pixels_are_asked_for_once_and_in_strips_of_one_height():
    picture = noise(400, 2048, 3)
    asked = []

    def pixels(rows: slice) -> np.ndarray:
        asked.append((rows.start, rows.stop))
        return picture[rows]

    assert np.array_equal(_pillow(png.encode(pixels, (400, 2048), channels=3)), picture)
    assert sorted(asked) == [(0, 85), (85, 170), (170, 255), (255, 340), (340, 400)]


def test_an_array_of_any_layout_is_encoded():
    picture = noise(90, 2100, 3)
    for view in (picture[::-1, ::-1], picture.transpose(1, 0, 2), picture[:, ::2]):
        assert np.array_equal(_pillow(_write(view, "rgb")), view)


def test_neighbours_that_are_alike_become_a_small_file():
    rows = np.arange(512, dtype=np.uint16)[:, np.newaxis, np.newaxis]
    slope = ((rows + np.arange(2048)[:, np.newaxis]) // 8).astype(np.uint8).repeat(3, axis=2)
    assert len(_write(slope, "rgb")) < slope.size / 40


def test_noise_becomes_hardly_larger():
    picture = noise(300, 2048, 3)
    assert len(_write(picture, "rgb")) < picture.size * 1.01


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (1 << 31, 1)])
def test_a_size_that_png_cannot_hold_is_refused(size):
    with pytest.raises(ValueError, match=r"Received the size .* Expected"):
        png.encode(lambda rows: pytest.fail("pixels were made"), size, channels=1)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_another_number_of_channels_is_refused(channels):
    with pytest.raises(ValueError, match=f"Received {channels} channels"):
        png.encode(noise(2, 2, channels).__getitem__, (2, 2), channels=channels)


@pytest.mark.parametrize(
    ("palette", "channels"),
    [(noise(257, 3), 1), (noise(0, 3), 1), (noise(8, 4), 1), (noise(8, 3).astype(float), 1), (noise(8, 3), 3)],
)
def test_a_palette_that_does_not_fit_is_refused(palette, channels):
    with pytest.raises(ValueError, match="Received a palette"):
        png.encode(noise(2, 2).__getitem__, (2, 2), channels=channels, palette=palette)


@pytest.mark.parametrize("pixels", [noise(3, 4), noise(4, 4, 3), noise(4, 4).astype(np.uint16)])
def test_pixels_of_another_shape_or_type_are_refused(pixels):
    with pytest.raises(ValueError, match=r"Received pixels .* Expected uint8 \(4, 4\)"):
        png.encode(lambda rows: pixels, (4, 4), channels=1)
