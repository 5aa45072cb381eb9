"""A job from and into object storage, by URL: the files of a disk, and what a kill costs there.

S3 always. Azure Blob too, a minute, with Azurite (`npm install -g azurite`, or AZURITE=path/to/azurite-blob):
`python -m pytest -m storage tests/model/inference/batch`.
"""

from __future__ import annotations

import csv
import io
import random
import signal
import subprocess
import sys
import time

import pytest

from model.inference.batch import inputs, job, on_store, one, stores
from tests.model.inference.batch import test_video

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


def test_answers_in_a_store_are_those_on_a_disk(photographs, bucket, segment_into, content, tree, tmp_path):
    for out in (f"{bucket}/out", tmp_path / "out"):
        assert segment_into(photographs, out, "mask", "json", "coco", "geojson") == (12, 0, 0)
    assert content(f"{bucket}/out") == tree(tmp_path / "out")


def test_photographs_in_a_store_have_the_answers_of_those_on_a_disk(
    photographs, uploaded, bucket, segment_into, content, tree, without_sources, tmp_path
):
    for out in (bucket, tmp_path / "out"):
        assert segment_into(uploaded, out) == (12, 0, 0)
    segment_into(photographs, tmp_path / "local")
    found = {path: data for path, data in content(bucket).items() if not path.startswith("photographs/")}
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


def test_a_second_run_makes_only_what_is_missing_or_changed(
    photographs, uploaded, bucket, store, segment_into, content
):
    out = f"{bucket}/out"
    segment_into(uploaded, out)
    before = content(out)
    store.rm_file(f"{out}/mask/00.png")
    store.pipe_file(f"{out}/mask/north/01.png", b"cut o")
    assert segment_into(uploaded, out) == (2, 10, 0)
    assert content(out) == before
    store.pipe_file(f"{uploaded}/06.png", (photographs / "03.png").read_bytes())
    assert segment_into(uploaded, out) == (1, 11, 0)
    assert content(out)["mask/06.png"] == before["mask/03.png"]
    assert segment_into(uploaded, out) == (0, 12, 0)


def test_answers_below_the_photographs_are_no_photographs(uploaded, segment_into):
    assert segment_into(uploaded, f"{uploaded}/out") == (12, 0, 0)
    assert segment_into(uploaded, f"{uploaded}/out") == (0, 12, 0)


def test_a_video_in_a_store_has_the_answers_of_one_on_a_disk(bucket, store, segment_into, content, tree, tmp_path):
    clip = test_video.write(tmp_path / "clip.mp4", test_video.pictures())
    store.put_file(str(clip), f"{bucket}/clips/clip.mp4")
    store.pipe_file(f"{bucket}/clips/none.mp4", b"no video")
    assert segment_into(f"{bucket}/clips", f"{bucket}/out") == (1, 0, 1)
    assert segment_into(f"{bucket}/clips", tmp_path / "out") == (1, 0, 1)
    found = content(f"{bucket}/out")
    assert found == tree(tmp_path / "out")
    assert {"overlay/clip.mp4", "coverage/clip.csv", "failed.csv"} <= set(found)


def test_a_bad_object_stops_no_other(uploaded, bucket, store, segment_into, content, segmenter):
    store.pipe_file(f"{uploaded}/01.jpg", b"no picture")
    items = inputs.find([uploaded])
    store.rm_file(f"{uploaded}/03.png")
    outcome = job.run(items, segmenter, stores.path(f"{bucket}/out"))
    assert (outcome.made, [name for name, _ in outcome.failed]) == (11, ["01.jpg", "03.png"])
    failed = list(csv.DictReader(io.StringIO(content(f"{bucket}/out")[job.FAILED].decode())))
    assert failed[0]["reason"].startswith("Received text. Expected a JPEG")
    assert failed[1]["reason"].startswith(f"{uploaded}/03.png cannot be read: ")
    assert segment_into(uploaded, f"{bucket}/out", "mask") == (0, 11, 1)


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
    with pytest.raises(ValueError, match=r'made with every "auto" \(now 2\)'):
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


def test_killed_again_and_again_it_ends_with_the_bytes_of_an_unbroken_run(
    uploaded, bucket, protocol, repository, content, segment_into, store
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
    segment_into(uploaded, f"{bucket}/unbroken", "mask", "json", "coco", "zip")
    assert content(f"{bucket}/killed") == content(f"{bucket}/unbroken")


def test_a_store_that_shows_halves_gets_files_that_are_moved(photographs, segment_into, tree, tmp_path, monkeypatch):
    # fsspec's memory stands for sftp and its like: only what is moved to its place is there.
    memory = stores.path("memory://answers").fs
    written = []
    pipe = memory.pipe_file
    monkeypatch.setattr(memory, "pipe_file", lambda path, *args, **options: (written.append(path), pipe(path, *args)))
    assert segment_into(photographs, "memory://answers") == (12, 0, 0)
    assert {path.split("/")[2] for path in written} == {".streetseg"}
    segment_into(photographs, tmp_path / "out")
    found = {key.removeprefix("/answers/"): memory.cat_file(key) for key in memory.find("/answers")}
    assert found == tree(tmp_path / "out")
    assert segment_into(photographs, "memory://answers") == (0, 12, 0)


def test_a_url_of_a_file_is_a_path(photographs):
    assert stores.path(f"file://{photographs}") == photographs
