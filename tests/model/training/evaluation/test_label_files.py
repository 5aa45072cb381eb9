"""Label id PNGs are read as Pillow reads them, whatever wrote them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model.inference import render
from model.training.evaluation import label_files

# Of the PNG filters: three that are sums, which are undone here, and two that OpenCV undoes.
NONE, SUB, UP, AVERAGE, PAETH = range(5)


@pytest.fixture
def label_ids() -> np.ndarray:
    random = np.random.default_rng(9)
    return random.integers(0, 34, (9, 7)).astype(np.uint8).repeat(5, 0).repeat(6, 1)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def written(path: Path, pixels: np.ndarray, filters: list[int]) -> Path:
    """Write a PNG whose rows have the given filters, by turns."""
    rows = []
    above = np.zeros(pixels.shape[1], np.int64)
    for number, row in enumerate(pixels.astype(np.int64)):
        left, corner = np.append(0, row[:-1]), np.append(0, above[:-1])
        guess = left + above - corner
        distances = np.abs(np.stack([left, above, corner]) - guess)
        paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
        kind = filters[number % len(filters)]
        base = {NONE: 0, SUB: left, UP: above, AVERAGE: (left + above) // 2, PAETH: paeth}[kind]
        rows.append(bytes([kind]) + ((row - base) % 256).astype(np.uint8).tobytes())
        above = row
    compressed = zlib.compress(b"".join(rows))
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    # In two chunks, as large files come.
    parts = [chunk(b"IDAT", compressed[:20]), chunk(b"IDAT", compressed[20:])]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    "filters",
    [[NONE], [SUB], [UP], [SUB, UP, UP], [UP, NONE, SUB], [AVERAGE], [UP, PAETH, SUB]],
    ids=lambda filters: "-".join(map(str, filters)),
)
def test_every_filter(label_ids, tmp_path, filters):
    path = written(tmp_path / "mask.png", label_ids, filters)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), label_ids)
    np.testing.assert_array_equal(label_files.read(path), label_ids)


def test_files_of_pillow_opencv_and_our_own(label_ids, tmp_path):
    path = tmp_path / "mask.png"
    for write in (
        lambda: Image.fromarray(label_ids).save(path),
        lambda: cv2.imwrite(str(path), label_ids),
        lambda: path.write_bytes(render.label_ids_png(label_ids % 8)),
    ):
        write()
        np.testing.assert_array_equal(label_files.read(path), np.asarray(Image.open(path)))


def test_a_palette_is_read_as_its_numbers(label_ids, tmp_path):
    image = Image.fromarray(label_ids)
    image.putpalette(list(range(256)) * 3)
    image.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(label_files.read(tmp_path / "mask.png"), label_ids)


def test_fewer_bits_are_read_by_pillow(tmp_path):
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2))
    image.putpalette([0, 0, 0] * 4)
    image.save(tmp_path / "mask.png", bits=2)
    assert label_files.read(tmp_path / "mask.png").tolist() == [[0, 1], [2, 3]]


def test_one_grey_that_is_transparent_is_a_label_too(label_ids, tmp_path):
    Image.fromarray(label_ids).save(tmp_path / "mask.png", transparency=int(label_ids[0, 0]))
    np.testing.assert_array_equal(label_files.read(tmp_path / "mask.png"), label_ids)


@pytest.mark.parametrize("filters", [[UP], [PAETH]], ids=["sums", "others"])
@pytest.mark.parametrize("broken", [slice(0, 60), slice(0, 5), slice(0, -40)])
def test_a_file_that_is_cut_off_is_told(label_ids, tmp_path, broken, filters):
    path = written(tmp_path / "mask.png", label_ids, filters)
    path.write_bytes(path.read_bytes()[broken])
    with pytest.raises(ValueError, match=r"mask\.png can't be read as an image"):
        label_files.read(path)


def test_colours_and_missing_files_are_told(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "colours.png")
    with pytest.raises(ValueError, match=r"colours\.png is an image of mode RGB"):
        label_files.read(tmp_path / "colours.png")
    with pytest.raises(ValueError, match=r"none\.png does not exist"):
        label_files.read(tmp_path / "none.png")
