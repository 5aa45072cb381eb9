"""The service as it is shipped, started by `startup.sh`, and the same network in this process to compare with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from model.inference import images, segmenter
from tests.app.clients import encoded, form

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def address():
    """The host and port of the running service."""
    with running() as address:
        yield address


@contextmanager
def running(**settings: str) -> Iterator[str]:
    """Start the service with these environment variables, and give its host and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STREETSEG_")} | settings
    python = Path(sys.executable).parent
    environment = plain | {"PORT": str(port), "VIRTUAL_ENV": sys.prefix, "PATH": f"{python}:{os.environ['PATH']}"}
    process = subprocess.Popen([ROOT / "startup.sh"], env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(40)


def _wait_until_ready(process, url):
    ends = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:  # refused, not ready, or timed out on a busy machine
            time.sleep(0.1)
    pytest.fail("the service did not get ready; its own words stand above")


@pytest.fixture(scope="session")
def ask(address) -> Callable[..., bytes]:
    """A function that posts files, by name, to /predict with parameters, and returns the body of the answer."""

    def ask(files: dict[str, bytes], **parameters: str) -> bytes:
        body, content_type = form(*files.values(), names=list(files), **parameters)
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(f"http://{address}/predict", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    return ask


@pytest.fixture(scope="session")
def network():
    """The network that the service runs, in this process."""
    return segmenter.load()


@pytest.fixture(scope="session")
def photograph(tmp_path_factory) -> Path:
    """A file of 180 x 300 pixels that looks enough like a street for several categories."""
    rows, columns = np.mgrid[:180, :300]
    picture = np.where((rows < 70)[..., np.newaxis], (150, 190, 230), (100, 95, 100))
    picture[(rows > 30) & (rows < 110) & (columns < 90)] = (120, 70, 50)
    picture[(rows > 40) & (rows < 110) & (columns > 220)] = (40, 100, 30)
    picture[(rows > 100) & (rows < 135) & (columns > 120) & (columns < 180)] = (160, 20, 20)
    noise = np.random.default_rng(4).integers(-12, 13, picture.shape)
    path = tmp_path_factory.mktemp("photograph") / "street.png"
    path.write_bytes(encoded((picture + noise).clip(0, 255).astype(np.uint8)))
    return path


@pytest.fixture(scope="session")
def image(photograph) -> np.ndarray:
    """uint8 (180, 300, 3), what the file holds."""
    return images.decode(photograph.read_bytes())


@pytest.fixture(scope="session")
def expected(network, image):
    """What the network says of the photograph."""
    segmentation = network.segment(image)
    assert len(np.unique(segmentation.labels)) > 2
    return segmentation
