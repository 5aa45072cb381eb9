"""The stack on which a thread handles signals (sigaltstack(2)), kept from a library that would set another one.

OpenVINO's CPU plugin gives the thread that loads it a stack of its own, so that a processor with AMX finds room there,
and frees it with the last network: when another thread does that, or networks go in the order in which they came, the
first thread is left with freed memory as its stack (seen with OpenVINO 2026.4.1). Python handles each signal
on that stack, so that the next SIGTERM ends the process with SIGSEGV. Without any, signals are handled on the thread's
own stack, where there is room enough.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Stack(ctypes.Structure):
    """`stack_t` of Linux: where it begins, its flags, its bytes; with the flag 2 there is none."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t))


def current() -> Stack:
    """Return that of this thread. Linux only."""
    stack = Stack()
    _sigaltstack(None, ctypes.byref(stack))
    return stack


@contextmanager
def kept() -> Iterator[None]:
    """Give this thread the stack again that it had before, whatever was set within. Nothing happens but on Linux."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = current()
    try:
        yield
    finally:
        # Refused where the former is too small for what the process may use since. Then the new one stays.
        _sigaltstack(ctypes.byref(before), None)


def _sigaltstack(new, old) -> None:
    ctypes.CDLL(None).sigaltstack(new, old)
