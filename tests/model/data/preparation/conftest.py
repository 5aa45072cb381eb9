"""A small data set in the official layout, as a folder and as the two archives. Not to be changed by a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.data.preparation.official import write_archives, write_dataset


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """train: aachen, ulm, weimar, zurich; val: lindau; test: berlin with placeholders. Two frames a city."""
    return write_dataset(tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="session")
def archives(dataset, tmp_path_factory) -> tuple[Path, Path]:
    """The same as leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip."""
    return write_archives(dataset, tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def own(tmp_path) -> Path:
    """A data set that a test may change."""
    return write_dataset(tmp_path / "own")
