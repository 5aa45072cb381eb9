"""A Ray cluster makes the images: the same files, also when one of its workers is killed.

A minute, with Ray: `pip install -r requirements-ray.txt && python -m pytest -m ray tests/model/inference/batch`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import psutil
import pytest

from model import huge_pages
from model.__main__ import main
from model.inference.batch import on_ray
from tests.model.inference.batch.drives import drive

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[4]
OPEN = {"RAY_AUTH_MODE": "disabled"}
"""By itself Ray asks for a token where an earlier cluster of this user left one, and for none elsewhere."""
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


@pytest.fixture(scope="module")
def head(streets, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The addresses of a cluster that runs already, from within it and from outside.

    It was started without a word about huge pages, in another folder.
    """
    folder = tmp_path_factory.mktemp("head")
    with socket.create_server(("127.0.0.1", 0)) as within, socket.create_server(("127.0.0.1", 0)) as outside:
        ports = {"within": within.getsockname()[1], "outside": outside.getsockname()[1]}
    # It stays in front, so that it ends with its process; `ray stop` would end every cluster of the machine.
    asked = f"--port={ports['within']} --ray-client-server-port={ports['outside']} --include-dashboard=false"
    words = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--num-cpus=2", *asked.split()]
    environment = {name: value for name, value in os.environ.items() if name != huge_pages.NAME}
    environment |= OPEN | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    try:
        ends = time.monotonic() + 120
        while "--block" not in (folder / "log").read_text() and time.monotonic() < ends:
            assert process.poll() is None
            time.sleep(0.1)
        yield {"within": f"127.0.0.1:{ports['within']}", "outside": f"ray://127.0.0.1:{ports['outside']}"}
    finally:
        process.terminate()
        process.wait(timeout=60)


def start(streets: Path, out: Path, address: str = "local", **variables: str) -> subprocess.Popen:
    words = ["segment", str(streets), str(out), *ASKED, "--ray", address, "--jobs", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "model", *words],
        cwd=ROOT,
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Choose those that are actors with a network."""
    return [each for each in processes if any("MapWorker" in word for word in [each.name(), *each.cmdline()])]


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
            for worker in workers(psutil.Process(process.pid).children(recursive=True))[:1]:
                os.kill(worker.pid, signal.SIGKILL)
                killed = worker.pid
        time.sleep(0.01)
    assert killed
    process.communicate(timeout=300)
    assert process.returncode == 1
    assert tree(tmp_path / "out") == tree(unbroken)


@pytest.mark.parametrize("where", ["within", "outside"])
def test_a_cluster_that_runs_already_takes_memory_as_the_asking_process_does(
    streets, unbroken, head, where, tree, tmp_path
):
    tunables = f"{huge_pages.TUNABLE}=1"
    process = start(streets, tmp_path / "out", head[where], **OPEN | {huge_pages.NAME: tunables})
    found = []
    ends = time.monotonic() + 120
    while not found and process.poll() is None and time.monotonic() < ends:
        with contextlib.suppress(psutil.Error):
            found = [each.environ().get(huge_pages.NAME) for each in workers(psutil.process_iter())]
        time.sleep(0.01)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1, said
    assert set(found) == {tunables}
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


def test_nodes_without_this_package_are_an_error():
    # What Ray Client does with a class whose module is not there.
    ray = mock.Mock()
    missing = ModuleNotFoundError("No module named 'model'", name="model")
    ray.remote.return_value.return_value.remote.side_effect = missing
    with pytest.raises(ValueError, match=r"have no module 'model'\. Expected this package there"):
        next(on_ray._made_there(ray, [], {}))


def test_a_head_whose_process_for_a_client_died_is_asked_again():
    ray = mock.Mock()
    died = ConnectionAbortedError("Initialization failure from server:\nStarting Ray client server failed.")
    ray.init.side_effect = [died, died, None]
    on_ray._connect(ray, "ray://head:10001")
    assert ray.init.call_count == 3
    ray.init.side_effect = [died] * 3
    with pytest.raises(ConnectionAbortedError):
        on_ray._connect(ray, "ray://head:10001")


def test_what_stops_the_cluster_is_one_sentence():
    class RayError(Exception): ...

    def made():
        yield {"number": 0}
        raise RayError("The actor died.\n  File 'one'\nArtifactError: No card.json in '/network'.\n")

    ray = SimpleNamespace(exceptions=SimpleNamespace(RayError=RayError))
    rows = on_ray._or_a_sentence(ray, made())
    assert next(rows) == {"number": 0}
    with pytest.raises(ValueError, match=r"^The cluster gave up: ArtifactError: No card\.json in '/network'\."):
        next(rows)


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(on_ray.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"--ray needs Ray Data, which is not installed: `pip install -r requirements-ray"
    ):
        on_ray.check()
