from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from model.inference import signal_stack
from model.inference.openvino_engine import OpenVinoEngine

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sigaltstack of Linux")

_GIVEN_UP = """
import signal, sys, threading
from model import artifact
from model.inference.openvino_engine import OpenVinoEngine

heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
engines = [OpenVinoEngine(artifact.read(sys.argv[1])) for _ in range(2)]
if sys.argv[2] == "in another thread":
    thread = threading.Thread(target=engines.clear)
    thread.start()
    thread.join()
else:
    del engines[0]
    del engines[0]
signal.raise_signal(signal.SIGTERM)
assert heard == [1]
"""


@pytest.mark.parametrize("how", ["in another thread", "in the order in which they came"])
@pytest.mark.parametrize("faulthandler", ["", "-Xfaulthandler"])
def test_a_process_that_gave_up_its_networks_lives_through_a_signal(tiny_artifact, how, faulthandler):
    words = [sys.executable, *faulthandler.split(), "-c", _GIVEN_UP, str(tiny_artifact.folder), how]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_network_leaves_the_stack_of_its_thread_as_it_was(tiny_artifact):
    seen = []

    def load() -> None:
        seen.append(_parts(signal_stack.current()))
        network = OpenVinoEngine(tiny_artifact)
        seen.append(_parts(signal_stack.current()))
        del network
        seen.append(_parts(signal_stack.current()))

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    load()
    assert seen[0] == seen[1] == seen[2]
    assert seen[3] == seen[4] == seen[5]


def test_the_stack_comes_back_when_what_is_within_fails():
    before = _parts(signal_stack.current())
    with pytest.raises(RuntimeError), signal_stack.kept():
        raise RuntimeError
    assert _parts(signal_stack.current()) == before


def _parts(stack: signal_stack.Stack) -> tuple:
    return stack.start, stack.flags, stack.bytes
