"""Killed for real at every kind of moment, prepare goes on and ends with the bytes of an unbroken run."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from model.data.datasets import open_samples
from model.data.preparation import cache, journal
from model.data.preparation.prepare import Settings, prepare
from tests.model.data.preparation.official import SIZE, write_dataset, write_frame

ROOT = Path(__file__).resolve().parents[4]
CACHE = (16, 32)

# Runs prepare and kills its own process, as `kill -9` would, when a function is called for the nth time.
KILLER = """
import os, signal, sys
from pathlib import Path
from model.data.preparation import cache, journal, manifest, work
from model.data.preparation.prepare import Settings, prepare

source, out, holder, name, calls, moment = sys.argv[1:]
holder = {"writer": cache.Writer, "journal": journal.Journal, "manifest": manifest}[holder]
wrapped, left = getattr(holder, name), int(calls)

def killed(*arguments, **options):
    global left
    left -= 1
    if moment == "after" or left:
        wrapped(*arguments, **options)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

setattr(holder, name, killed)
work._SYNC_IMAGES = 2
prepare([source], Path(out), Settings(size=(16, 32)), workers=1)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("official"), splits=("train", "val"), each=3)


@pytest.fixture(scope="module")
def unbroken(source, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("prepared") / "out"
    run(source, out)
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def run(source: Path, out: Path, **options) -> list[str]:
    lines: list[str] = []
    prepare([source], out, Settings(size=CACHE), say=lines.append, **options)
    return lines


def kill(source: Path, out: Path, *where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLER, source, out, *where], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (("writer", "write", "1", "before"), 0),
        (("writer", "write", "6", "after"), None),
        (("journal", "sync", "3", "before"), 4),
        (("journal", "sync", "3", "after"), 6),
        (("manifest", "write", "1", "before"), 15),
        (("manifest", "write", "1", "after"), 15),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_a_run_killed_at_any_moment_ends_like_an_unbroken_one(source, unbroken, tmp_path, where, kept):
    kill(source, tmp_path / "out", *where)
    lines = run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == unbroken
    if kept is not None:
        assert (f"going on after {kept} of 15 images" in lines) == (kept > 0)


@pytest.fixture
def broken_off(source, tmp_path) -> Path:
    """A folder in which four of fifteen images are done."""
    kill(source, tmp_path / "out", "journal", "sync", "3", "before")
    return tmp_path / "out"


def test_what_is_done_stands_in_the_journal_once(source, tmp_path):
    kill(source, tmp_path / "out", "journal", "sync", "3", "after")
    lines = (tmp_path / "out" / journal.FILE).read_text().splitlines()
    assert len(lines) == len(set(lines)) == 1 + 6


def test_a_line_that_a_kill_left_half_written_is_done_again(source, unbroken, broken_off):
    with open(broken_off / journal.FILE, "ab") as file:
        file.write(b'{"split":"train","row":4,"name":"weimar_0000')
    # A second kill: what the first one left must not run into the lines that follow.
    kill(source, broken_off, "journal", "sync", "3", "before")
    assert "going on after 8 of 15 images" in run(source, broken_off)
    assert contents(broken_off) == unbroken


def test_other_flags_are_refused_by_name(source, broken_off):
    with pytest.raises(ValueError, match=r"(?s)was of something else:\n  height: 16 then, 8 now\nExpected.*--anew"):
        prepare([source], broken_off, Settings(size=(8, 32)), say=lambda line: None)


def test_anew_starts_from_the_beginning(source, unbroken, broken_off):
    prepare([source], broken_off, Settings(size=(8, 8)), anew=True, say=lambda line: None)
    assert open_samples(broken_off, "train")[0].read().image.shape == (8, 8, 3)
    assert not any("going on" in line for line in run(source, broken_off, anew=True))
    assert contents(broken_off) == unbroken


def test_advice_to_take_another_size_can_be_followed(source, unbroken, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
        with pytest.raises(ValueError, match="smaller --height and --width"):
            prepare([source], tmp_path / "out", Settings(size=(32, 64)), say=lambda line: None)
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == unbroken


def test_streets_that_were_asked_too_small_can_be_asked_larger(tmp_path):
    with pytest.raises(ValueError, match=r"size of \(32, 64\)"):
        prepare([], tmp_path / "out", Settings(size=(32, 64), limit=1), say=lambda line: None)
    prepare([], tmp_path / "out", Settings(size=(64, 128), limit=1), say=lambda line: None)
    assert open_samples(tmp_path / "out", "val")[0].read().image.shape == (64, 128, 3)


def test_anew_without_room_keeps_what_was_finished(source, unbroken, tmp_path, monkeypatch):
    run(source, tmp_path / "out")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(ValueError, match="Expected room for it"):
        prepare([source], tmp_path / "out", Settings(size=(320, 640)), anew=True, say=lambda line: None)
    assert contents(tmp_path / "out") == unbroken


def test_a_change_of_what_was_read_is_refused_by_name(source, broken_off, tmp_path):
    plan = json.loads((broken_off / journal.FILE).read_text().splitlines()[0])
    first = plan["samples"]["train"][0]
    assert first == "ulm_000000_000019"
    mask = source / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    before = mask.stat()
    os.utime(mask)
    try:
        with pytest.raises(ValueError, match=r"ulm_000000_000019_gtFine_labelIds.png has changed since it was read"):
            run(source, broken_off)
    finally:
        os.utime(mask, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_images_that_came_or_went_are_named(tmp_path):
    source = write_dataset(tmp_path / "data", splits=("train",), each=2)
    kill(source, tmp_path / "out", "journal", "sync", "2", "before")
    shutil.rmtree(source / "leftImg8bit/train/weimar")
    shutil.rmtree(source / "gtFine/train/weimar")
    write_frame(source, "train", "jena_000000_000019")
    with pytest.raises(ValueError, match="something else") as refusal:
        run(source, tmp_path / "out")
    said = str(refusal.value)
    assert "train had then and has no more: weimar_000000_000019, weimar_000001_000019" in said
    assert "train has now: jena_000000_000019" in said


def test_what_is_done_before_a_disk_is_full_is_kept(source, unbroken, tmp_path, monkeypatch):
    calls = itertools.count()
    write = cache.Writer.write

    def full(*arguments) -> None:
        if next(calls) == 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*arguments)

    monkeypatch.setattr(cache.Writer, "write", full)
    with pytest.raises(OSError, match="No space left"):
        run(source, tmp_path / "out", workers=1)
    monkeypatch.undo()
    assert "going on after 9 of 15 images" in run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == unbroken


def test_a_cache_that_is_gone_is_told(source, broken_off):
    (broken_off / "cache" / "val.images.npy").unlink()
    with pytest.raises(ValueError, match=r"val\.images\.npy is gone"):
        run(source, broken_off)


def test_a_finished_folder_whose_cache_is_gone_is_told(source, tmp_path):
    run(source, tmp_path / "out")
    (tmp_path / "out" / "cache" / "val.images.npy").unlink()
    with pytest.raises(ValueError, match=r"val\.images\.npy is gone\n.*--anew"):
        run(source, tmp_path / "out")


def test_a_finished_folder_without_a_cache_needs_none(source, tmp_path):
    for before in (0, 15):
        found = prepare([source], tmp_path / "out", Settings(size=CACHE, cached=False), say=lambda line: None)
        assert found.before == before


def test_a_run_that_begins_in_the_same_moment_leaves_the_first_one_its_journal(tmp_path, monkeypatch):
    plan = {"samples": {}}
    with closing(journal.Journal(tmp_path, plan, anew=False)), monkeypatch.context() as patch:
        # The second looked before the first one made the file.
        patch.setattr(Path, "exists", lambda path: False)
        with pytest.raises(ValueError, match="Another run is preparing"):
            journal.Journal(tmp_path, plan, anew=True)
        assert json.loads((tmp_path / journal.FILE).read_text()) == plan


def test_two_runs_at_once_are_refused(source, broken_off):
    plan = json.loads((broken_off / journal.FILE).read_text().splitlines()[0])
    held = journal.Journal(broken_off, plan, anew=False)
    with pytest.raises(ValueError, match="Another run is preparing"):
        run(source, broken_off)
    held.close()
    run(source, broken_off)


def test_a_finished_folder_is_not_read_again(source, unbroken, tmp_path, monkeypatch):
    run(source, tmp_path / "out")
    monkeypatch.setattr("model.data.preparation.reading.read", None)
    run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == unbroken


def test_a_finished_folder_of_other_flags_is_refused_and_kept(source, unbroken, tmp_path):
    run(source, tmp_path / "out")
    with pytest.raises(ValueError, match=r"prepared from something else:\n  limit: null then, 1 now"):
        prepare([source], tmp_path / "out", Settings(size=CACHE, limit=1), say=lambda line: None)
    assert contents(tmp_path / "out") == unbroken


def test_a_finished_folder_whose_source_has_changed_is_refused_by_name(tmp_path):
    source = write_dataset(tmp_path / "data", splits=("train",))
    run(source, tmp_path / "out")
    write_frame(source, "train", "ulm_000001_000019", label_ids=np.full(SIZE, 7, np.uint8))
    with pytest.raises(ValueError, match=r"ulm_000001_000019_gtFine_labelIds\.png has changed since it was read"):
        run(source, tmp_path / "out")


def test_the_number_of_workers_changes_nothing(source, unbroken, tmp_path):
    run(source, tmp_path / "out", workers=5)
    assert contents(tmp_path / "out") == unbroken
