"""A real Chromium in front of a real gunicorn, with the network that is shipped behind."""

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

from model.data import synthetic
from tests.app.clients import encoded
from tests.browser.driver import Page

FLAGS = (
    "--headless",
    "--window-size=1280,900",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera of Chromium's own, which needs no hand to allow it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
KEY = "a-key-of-24-letters-long"


@pytest.fixture(scope="session")
def service(repository):
    """The address of a running service."""
    with _running(repository, "app:create_app()", STREETSEG_MAX_BODY_MB="1") as address:
        yield address


@pytest.fixture(scope="session")
def faulty_service(repository):
    """The address of one whose network fails and dawdles: tests/browser/service.py."""
    with _running(repository, "tests.browser.service:create_app()") as address:
        yield address


@pytest.fixture(scope="session")
def guarded_service(repository):
    """The address of one that asks for `KEY`."""
    with _running(repository, "app:create_app()", STREETSEG_API_KEY=KEY) as address:
        yield address


@contextmanager
def _running(repository, application, **settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "gunicorn", application, "--bind", address]
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
def page(service, scripted, downloads):
    """The page in a browser that runs scripts; afterwards its console must hold no complaint."""
    for file in downloads.iterdir():
        file.unlink()
    opened = Page(scripted, service, downloads)
    opened.open()
    yield opened
    # A refusal is no fault of the page, but Chromium notes the status of every answer.
    complaints = [entry["message"] for entry in scripted.get_log("browser")]
    assert not [message for message in complaints if "the server responded with a status of 4" not in message]


@pytest.fixture
def faulty_page(faulty_service, scripted, downloads):
    """The page of the faulty service; Chromium's console notes each 500, as it should."""
    opened = Page(scripted, faulty_service, downloads)
    opened.open()
    yield opened
    scripted.get_log("browser")


@pytest.fixture
def plain_page(service, scriptless, downloads):
    """The page in a browser that runs no script."""
    scriptless.get(service)
    return Page(scriptless, service, downloads)


@pytest.fixture
def window(page):
    """A function that makes the page's window (width, height) in CSS pixels, `touch` for a phone's."""

    def resize(width: int, height: int = 800, *, touch: bool = False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        page.settle()

    yield resize
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    """uint8 (150, 300, 3), a drawn street in which the network finds several categories."""
    return synthetic.scene(103, size=(150, 300))[0]


@pytest.fixture(scope="session")
def files(tmp_path_factory, image):
    """Paths of uploads by name."""
    folder = tmp_path_factory.mktemp("uploads")
    turned = Image.Exif()
    turned[0x0112] = 6
    contents = {
        "street.png": encoded(image),
        "other street.png": encoded(image[:, ::-1]),
        "street.tif": encoded(image, "TIFF"),
        "noise.png": encoded(np.random.default_rng(0).integers(0, 256, (150, 300, 3), np.uint8)),
        "text.jpg": b"This is no photograph.",
        "fault.png": encoded(np.full((4, 4, 3), 123, np.uint8)),
        "slow.png": encoded(np.full((4, 4, 3), 45, np.uint8)),
        "large.bmp": encoded(np.zeros((700, 700, 3), np.uint8), "BMP"),
        "large.tif": encoded(np.zeros((700, 700, 3), np.uint8), "TIFF"),
        "phone.jpg": encoded(image, "JPEG", exif=turned),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: str(folder / name) for name in contents}
