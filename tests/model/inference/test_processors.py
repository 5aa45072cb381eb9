from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import cv2
import pytest

from model.inference import processors


def _system(folder: Path, membership: str, **quotas: str) -> Path:
    """Write a file system with control groups; `quotas` are the contents of files, by path with / written as __."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(membership)
    for name, content in quotas.items():
        path = folder / "sys/fs/cgroup" / name.replace("__", "/")
        path.mkdir(parents=True, exist_ok=True)
        if "cfs" in content:
            quota, period = content.removeprefix("cfs ").split()
            (path / "cpu.cfs_quota_us").write_text(f"{quota}\n")
            (path / "cpu.cfs_period_us").write_text(f"{period}\n")
        else:
            (path / "cpu.max").write_text(f"{content}\n")
    return folder


@pytest.mark.parametrize(("content", "quota"), [("150000 100000", 1.5), ("20000 50000", 0.4), ("max 100000", None)])
def test_version_2_says_quota_and_period_in_one_file(tmp_path, content, quota):
    system = _system(tmp_path, "0::/service\n", service=content)
    assert processors.cgroup_quota(system) == quota


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(
    ("content", "quota"), [("cfs 50000 100000", 0.5), ("cfs 300000 100000", 3), ("cfs -1 1000", None)]
)
def test_version_1_says_quota_and_period_in_two_files(tmp_path, mount, content, quota):
    system = _system(tmp_path, "5:memory:/big\n4:cpu,cpuacct:/service\n", **{f"{mount}__service": content})
    assert processors.cgroup_quota(system) == quota


def test_version_2_beside_version_1_is_looked_at_where_it_is_mounted(tmp_path):
    system = _system(tmp_path, "3:cpu:/\n0::/inner\n", cpu="cfs 400000 100000", unified__inner="200000 100000")
    assert processors.cgroup_quota(system) == 2


@pytest.mark.parametrize(
    ("outer", "inner", "quota"),
    [("100000 100000", "max 100000", 1), ("100000 100000", "200000 100000", 1), ("200000 100000", "50000 100000", 0.5)],
)
def test_the_tightest_of_nested_groups_counts(tmp_path, outer, inner, quota):
    system = _system(tmp_path, "0::/outer/middle/inner\n", outer=outer, outer__middle__inner=inner)
    assert processors.cgroup_quota(system) == quota


def test_a_group_that_is_not_the_process_s_own_does_not_count(tmp_path):
    system = _system(tmp_path, "0::/mine\n", mine="max 100000", other="50000 100000", mine__below="50000 100000")
    assert processors.cgroup_quota(system) is None


@pytest.mark.parametrize("path", ["/", "/../..", "/../../neighbour", "/docker/0123abcd"])
def test_a_container_finds_its_own_group_at_the_top(tmp_path, path):
    system = _system(tmp_path, f"0::{path}\n", **{".": "250000 100000"})
    # What lies outside the mounted groups is no group.
    (tmp_path / "sys/fs/cpu.max").write_text("50000 100000\n")
    assert processors.cgroup_quota(system) == 2.5


def test_a_colon_in_a_group_s_name_is_part_of_it(tmp_path):
    system = _system(tmp_path, "0::/unit:one\n", **{"unit:one": "70000 100000"})
    assert processors.cgroup_quota(system) == 0.7


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert processors.cgroup_quota(tmp_path) is None
    assert processors.cgroup_quota(_system(tmp_path, "2:cpuset:/a\n1:cpu:/gone\n0::/gone\n")) is None


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"), [(8, None, 8), (8, 0.2, 1), (8, 1.0, 1), (8, 1.2, 2), (2, 6.0, 2), (1, None, 1)]
)
def test_the_smaller_of_affinity_and_quota_counts_and_a_part_is_a_whole(monkeypatch, allowed, quota, expected):
    monkeypatch.setattr(processors.os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    monkeypatch.setattr(processors, "cgroup_quota", lambda: quota)
    assert processors.count.__wrapped__() == expected


def test_without_affinity_the_machine_s_processors_count(monkeypatch):
    monkeypatch.delattr(processors.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(processors, "cgroup_quota", lambda: None)
    monkeypatch.setattr(processors.os, "cpu_count", lambda: 6)
    assert processors.count.__wrapped__() == 6
    monkeypatch.setattr(processors.os, "cpu_count", lambda: None)
    assert processors.count.__wrapped__() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu amx_bf16 avx512_vnni\nvmx flags\t: ept\n\nflags\t\t: other\n", "x86"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd asimddp bf16\n", "arm"),
        ("processor\t: 0\nuarch\t: sifive\n", "none"),
    ],
)
def test_flags_are_read_as_x86_and_arm_call_them(tmp_path, monkeypatch, text, expected):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(text)
    monkeypatch.setattr(processors, "_SYSTEM", tmp_path)
    table = {"x86": {"fpu", "amx_bf16", "avx512_vnni"}, "arm": {"fp", "asimd", "asimddp", "bf16"}, "none": set()}
    assert processors.flags.__wrapped__() == table[expected]


def test_a_system_that_does_not_tell_has_no_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "_SYSTEM", tmp_path)
    assert processors.flags.__wrapped__() == frozenset()


@pytest.fixture
def three_processors(monkeypatch):
    """Pretend that there are three processors, with a pool of their own."""
    monkeypatch.setattr(processors, "count", lambda: 3)
    processors._pool.cache_clear()
    yield
    processors._pool().shutdown()
    processors._pool.cache_clear()


def test_parallel_keeps_the_order_and_works_on_several_threads_at_once(three_processors):
    # Passes only where three are inside at the same time.
    barrier = threading.Barrier(3, timeout=30)

    def square(number: int) -> int:
        barrier.wait()
        return number * number

    assert processors.parallel(square, range(9)) == [number * number for number in range(9)]


def test_parallel_never_uses_more_threads_than_processors(three_processors):
    names = processors.parallel(lambda _: threading.current_thread().name, range(100))
    assert len(set(names)) <= 3


def test_parallel_raises_what_the_first_item_that_failed_raised(three_processors):
    def refuse_odd(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number

    with pytest.raises(ValueError, match="1 is odd"):
        processors.parallel(refuse_odd, range(6))
    assert processors.parallel(refuse_odd, [2, 4]) == [2, 4]


@pytest.mark.parametrize(("count", "items"), [(1, 5), (3, 1), (3, 0)])
def test_where_there_is_nothing_to_share_the_caller_does_it(monkeypatch, count, items):
    monkeypatch.setattr(processors, "count", lambda: count)
    threads = processors.parallel(lambda _: threading.get_ident(), range(items))
    assert threads == [threading.get_ident()] * items


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
# Python warns of the very thing that is tested.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_threads_of_its_own(three_processors):
    barrier = threading.Barrier(3, timeout=30)
    processors.parallel(lambda _: barrier.wait(), range(3))
    child = multiprocessing.get_context("fork").Process(target=processors.parallel, args=(abs, [-1, -2]))
    child.start()
    child.join(30)
    code = child.exitcode
    child.kill()
    assert code == 0


def test_opencv_is_kept_to_the_processors(monkeypatch):
    before = cv2.getNumThreads()
    try:
        for number in (1, 2):
            monkeypatch.setattr(processors, "count", lambda number=number: number)
            processors.limit_libraries()
            assert cv2.getNumThreads() == number
    finally:
        cv2.setNumThreads(before)
