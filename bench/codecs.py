"""The fastest known ways to decode a JPEG and to encode a PNG: what no answer can do without."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable

import cv2
import fpng
import numpy as np
import simplejpeg
from isal import isal_zlib
from PIL import Image

from model.inference import images, png

OURS = "streetseg"
# A second each: measured in the first round only.
SLOW = {"Pillow, level 6"}

DECODERS: dict[str, Callable[[bytes], np.ndarray]] = {
    "Pillow": lambda data: np.asarray(Image.open(io.BytesIO(data))),
    "OpenCV": lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB),
    "simplejpeg": lambda data: simplejpeg.decode_jpeg(data, fastdct=False, fastupsample=False),
    OURS: images.decode,
}
"""What makes uint8 (height, width, 3) RGB of a JPEG file."""

ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "Pillow, level 6": lambda image: _pillow(image, 6),
    "Pillow, level 1": lambda image: _pillow(image, 1),
    # It takes the array for BGR; that it swaps red and blue then costs neither more nor less.
    "OpenCV": lambda image: cv2.imencode(".png", image)[1].tobytes(),
    "fpng": fpng.from_ndarray,
    "isal, level 0": lambda image: _isal(image, 0),
    "isal, level 1": lambda image: _isal(image, 1),
    OURS: lambda image: png.encode(image.__getitem__, image.shape[:2], channels=3),
}
"""What makes a PNG file of uint8 (height, width, 3) RGB."""


def measure(files: list[bytes], overlays: list[np.ndarray], *, slow: bool) -> dict[str, dict[str, list[float]]]:
    """Decode each file and encode each overlay once with each candidate.

    Args:
        files: JPEG.
        overlays: uint8 (height, width, 3) RGB, of the same photographs.
        slow: those of `SLOW` too.

    Returns:
        Milliseconds by photograph: {"decode": {name: [...]}, "encode": {name: [...]}}.
    """
    encoders = {name: encode for name, encode in ENCODERS.items() if slow or name not in SLOW}
    return {
        "decode": {name: [_milliseconds(decode, file) for file in files] for name, decode in DECODERS.items()},
        "encode": {name: [_milliseconds(encode, image) for image in overlays] for name, encode in encoders.items()},
    }


def encoded_bytes(overlays: list[np.ndarray]) -> dict[str, float]:
    """Return how large the files of each encoder are, in bytes, on average."""
    return {name: float(np.mean([len(encode(image)) for image in overlays])) for name, encode in ENCODERS.items()}


def _milliseconds(function: Callable, argument: object) -> float:
    start = time.perf_counter()
    function(argument)
    return (time.perf_counter() - start) * 1000


def _pillow(image: np.ndarray, level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=level)
    return file.getvalue()


def _isal(image: np.ndarray, level: int) -> bytes:
    """Filter each row by its left neighbours, deflate that with Intel's library (PNG specification, 9.2 and 10)."""
    height, width = image.shape[:2]
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 1
    rows[:, 1:4] = image[:, 0]
    flat = image.reshape(height, 3 * width)
    np.subtract(flat[:, 3:], flat[:, :-3], out=rows[:, 4:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", isal_zlib.compress(rows, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
