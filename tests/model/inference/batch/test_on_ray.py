"""A Ray cluster makes the images: the same files, also when one of its workers is killed.

A minute, with Ray: `pip install -r requirements-ray.txt && python -m pytest -m ray tests/model/inference/batch`.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from model.__main__ import main
from model.inference.batch import on_ray
from tests.model.inference.batch.drives import drive

pytestmark = pytest.mark.ray

ASKED = ("--format", "mask,json,coco", "--input-size", "640x320")


@pytest.fixture(scope="module")
def streets(tmp_path_factory, request) -> Path:
    """Forty generated scenes and a file that is none."""
    if "ray" not in request.config.getoption("markexpr"):
        pytest.skip("segments on a Ray cluster, a minute: ask for it by -m ray")
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: pip install -r requirements-ray.txt")
    return drive(tmp_path_factory.mktemp("streets"))


@pytest.fixture(scope="module")
def unbroken(streets, tmp_path_factory) -> Path:
    """What one process makes of them."""
    out = tmp_path_factory.mktemp("out") / "one-process"
    assert main(["segment", str(streets), str(out), *ASKED]) == 1
    return out


def start(streets: Path, out: Path) -> subprocess.Popen:
    words = ["segment", str(streets), str(out), *ASKED, "--ray", "local", "--jobs", "2"]
    root = Path(__file__).resolve().parents[4]
    return subprocess.Popen([sys.executable, "-m", "model", *words], cwd=root, stderr=subprocess.PIPE, text=True)


def test_the_files_are_those_of_one_process(streets, unbroken, tree, tmp_path):
    process = start(streets, tmp_path / "out")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "1 files failed" in said
    assert tree(tmp_path / "out") == tree(unbroken)


def test_a_killed_worker_costs_only_its_own_images(streets, unbroken, tree, tmp_path):
    process = start(streets, tmp_path / "out")
    killed = 0
    ends = time.monotonic() + 120
    while not killed and process.poll() is None and time.monotonic() < ends:
        # Once some are made, and while others are being made.
        if len(list((tmp_path / "out" / "mask").glob("*.png"))) >= 3:
            for worker in psutil.Process(process.pid).children(recursive=True):
                if "MapWorker" in worker.name() or any("MapWorker" in word for word in worker.cmdline()):
                    os.kill(worker.pid, signal.SIGKILL)
                    killed = worker.pid
                    break
        time.sleep(0.01)
    assert killed
    process.communicate(timeout=300)
    assert process.returncode == 1
    assert tree(tmp_path / "out") == tree(unbroken)


def test_an_answer_that_cannot_be_written_is_one_sentence(streets, tmp_path):
    # No file system that is in use here takes names of more than 255 bytes, and the answer's is longer by one.
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / f"{'a' * 251}.png").write_bytes((streets / "00.png").read_bytes())
    process = start(tmp_path / "long", tmp_path / "out")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "File name too long" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_an_address_where_no_cluster_is_is_an_error(streets, tmp_path, capsys):
    words = ["segment", str(streets), str(tmp_path / "out"), "--ray", "127.0.0.1:1"]
    assert main(words) == 2
    assert "No Ray cluster answers at 127.0.0.1:1" in capsys.readouterr().err


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(on_ray.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"--ray needs Ray Data, which is not installed: `pip install -r requirements-ray"
    ):
        on_ray.check()
