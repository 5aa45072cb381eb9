"""A job from and into object storage, by URL: the files of a disk, what a kill costs there, and what is refused.

S3 always. Azure Blob too, a minute, with Azurite (`npm install -g azurite`, or AZURITE=path/to/azurite-blob):
`python -m pytest -m storage tests/model/inference/batch`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from model.__main__ import main
from model.inference.batch import inputs, job, on_store, one, stores
from model.inference.options import Options
from tests.model.inference.batch import servers, test_video

# A network that takes a while, so that kills find it at work, and a part of the journal for each image.
SLOW = """
import sys, time
from model.inference.batch import inputs, job, on_store, one, stores
from tests.app.clients import FakeSegmenter

class Slow(FakeSegmenter):
    def segment(self, *arguments, **options):
        time.sleep(0.05)
        return super().segment(*arguments, **options)

on_store._SECONDS = 0.0
root, out = sys.argv[1:]
wanted = one.Job(formats=("mask", "json", "coco", "zip"))
print("ready", flush=True)
job.run(inputs.find([root]), Slow(), stores.path(out), job=wanted, threads=3)
"""


@pytest.fixture(scope="module", params=["s3", pytest.param("abfs", marks=pytest.mark.storage)], autouse=True)
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
def segment(segmenter):
    """A function that runs a job, and returns how many images were made, kept and failed."""

    def run(root: str | Path, out: str | Path, *words: str, restart: bool = False, **options):
        wanted = one.Job(formats=words or ("mask",), options=Options(**options))
        folder = stores.path(str(out))
        items = inputs.find([root], besides=folder)
        outcome = job.run(items, segmenter, folder, job=wanted, threads=3, restart=restart)
        return outcome.made, outcome.kept, len(outcome.failed)

    return run


def without_sources(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with a manifest that does not tell what its images were made of: a disk knows times, a store ETags."""
    lines = [json.loads(line) for line in files["manifest.jsonl"].splitlines()]
    kept = [{key: value for key, value in line.items() if key != "source"} for line in lines]
    return files | {"manifest.jsonl": "\n".join(map(json.dumps, kept)).encode()}


def test_answers_in_a_store_are_those_on_a_disk(photographs, bucket, segment, content, tree, tmp_path):
    for out in (f"{bucket}/out", tmp_path / "out"):
        assert segment(photographs, out, "mask", "json", "coco", "geojson") == (12, 0, 0)
    assert content(f"{bucket}/out") == tree(tmp_path / "out")


def test_photographs_in_a_store_have_the_answers_of_those_on_a_disk(
    photographs, uploaded, bucket, segment, content, tree, tmp_path
):
    for out in (f"{bucket}", tmp_path / "out"):
        assert segment(uploaded, out) == (12, 0, 0)
    segment(photographs, tmp_path / "local")
    found = {path: data for path, data in content(f"{bucket}").items() if not path.startswith("photographs/")}
    assert found == tree(tmp_path / "out")
    assert without_sources(found) == without_sources(tree(tmp_path / "local"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", None),
        ("/north", ["01.png", "04.png", "07.png", "10.png", "early/02.png"]),
        ("/north/*.png", ["01.png", "04.png", "07.png", "10.png"]),
        ("/**/0[17].png", ["north/01.png", "north/07.png"]),
        ("/north/04.png", ["04.png"]),
    ],
)
def test_a_url_finds_what_a_path_finds(photographs, uploaded, pattern, names):
    found = [item.name for item in inputs.find([uploaded + pattern])]
    assert found == [item.name for item in inputs.find([f"{photographs}{pattern}"])]
    assert names is None or found[: len(names)] == names


