"""A real Chromium in front of a real gunicorn, with a fake network behind."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from tests.app.clients import encoded

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


KEY = "a-key-of-24-letters-long"


@pytest.fixture(scope="session")
def service(repository):
    """The address of a running service."""
    with _running(repository) as address:
        yield address


@pytest.fixture(scope="session")
def guarded_service(repository):
    """The address of one that asks for `KEY`."""
    with _running(repository, STREETSEG_API_KEY=KEY) as address:
        yield address


@contextmanager
def _running(repository, **settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", "tests.browser.service:create_app()", "--bind", address]
    options = ["--worker-class", "deploy.worker.Worker", "--threads", "8", "--no-control-socket"]
    process = subprocess.Popen(
        [*command, *options, "--log-level", "warning"],
        cwd=repository,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,  # a line for each request
    )
    try:
        _wait_until_ready(process, f"http://{address}/readyz")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(process, url):
    ends = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:  # refused, or timed out on a busy machine
            time.sleep(0.05)
    pytest.fail("gunicorn did not get ready; its own words stand above")


@pytest.fixture(scope="session")
def open_browser(tmp_path_factory):
    """A function that starts Chromium, with script or without."""
    selenium = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install -r requirements.txt")
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)}: apt-get install chromium chromium-driver")
    started = []

    def start(*, script: bool = True, downloads: str | None = None):
        options = selenium.ChromeOptions()
        options.binary_location = paths["chromium"]
        for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
            options.add_argument(flag)
        preferences = {"download.default_directory": downloads} if downloads else {}
        if not script:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = selenium.Chrome(options, selenium.ChromeService(paths["chromedriver"]))
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.quit()


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def scripted(open_browser, downloads):
    return open_browser(downloads=str(downloads))


@pytest.fixture(scope="session")
def scriptless(open_browser):
    return open_browser(script=False)


@pytest.fixture
def page(service, scripted):
    """The page in a browser that runs scripts; afterwards its console must hold no complaint."""
    scripted.get(service)
    yield scripted
    # A refusal is no fault of the page, but Chromium notes the status of every answer.
    complaints = [entry["message"] for entry in scripted.get_log("browser")]
    assert not [message for message in complaints if "the server responded with a status of 4" not in message]


@pytest.fixture
def plain_page(service, scriptless):
    """The page in a browser that runs no script."""
    scriptless.get(service)
    return scriptless


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    """uint8 (30, 40, 3) noise."""
    return np.random.default_rng(5).integers(0, 256, (30, 40, 3), np.uint8)


@pytest.fixture(scope="session")
def files(tmp_path_factory, image):
    """Paths of uploads by name."""
    folder = tmp_path_factory.mktemp("uploads")
    turned = Image.Exif()
    turned[0x0112] = 6
    contents = {
        "street.png": encoded(image),
        "street.tif": encoded(image, "TIFF"),
        "text.jpg": b"This is no photograph.",
        "fault.png": encoded(np.full((4, 4, 3), 123, np.uint8)),
        "slow.png": encoded(np.full((4, 4, 3), 45, np.uint8)),
        "large.bmp": encoded(np.zeros((700, 700, 3), np.uint8), "BMP"),
        "large.tif": encoded(np.zeros((700, 700, 3), np.uint8), "TIFF"),
        "phone.jpg": encoded(
            image, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
        ),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: str(folder / name) for name in contents}
