"""Folders of small photographs, and a network that costs no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.app.clients import FakeSegmenter


@pytest.fixture
def segmenter() -> FakeSegmenter:
    return FakeSegmenter()


@pytest.fixture
def photographs(tmp_path) -> Path:
    """A folder with twelve pictures of different sizes at two depths, and what is no picture."""
    root = tmp_path / "photographs"
    (root / "north" / "early").mkdir(parents=True)
    random = np.random.default_rng(8)
    for number in range(12):
        folder = (root, root / "north", root / "north" / "early")[number % 3]
        image = random.integers(0, 256, (9 + number, 30 - number, 3), np.uint8)
        Image.fromarray(image).save(folder / f"{number:02}.png")
    (root / "notes.txt").write_text("none")
    (root / ".hidden.png").write_bytes(b"none")
    return root


@pytest.fixture
def tree():
    """A function that returns the content of all files below a folder, by path."""

    def read(root: Path) -> dict[str, bytes]:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    return read