def test_names_that_paths_have_not(store, bucket, protocol, photographs):
    picture = (photographs / "00.png").read_bytes()
    # Azure's client takes `..` out of a name before it asks.
    leading_out = ["../out.png", "a/../../out.png"] if protocol == "s3" else []
    for name in ["a b#1?.png", "ü/[1]*.png", "/empty.png", ".hidden/1.png", *leading_out]:
        store.pipe_file(f"{bucket}/strange/{name}", picture)
    items = inputs.find([f"{bucket}/strange"])
    assert [item.name for item in items] == ["a b#1?.png", "empty.png", "ü/[1]*.png"]
    assert [item.read() for item in items] == 3 * [picture]


def test_what_tells_objects_apart_is_their_size_and_their_etag(uploaded, store, photographs):
    item, *_ = inputs.find([uploaded])
    data = (photographs / "00.png").read_bytes()
    about = store.info(f"{uploaded}/00.png")
    etag = about.get("ETag") or about["etag"]
    assert (item.source, item.read()) == ((len(data), etag.strip('"')), data)
    assert inputs.find([f"{uploaded}/00.png"])[0].source == item.source


def test_a_second_run_makes_only_what_is_missing_or_changed(photographs, uploaded, bucket, store, segment, content):
    out = f"{bucket}/out"
    segment(uploaded, out)
    before = content(out)
    store.rm_file(f"{out}/mask/00.png")
    store.pipe_file(f"{out}/mask/north/01.png", b"cut o")
    assert segment(uploaded, out) == (2, 10, 0)
    assert content(out) == before
    store.pipe_file(f"{uploaded}/06.png", (photographs / "03.png").read_bytes())
    assert segment(uploaded, out) == (1, 11, 0)
    assert content(out)["mask/06.png"] == before["mask/03.png"]
    assert segment(uploaded, out) == (0, 12, 0)


def test_answers_below_the_photographs_are_no_photographs(uploaded, segment):
    assert segment(uploaded, f"{uploaded}/out") == (12, 0, 0)
    assert segment(uploaded, f"{uploaded}/out") == (0, 12, 0)


def test_a_video_in_a_store_has_the_answers_of_one_on_a_disk(bucket, store, segment, content, tree, tmp_path):
    clip = test_video.write(tmp_path / "clip.mp4", test_video.pictures())
    store.put_file(str(clip), f"{bucket}/clips/clip.mp4")
    store.pipe_file(f"{bucket}/clips/none.mp4", b"no video")
    assert segment(f"{bucket}/clips", f"{bucket}/out") == (1, 0, 1)
    assert segment(f"{bucket}/clips", tmp_path / "out") == (1, 0, 1)
    found = content(f"{bucket}/out")
    assert found == tree(tmp_path / "out")
    assert {"overlay/clip.mp4", "coverage/clip.csv", "failed.csv"} <= set(found)


def test_a_bad_object_stops_no_other(uploaded, bucket, store, segment, content, segmenter):
    store.pipe_file(f"{uploaded}/01.jpg", b"no picture")
    items = inputs.find([uploaded])
    store.rm_file(f"{uploaded}/03.png")
    outcome = job.run(items, segmenter, stores.path(f"{bucket}/out"))
    assert (outcome.made, [name for name, _ in outcome.failed]) == (11, ["01.jpg", "03.png"])
    failed = list(csv.DictReader(io.StringIO(content(f"{bucket}/out")[job.FAILED].decode())))
    assert failed[0]["reason"].startswith("Received text. Expected a JPEG")
    assert failed[1]["reason"].startswith(f"{uploaded}/03.png cannot be read: ")
    assert segment(uploaded, f"{bucket}/out", "mask") == (0, 11, 1)


def test_answers_of_other_options_are_not_mixed(photographs, bucket, segment, content):
    out = f"{bucket}/out"
    segment(photographs, out)
    before = content(out)
    with pytest.raises(ValueError, match=rf"{out} holds answers made with opacity 0\.5 \(now 0\.25\).*--restart"):
        segment(photographs, out, opacity=0.25)
    # The refused one leaves nothing that would stand in the way of the first.
    assert content(out) == before
    assert segment(photographs, out, opacity=0.25, restart=True) == (12, 0, 0)
    assert segment(photographs, out, opacity=0.25) == (0, 12, 0)


