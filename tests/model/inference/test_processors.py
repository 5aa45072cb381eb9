from __future__ import annotations

import multiprocessing
import threading

import cv2
import pytest

from model.inference import control_groups, processors


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"), [(8, None, 8), (8, 0.2, 1), (8, 1.0, 1), (8, 1.2, 2), (2, 6.0, 2), (1, None, 1)]
)
def test_the_smaller_of_affinity_and_quota_counts_and_a_part_is_a_whole(monkeypatch, allowed, quota, expected):
    monkeypatch.setattr(processors.os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    monkeypatch.setattr(control_groups, "processor_quota", lambda: quota)
    assert processors.count.__wrapped__() == expected


def test_without_affinity_the_machine_s_processors_count(monkeypatch):
    monkeypatch.delattr(processors.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(control_groups, "processor_quota", lambda: None)
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
    monkeypatch.setattr(control_groups, "SYSTEM", tmp_path)
    table = {"x86": {"fpu", "amx_bf16", "avx512_vnni"}, "arm": {"fp", "asimd", "asimddp", "bf16"}, "none": set()}
    assert processors.flags.__wrapped__() == table[expected]


def test_a_system_that_does_not_tell_has_no_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(control_groups, "SYSTEM", tmp_path)
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


@pytest.mark.parametrize(("number", "callers", "expected"), [(1, 1, 1), (2, 1, 2), (2, 2, 1), (2, 3, 1), (8, 2, 4)])
def test_opencv_is_kept_to_one_caller_s_share_of_the_processors(number, callers, expected, monkeypatch):
    before = cv2.getNumThreads()
    try:
        monkeypatch.setattr(processors, "count", lambda: number)
        processors.limit_libraries(callers)
        assert cv2.getNumThreads() == expected
    finally:
        cv2.setNumThreads(before)
