"""The command itself, with the network that is shipped, from and into S3 and Azure Blob: killed, and on a Ray cluster.

Minutes, with Azurite (`npm install -g azurite`, or AZURITE=path/to/azurite-blob) and Ray (`pip install -r
requirements-ray.txt`); what is missing is skipped: `python -m pytest -m storage tests/model/inference/batch`.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from model.__main__ import main
from tests.model.inference.batch import servers
from tests.model.inference.batch.drives import drive

pytestmark = pytest.mark.storage


@pytest.fixture(scope="module")
def streets(tmp_path_factory, request) -> Path:
    """Forty generated scenes and a file that is none."""
    if "storage" not in request.config.getoption("markexpr"):
        pytest.skip("segments from and into stores, minutes: ask for it by -m storage")
    return drive(tmp_path_factory.mktemp("streets"))


@pytest.fixture(scope="module")
def unbroken(streets, tmp_path_factory) -> Path:
    """What one process makes of them on a disk."""
    out = tmp_path_factory.mktemp("out") / "one-process"
    assert main(["segment", str(streets), str(out), "--format", "mask,json,coco"]) == 1
    return out


@pytest.fixture(scope="module", params=["s3", "abfs"])
def environment(request, streets) -> Iterator[dict[str, str]]:
    """What leads a process to a store, that of its protocol among it."""
    start = servers.s3 if request.param == "s3" else servers.azure
    with start() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        store = fsspec.filesystem(request.param, skip_instance_cache=True, use_listings_cache=False)
        store.mkdir("bucket")
        store.put(str(streets), "bucket/streets", recursive=True)
        yield {"protocol": request.param, **environment}


@pytest.fixture
def store(environment) -> fsspec.AbstractFileSystem:
    """A client of the store."""
    return fsspec.filesystem(environment["protocol"], skip_instance_cache=True, use_listings_cache=False)


@pytest.fixture
def start(environment, repository):
    """A function that starts the command on the objects, into a folder of the bucket."""

    def run(out: str, *flags: str) -> subprocess.Popen:
        bucket = f"{environment['protocol']}://bucket"
        words = ["segment", f"{bucket}/streets", f"{bucket}/{out}", "--format", "mask,json,coco", *flags]
        return subprocess.Popen(
            [sys.executable, "-m", "model", *words], cwd=repository, stderr=subprocess.PIPE, text=True
        )

    return run


@pytest.fixture
def assert_equal(store, unbroken, tree, without_sources):
    """A function that holds a folder of the bucket against that on the disk."""

    def hold(out: str) -> None:
        root = f"bucket/{out}"
        found = {key.removeprefix(root + "/"): store.cat_file(key) for key in store.find(root)}
        assert without_sources(found) == without_sources(tree(unbroken))

    return hold


def test_killed_and_started_again_it_ends_with_the_files_of_an_unbroken_run(store, start, assert_equal):
    made = 0
    for _ in range(3):
        process, ends = start("killed"), time.monotonic() + 120
        while process.poll() is None and time.monotonic() < ends:
            now = len(store.find("bucket/killed/mask"))
            if now > made:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        made = len(store.find("bucket/killed/mask"))
    assert made
    assert not store.exists("bucket/killed/manifest.jsonl")
    process = start("killed")
    _, said = process.communicate(timeout=300)
    assert (process.returncode, "1 files failed" in said) == (1, True), said
    assert_equal("killed")


def test_actors_of_a_cluster_make_the_same_files(start, assert_equal):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: pip install -r requirements-ray.txt")
    process = start("actors", "--ray", "local", "--jobs", "2")
    _, said = process.communicate(timeout=300)
    assert (process.returncode, "1 files failed" in said) == (1, True), said
    assert_equal("actors")
    process = start("actors")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert_equal("actors")
