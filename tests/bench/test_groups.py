"""Control groups hold what is started in them: real ones where they can be made, and what is written of version 2."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import groups
from bench.groups import Group
from tests.bench.conftest import needs_groups

MEGABYTE = 1_000_000
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def group():
    """A group of one processor and 200 MB."""
    with Group(cores=1, memory=200 * MEGABYTE) as made:
        yield made


def run(group: Group, folder: Path, code: str) -> subprocess.CompletedProcess:
    """Run a line of Python in a group."""
    start = group.starter([sys.executable, "-c", code], folder / "start")
    return subprocess.run([start], cwd=ROOT, capture_output=True, text=True, check=False)


@needs_groups
def test_what_runs_in_a_group_sees_its_limits(group, tmp_path):
    code = "from model.inference import control_groups, processors as p; print(p.count(), control_groups.memory())"
    count, memory = map(int, run(group, tmp_path, code).stdout.split())
    assert count == 1
    assert 199 * MEGABYTE < memory <= 200 * MEGABYTE


@needs_groups
def test_what_takes_more_memory_is_killed_and_counted(group, tmp_path):
    assert run(group, tmp_path, "bytearray(b'x') * 50_000_000").returncode == 0
    assert group.read().killed == 0
    assert group.read().peak == 0 or 50 * MEGABYTE < group.read().peak < 200 * MEGABYTE
    assert run(group, tmp_path, "bytearray(b'x') * 400_000_000").returncode != 0
    assert group.read().killed == 1


@needs_groups
def test_a_group_is_gone_with_all_that_ran_in_it(tmp_path):
    with Group(cores=1, memory=200 * MEGABYTE) as group:
        start = group.starter(["sleep", "600"], tmp_path / "start")
        process = subprocess.Popen([start])
        folders = list(group._folders.values())
        while not all((folder / "cgroup.procs").read_text().split() for folder in folders):
            assert process.poll() is None
    assert process.wait(10) == -9
    assert not any(folder.exists() for folder in folders)


def fake_folder(folder: Path) -> None:
    """Make a group of version 2 as the kernel does: with its files."""
    folder.mkdir()
    for name in ("cgroup.procs", "cpu.max", "memory.max", "memory.swap.max"):
        (folder / name).touch()
    (folder / "memory.stat").write_text("anon 5000\nfile 70\n")
    (folder / "memory.peak").write_text("9000\n")
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n")


def test_version_2_is_written_and_read_as_the_kernel_documents_it(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "_make_folder", fake_folder)
    monkeypatch.setattr(groups.Path, "rmdir", shutil.rmtree)
    (tmp_path / "cgroup.subtree_control").touch()
    (tmp_path / "own").write_text("0::/\n")
    with Group(cores=1.5, memory=3 * MEGABYTE, mount=tmp_path, own=tmp_path / "own") as group:
        (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
        written = {name: (folder / name).read_text() for name in ("cpu.max", "memory.max", "memory.swap.max")}
        assert group.read() == (5000, 9000, 3, 2)
        assert str(folder / "cgroup.procs") in group.starter(["true"], tmp_path / "start").read_text()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory\n"
    assert written == {"cpu.max": "150000 100000\n", "memory.max": "3000000\n", "memory.swap.max": "0\n"}
    assert not folder.exists()


def test_where_no_group_can_be_made_it_is_said_what_is_missing(tmp_path):
    (tmp_path / "own").write_text("1:cpu:/\n0::/\n")
    with (
        pytest.raises(RuntimeError, match=r"version 1: No such file .*version 2: .*subtree_control.*Expected root"),
        Group(cores=1, memory=MEGABYTE, mount=tmp_path, own=tmp_path / "own"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
