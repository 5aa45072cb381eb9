"""A data set of generated scenes small enough to train on in seconds, and the command line as users call it."""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from model.data import synthetic

ROOT = Path(__file__).resolve().parents[3]
SIZE = (64, 128)

# Small enough that two epochs take seconds; everything else is the shipped recipe.
FLAGS = ["--height", "64", "--width", "128", "--crop-height", "64", "--crop-width", "96", "--batch-size", "4"]


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` that `make` fills, made by the first worker that asks and the same one for all of them."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, half = base / name, base / f"{name}.half"
        if not folder.exists():
            make(half)
            half.rename(folder)
    return folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    """A folder of 12 training and 2 validation scenes in the layout of plain folders. Not to be changed by a test.

    One for all workers, as what is trained on it names it.
    """

    def make(root: Path) -> None:
        for split, seeds in (("train", range(12)), ("val", range(100, 102))):
            for kind in ("images", "masks"):
                (root / split / kind).mkdir(parents=True, exist_ok=True)
            for seed in seeds:
                image, labels = synthetic.scene(seed, size=SIZE)
                Image.fromarray(image).save(root / split / "images" / f"{seed}.png")
                Image.fromarray(labels).save(root / split / "masks" / f"{seed}.png")

    return _made_once(tmp_path_factory, "scenes", make)


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.Popen]:
    """Start `python -m model ...` as users do, or another module; its output is one stream of text."""

    def start(*arguments: str, backend: str = "tensorflow", module: str = "model") -> subprocess.Popen:
        environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def train_flags() -> list[str]:
    """Flags that make a training run small."""
    return FLAGS


@pytest.fixture(scope="session")
def trained(scenes, command, tmp_path_factory) -> Path:
    """The artifact folder of an unbroken run of three epochs, the run beside it. Not to be changed by a test."""

    def make(folder: Path) -> None:
        flags = [*FLAGS, "--epochs", "3", "--run", folder.parent / "run", "--artifact", folder]
        process = command("train", "--data", scenes, *flags)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output

    return _made_once(tmp_path_factory, "trained", make)


@pytest.fixture
def settings_of(scenes) -> Callable:
    """Make the `Settings` that flags stand for, on the scenes at 32x64, all else as it is by default."""
    from model.verbs import train

    def make(*words: str):
        parser = argparse.ArgumentParser()
        train.add_arguments(parser)
        sizes = ["--height", "32", "--width", "64", "--crop-height", "32", "--crop-width", "64", "--batch-size", "4"]
        return train.settings(parser.parse_args(["--data", str(scenes), *sizes, *words]))

    return make


@pytest.fixture
def small_networks(monkeypatch) -> None:
    """Every network by name is one of three convolutions, for tests of what is around it."""
    from model.training import recipe
    from tests.model.training import small

    monkeypatch.setattr(recipe.registry, "create", small.create)
