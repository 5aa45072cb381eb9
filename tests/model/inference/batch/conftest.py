"""Folders of small photographs on a disk and in stores, and a network that costs no time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from model.inference.batch import inputs, job, one, stores
from model.inference.options import Options
from tests.app.clients import FakeSegmenter
from tests.model.inference.batch import servers


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


@pytest.fixture(scope="module", params=["s3", pytest.param("abfs", marks=pytest.mark.storage)])
def protocol(request) -> Iterator[str]:
    """That of a store, to which the environment leads."""
    if request.param == "abfs" and "storage" not in request.config.getoption("markexpr"):
        pytest.skip("asks Azurite, a minute: ask for it by -m storage")
    with (
        (servers.s3 if request.param == "s3" else servers.azure)() as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        fsspec.get_filesystem_class(request.param).clear_instance_cache()
        yield request.param
        fsspec.get_filesystem_class(request.param).clear_instance_cache()


@pytest.fixture(scope="module")
def store(protocol) -> fsspec.AbstractFileSystem:
    """Another client of the same store."""
    return fsspec.filesystem(protocol, skip_instance_cache=True, use_listings_cache=False)


@pytest.fixture
def bucket(store, protocol) -> str:
    """The URL of a new, empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    store.mkdir(name)
    return f"{protocol}://{name}"


@pytest.fixture
def uploaded(photographs, store, bucket) -> str:
    """The photographs as objects; the URL of their folder."""
    url, files = f"{bucket}/photographs", [path for path in photographs.rglob("*") if path.is_file()]
    store.pipe({f"{url}/{path.relative_to(photographs).as_posix()}": path.read_bytes() for path in files})
    return url


@pytest.fixture
def content(store):
    """A function that returns the content of all objects below a folder, by path."""

    def read(url: str) -> dict[str, bytes]:
        root = url.partition("://")[2] + "/"
        return {key.removeprefix(root): store.cat_file(key) for key in store.find(root.rstrip("/"))}

    return read


@pytest.fixture
def segment_into(segmenter):
    """A function that runs a job, and returns how many images were made, kept and failed."""

    def run(root: str | Path, out: str | Path, *words: str, restart: bool = False, **options):
        wanted = one.Job(formats=words or ("mask",), options=Options(**options))
        folder = stores.path(str(out))
        items = inputs.find([root], besides=folder)
        outcome = job.run(items, segmenter, folder, job=wanted, threads=3, restart=restart)
        return outcome.made, outcome.kept, len(outcome.failed)

    return run


@pytest.fixture
def without_sources():
    """A function that returns files with a manifest that does not tell what its images were made of.

    By this alone it differs: a disk knows times, a store ETags.
    """

    def read(files: dict[str, bytes]) -> dict[str, bytes]:
        lines = [json.loads(line) for line in files["manifest.jsonl"].splitlines()]
        kept = [{key: value for key, value in line.items() if key != "source"} for line in lines]
        return files | {"manifest.jsonl": "\n".join(map(json.dumps, kept)).encode()}

    return read
