"""What processors this process may use, and one pool of threads that keeps them busy.

Every stage sizes itself from here: OpenVINO, OpenCV by `limit_libraries`, and what runs in `parallel`.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2

from model.inference import control_groups

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@functools.cache
def count() -> int:
    """Return how many processors this process may use: by its affinity and by the CPU quota of its container.

    A container limited to 1.5 processors of a host with 64 sees all 64 of them, and is stopped for the rest of each
    period once its threads have used up its share. A part of a processor counts as a whole one, as in Go 1.25; uber's
    automaxprocs rounds down. Unlike Go's, the number may be 1, and groups above the innermost are looked at too.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = control_groups.processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


@functools.cache
def flags() -> frozenset[str]:
    """Return the processor's features as Linux names them, such as `avx512_vnni`; empty where it does not tell."""
    try:
        lines = (control_groups.SYSTEM / "proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return frozenset()
    # x86 calls the line flags, ARM calls it Features.
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def limit_libraries(callers: int = 1) -> None:
    """Share `count()` among as many callers as keep OpenCV busy at the same time, and give it the threads of one.

    OpenCV goes by affinity and by the quota at the top of the mounted control groups, not by the process's own group.
    Its threads shorten what a single caller waits for. Where every processor has a caller, they only get in the way:
    each looks out for more work for a while, and a processor that computes turns to it two hundred times a second.

    Args:
        callers: at least 1.
    """
    cv2.setNumThreads(max(1, count() // callers))


def parallel(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Apply a function to each item on one pool of `count()` threads that the whole process shares.

    Args:
        function: releases the interpreter's lock in most of its work, as NumPy, OpenCV and compressors do. It must not
            call `parallel` itself.
        items: in any number.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: what `function` raised on the first item that failed.
    """
    items = list(items)
    if count() == 1 or len(items) < 2:
        return [function(item) for item in items]
    return list(_pool().map(function, items))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count(), thread_name_prefix="parallel")


# Threads do not survive a fork, and a pool without its threads would wait for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