def test_of_two_runs_that_begin_together_one_finds_the_setting_of_the_other(bucket):
    folder = stores.path(f"{bucket}/out")
    with on_store.output(folder).opened() as first, on_store.output(folder).opened() as second:
        assert first.claim(b"first\n") == []
        (found,) = second.claim(b"second\n")
        assert found.read_bytes() == b"first\n"


def interrupted(items, segmenter, folder, *, after: int) -> None:
    """Run a job that ends by a fault once so many images are done."""
    done = []

    def leave(_: str | None) -> None:
        done.append(None)
        if len(done) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.run(items, segmenter, folder, say=leave)


def test_interrupted_it_goes_on_where_it_was(uploaded, bucket, segmenter, content):
    items, folder = inputs.find([uploaded]), stores.path(f"{bucket}/out")
    for after in (3, 5):
        interrupted(items, segmenter, folder, after=after)
    parts = [path for path in content(f"{bucket}/out") if path.startswith(".streetseg/journal/")]
    assert [path.rpartition("/")[2][:8] for path in parts] == ["00000000", "00000001", "00000002"]
    with pytest.raises(ValueError, match=r"made with every 1 \(now 2\)"):
        job.run(items, segmenter, folder, job=one.Job(every=2))
    outcome = job.run(items, segmenter, folder)
    assert (outcome.made, outcome.kept) == (7, 5)
    job.run(items, segmenter, stores.path(f"{bucket}/unbroken"))
    assert content(f"{bucket}/out") == content(f"{bucket}/unbroken")


