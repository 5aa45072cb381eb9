"""A contender is started, measured and ended with all that it has started, wherever that has gone."""

from __future__ import annotations

import os
import sys
import time

import pytest

from bench import contenders, processes
from bench.contenders import Contender
from bench.services import Service

# A service whose child leaves its session and forgets its environment, as Ray's do, and ignores being asked to end.
PROGRAM = """
import http.server, os, subprocess, sys
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", child], env={}, start_new_session=True)
open(sys.argv[2], "w").write(str(process.pid))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def contender(tmp_path) -> Contender:
    command = (sys.executable, "-c", PROGRAM, "{port}", str(tmp_path / "child"))
    return Contender("small", "a test", command, ready="/")


def test_ends_everything_it_has_started(contender, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.services.STOP_PATIENCE", 0.5)
    with Service(contender, tmp_path / "log") as service:
        assert service.wait() == service.seconds > 0
        child = int((tmp_path / "child").read_text("utf-8"))
        family = service._family()
        assert child in {process.number for process in family}
        assert len(family) == 2
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")


def test_memory_is_of_all_processes(contender, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.services.STOP_PATIENCE", 0.5)
    with Service(contender, tmp_path / "log") as service:
        service.wait()
        # Its processes may still be growing: the sum lies between what they have before and after.
        before = sum(processes.memory({process}).rss for process in service._family())
        whole = service.memory()
        after = sum(processes.memory({process}).rss for process in service._family())
    assert 0.95 * before <= whole.rss <= 1.05 * after
    assert 0 < whole.pss <= whole.rss


def test_one_that_does_not_start_says_why(tmp_path):
    failing = Contender("failing", "a test", (sys.executable, "-c", "raise SystemExit('no such network')"))
    with (
        pytest.raises(RuntimeError, match=r"(?s)failing did not get ready.*no such network"),
        Service(failing, tmp_path / "log") as service,
    ):
        service.wait()


@pytest.mark.parametrize("contender", contenders.ALL, ids=lambda each: each.name)
def test_contenders_run_on_the_same_network_and_tell_nobody(contender, monkeypatch):
    monkeypatch.setenv("STREETSEG_ENGINE", "tensorflow")
    variables = contender.variables(8123)
    assert variables["STREETSEG_ARTIFACT"].endswith("model/artifacts/unet")
    assert variables["BENTOML_DO_NOT_TRACK"] == "True"
    assert variables["RAY_USAGE_STATS_ENABLED"] == "0"
    # A setting of whoever runs it would change what is measured.
    own = contender.environment.get("STREETSEG_ENGINE")
    assert variables.get("STREETSEG_ENGINE") == own


def test_threads_are_shared_out_among_processes(monkeypatch):
    monkeypatch.setattr(contenders.processors, "count", lambda: 4)
    one, two = (contenders.RAY_SERVE.with_workers(workers).variables(8123) for workers in (1, 2))
    assert (one["BENCH_WORKERS"], one["BENCH_THREADS"]) == ("1", "4")
    assert (two["BENCH_WORKERS"], two["BENCH_THREADS"]) == ("2", "2")
