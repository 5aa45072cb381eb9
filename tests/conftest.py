"""What all tests share: where the repository, the real photographs and the pretrained weights are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold a long test: begun last, they leave the other processor without work."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds app/, model/ and tests/."""
    return ROOT


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; skips where there is none."""
    return _folder("STREETSEG_DATA", "data", "real photographs")


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """The folder with the pretrained encoder weights; skips where there is none."""
    return _folder("STREETSEG_WEIGHTS", "weights", "pretrained encoder weights")


def _folder(variable: str, name: str, what: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    if not folder.is_dir():
        pytest.skip(f"no {what}: {folder} is not a folder, set {variable} to one")
    return folder.resolve()
