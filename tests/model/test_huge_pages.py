from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from model import huge_pages

ROOT = Path(__file__).resolve().parents[2]
MODE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

# Says its number, and whether the kernel marks what malloc gave for huge pages.
PROGRAM = """
import os, re, sys
from model import huge_pages
huge_pages.ask()
import numpy as np
array = np.ones(48 << 20, np.uint8)
flags, here = "", False
for line in open("/proc/self/smaps"):
    found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
    if found:
        here = int(found[1], 16) <= array.ctypes.data < int(found[2], 16)
    elif here and line.startswith("VmFlags:"):
        flags = line
print(os.getpid(), "hg" in flags.split(), os.environ["GLIBC_TUNABLES"], *sys.argv[1:], *sys.warnoptions)
"""

on_such_a_machine = pytest.mark.skipif(
    not MODE.exists()
    or "[madvise]" not in MODE.read_text()
    or tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) < (2, 35),
    reason="huge pages are for all or for none, or glibc cannot ask",
)


def run(**environment: str) -> tuple[int, list[str]]:
    """Return the number of the process that was started, and the words that it said."""
    rest = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, "two words", "ä"]
    process = subprocess.Popen(command, cwd=ROOT, env=rest | environment, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return process.pid, said.rstrip().split(" ")


@on_such_a_machine
def test_memory_comes_in_huge_pages_and_the_process_keeps_its_number_and_words():
    number, said = run()
    assert said == [str(number), "True", "glibc.malloc.hugetlb=1", "two", "words", "ä", "error"]


@on_such_a_machine
def test_other_tunables_stay():
    _, said = run(GLIBC_TUNABLES="glibc.malloc.tcache_count=3")
    assert said[1:3] == ["True", "glibc.malloc.tcache_count=3:glibc.malloc.hugetlb=1"]


def test_who_wants_none_gets_none():
    _, said = run(GLIBC_TUNABLES="glibc.malloc.hugetlb=0")
    assert said[1:3] == ["False", "glibc.malloc.hugetlb=0"]


@pytest.fixture
def started(monkeypatch, tmp_path) -> list:
    """What would have been started anew, on a machine where that helps."""
    calls = []
    monkeypatch.setattr(huge_pages.os, "execve", lambda *words: calls.append(words))
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    monkeypatch.setattr(huge_pages.os, "confstr", lambda name: "glibc 2.36")
    monkeypatch.setattr(huge_pages, "_MODE", tmp_path / "enabled")
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    return calls


def test_the_process_is_started_anew_where_that_helps(started, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "-m", "model", "list"])
    huge_pages.ask()
    ((path, words, environment),) = started
    assert path == sys.executable
    assert words == [sys.executable, "-X", "dev", "-m", "model", "list"]
    assert environment == os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@pytest.mark.parametrize("mode", ["[always] madvise never\n", "always madvise [never]\n", None])
def test_where_linux_gives_them_to_all_or_none_nothing_happens(mode, started, tmp_path):
    (tmp_path / "enabled").unlink() if mode is None else (tmp_path / "enabled").write_text(mode)
    huge_pages.ask()
    assert not started


@pytest.mark.parametrize("answer", [None, "musl 1.2"])
def test_another_c_library_is_left_alone(answer, started, monkeypatch):
    monkeypatch.setattr(huge_pages.os, "confstr", lambda name: answer)
    huge_pages.ask()
    assert not started


@pytest.mark.parametrize("error", [ValueError, AttributeError])
def test_a_system_without_such_names_is_left_alone(error, started, monkeypatch):
    def refuse(name):
        raise error

    monkeypatch.setattr(huge_pages.os, "confstr", refuse)
    huge_pages.ask()
    assert not started


def test_an_interpreter_that_does_not_know_where_it_is_goes_on(started, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    huge_pages.ask()
    assert not started


def test_a_process_that_may_not_be_started_anew_goes_on(started, monkeypatch):
    def refuse(*words):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(huge_pages.os, "execve", refuse)
    huge_pages.ask()
    assert "GLIBC_TUNABLES" not in os.environ


@pytest.mark.parametrize(("verb", "times"), [("segment", 1), ("train", 0)])
def test_the_command_line_asks_where_openvino_does_the_work(verb, times, monkeypatch):
    calls = []
    monkeypatch.setattr(huge_pages, "ask", lambda: calls.append(verb))
    monkeypatch.setattr(sys, "argv", ["model", verb, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "model" / "__main__.py"), run_name="__main__")
    assert ended.value.code == 0
    assert len(calls) == times
