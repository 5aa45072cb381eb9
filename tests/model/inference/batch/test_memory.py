from __future__ import annotations

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from model.inference.batch import memory

# What an image does: some arrays of a few megabytes, made and given back on a thread. Prints the faults of the last.
PROGRAM = """
import resource, sys, threading
import numpy as np
from model.inference.batch import memory

def work():
    for number in range(20):
        if number == 19:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        arrays = [np.ones(1 << 20, np.uint8) for _ in range(8)]
        del arrays
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "keep":
    assert memory.keep_freed(2)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_freed_serves_the_next_image_without_faults():
    def faults(word: str) -> int:
        command = [sys.executable, "-c", PROGRAM, word]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert faults("keep") < 100
    # Eight megabytes are two thousand pages. Were they kept anyway, nothing here would be needed.
    assert faults("leave") > 1000


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_c_library_is_left_as_it_is(error, monkeypatch):
    def refuse(name):
        raise error

    monkeypatch.setattr(memory, "ctypes", SimpleNamespace(CDLL=refuse))
    assert not memory.keep_freed(2)
