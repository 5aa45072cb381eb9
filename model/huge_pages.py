"""Large arrays in pages of 2 MB, not of 4 kB: the network then looks up fewer of them, and answers sooner.

Linux gives them to whoever asks, in its usual mode, `madvise`. glibc (2.35 and later) asks for all that `malloc` gives
out where a tunable says so, which it reads when the process starts: so one that runs already starts anew. Without
glibc, with an older one, or where Linux gives them to all or to none, nothing happens.

Source: glibc manual, "Memory Allocation Tunables"; Documentation/admin-guide/mm/transhuge.rst of Linux.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

NAME, TUNABLE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"
_MODE = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def ask() -> None:
    """Start this process anew, with the same words, if it does not ask for huge pages yet and asking would help.

    To be called before anything is done: nothing of what the process holds is kept but its files and its number.
    """
    tunables = os.environ.get(NAME, "")
    # Whoever says how it is to be, has said it.
    if TUNABLE in tunables or not _is_of_use() or not sys.executable:
        return
    asking = os.environ | {NAME: ":".join(filter(None, (tunables, f"{TUNABLE}=1")))}
    # Where it may not be started anew, it goes on as it is.
    with contextlib.suppress(OSError):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], asking)


def _is_of_use() -> bool:
    """Tell whether this is glibc, on a Linux that gives huge pages to those who ask."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc") and "[madvise]" in _MODE.read_text("utf-8")
    except (AttributeError, ValueError, OSError):
        return False