def test_ended_between_the_manifest_and_the_removal_of_its_parts_nothing_is_lost(
    uploaded, bucket, segmenter, content, monkeypatch
):
    items, folder = inputs.find([uploaded]), stores.path(f"{bucket}/out")
    interrupted(items, segmenter, folder, after=3)
    with monkeypatch.context() as patch:
        patch.setattr(on_store.StoreOutput, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            job.run(items, segmenter, folder)
    before = content(f"{bucket}/out")
    assert {"manifest.jsonl", ".streetseg/journal/00000000.jsonl"} <= set(before)
    assert job.run(items, segmenter, folder).kept == 12
    kept = {path: data for path, data in before.items() if not path.startswith(".streetseg/")}
    assert content(f"{bucket}/out") == kept


def test_a_journal_that_is_none_is_refused_by_its_url(uploaded, bucket, protocol, segmenter, store):
    items, folder = inputs.find([uploaded]), stores.path(f"{bucket}/out")
    interrupted(items, segmenter, folder, after=3)
    (part,) = (key for key in store.find(f"{bucket}/out/.streetseg") if "/00000001-" in key)
    store.pipe_file(part, b"no JSON\n")
    with pytest.raises(ValueError, match=rf"{protocol}://{part} cannot be read\. Expected a line of JSON"):
        job.run(items, segmenter, folder)


def test_answers_into_a_bucket_that_is_not_there_are_refused(photographs, bucket, segment):
    out, why = f"{bucket}-gone/out", "The specified (bucket|container) does not exist"
    with pytest.raises(
        OSError, match=rf"{out}.* cannot be [a-z]+: {why}\. Expected a bucket or container that is there"
    ):
        segment(photographs, out)


def test_killed_again_and_again_it_ends_with_the_bytes_of_an_unbroken_run(
    uploaded, bucket, protocol, repository, content, segment, store
):
    draw = random.Random(4)

    def start(out: str) -> subprocess.Popen:
        words = [sys.executable, "-c", SLOW, uploaded, f"{bucket}/{out}"]
        return subprocess.Popen(words, cwd=repository, stdout=subprocess.PIPE)

    # More often where there is time for it.
    for _ in range(3 if protocol == "abfs" else 1):
        process = start("killed")
        assert process.stdout.readline() == b"ready\n"
        ends = time.monotonic() + 20
        before = len(store.find(f"{bucket}/killed/.streetseg"))
        while len(store.find(f"{bucket}/killed/.streetseg")) < before + 2 and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # None of them may have got to the end by itself, and what they noted is there.
    assert not store.exists(f"{bucket}/killed/manifest.jsonl")
    assert len(store.find(f"{bucket}/killed/.streetseg")) > 1
    process = start("killed")
    process.communicate()
    assert process.returncode == 0
    segment(uploaded, f"{bucket}/unbroken", "mask", "json", "coco", "zip")
    assert content(f"{bucket}/killed") == content(f"{bucket}/unbroken")


def test_a_store_that_shows_halves_gets_files_that_are_moved(photographs, segment, tree, tmp_path, monkeypatch):
    # fsspec's memory stands for sftp and its like: only what is moved to its place is there.
    memory = stores.path("memory://answers").fs
    written = []
    pipe = memory.pipe_file
    monkeypatch.setattr(memory, "pipe_file", lambda path, *args, **options: (written.append(path), pipe(path, *args)))
    assert segment(photographs, "memory://answers") == (12, 0, 0)
    assert {path.split("/")[2] for path in written} == {".streetseg"}
    segment(photographs, tmp_path / "out")
    found = {key.removeprefix("/answers/"): memory.cat_file(key) for key in memory.find("/answers")}
    assert found == tree(tmp_path / "out")
    assert segment(photographs, "memory://answers") == (0, 12, 0)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nope://bucket/x", "nope://bucket/x has the protocol 'nope'. Expected s3, abfs, gs or another"),
        ("{}://no-such-bucket/x", "://no-such-bucket/x does not exist. Expected an image, a folder or a pattern"),
        ("{}://no-such-bucket/*.png", "://no-such-bucket/*.png does not exist. Expected an image"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_sentence(word, says, protocol, tmp_path, capsys):
    assert main(["segment", word.format(protocol), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_without_credentials_it_says_what_is_missing(protocol, bucket, tmp_path, capsys, monkeypatch):
    for name in (name for name in os.environ if name.startswith(("AWS_", "AZURE_")) and "ENDPOINT" not in name):
        monkeypatch.delenv(name)
    # Else it would ask the machine for its role.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.get_filesystem_class(protocol).clear_instance_cache()
    assert main(["segment", bucket, str(tmp_path / "out")]) == 2
    fsspec.get_filesystem_class(protocol).clear_instance_cache()
    said = capsys.readouterr().err
    assert f"{bucket}" in said
    assert "cannot be reached: " in said
    assert "redentials" in said.partition("Expected")[0]
    assert said.count("\n") == 1


def test_a_store_that_does_not_answer_is_one_sentence(protocol, tmp_path, capsys, monkeypatch):
    if protocol == "abfs":
        pytest.skip("Azure's library tries again for minutes")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = fsspec.get_filesystem_class(protocol)
    monkeypatch.setattr(store, "retries", 1)
    store.clear_instance_cache()
    assert main(["segment", "s3://bucket", str(tmp_path / "out")]) == 2
    store.clear_instance_cache()
    said = capsys.readouterr().err
    assert "s3://bucket/ cannot be reached: Could not connect to the endpoint URL" in said
    assert said.count("\n") == 1


def test_an_archive_in_a_store_is_refused(store, bucket):
    store.pipe_file(f"{bucket}/monday.zip", b"PK")
    with pytest.raises(ValueError, match=rf"{bucket}/monday\.zip is an archive in a store\. Expected images: copy"):
        inputs.find([f"{bucket}/monday.zip"])


def test_without_its_libraries_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setattr(stores.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"not installed: `pip install -r requirements-storage\.txt`"):
        stores.path("s3://bucket/x")


def test_a_store_whose_library_is_missing_says_so():
    with pytest.raises(ValueError, match=r"gs://bucket/x needs a library that is not installed: .*gcsfs"):
        stores.path("gs://bucket/x")


def test_a_url_of_a_file_is_a_path(photographs):
    assert stores.path(f"file://{photographs}") == photographs
