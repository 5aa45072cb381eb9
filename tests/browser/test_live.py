"""The page of `segment --view` in a real browser: it plays, says how it goes, and fits any screen."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from model.data import synthetic
from model.inference.live.session import Session
from model.inference.live.source import Picture
from model.inference.live.viewer import Board, shown
from model.inference.options import Options
from tests.app.clients import FakeSegmenter

pytestmark = pytest.mark.browser

SIZES = [(360, 740), (768, 1024), (1280, 800)]


class Scenes:
    """A camera that sees one street after the other, ten in a second."""

    has_ended = False

    def __init__(self) -> None:
        self.over = threading.Event()

    def newest(self, *, after: int, patience: float) -> Picture | None:
        self.over.wait(0.1)
        image = synthetic.scene(100 + after % 7, size=(96, 192))[0]
        return Picture(after + 2, 0.0, lambda: image)


@pytest.fixture(scope="module")
def address():
    board, scenes = Board(), Scenes()
    session = Session(FakeSegmenter(), Options(), title="rtsp://10.0.0.7/gate", board=board, recorder=None)
    with shown(board, ("127.0.0.1", 0)) as address:
        thread = threading.Thread(target=session.run, args=[scenes], kwargs={"stopped": scenes.over.is_set})
        thread.start()
        yield address
        scenes.over.set()
        thread.join()


@pytest.fixture(scope="module")
def driver(open_browser, address):
    browser = open_browser()
    browser.get(address)
    WebDriverWait(browser, 30).until(lambda each: each.find_element("id", "rate").text.endswith("/ s"))
    return browser


def _set(driver, size: tuple[int, int], scheme: str) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_it_plays_and_says_how_it_goes(driver):
    assert driver.find_element("id", "source").text == "rtsp://10.0.0.7/gate"
    assert driver.execute_script("return document.images[0].naturalWidth") == 192
    # Each second picture.
    assert driver.find_element("id", "dropped").text == "50.0 %"
    shares = [item.text.split("\n") for item in driver.find_elements("css selector", "#shares li")]
    assert [name for name, _ in shares][:2] == ["void", "flat"]
    assert {share for _, share in shares} == {"12.5 %"}
    assert not driver.find_element("id", "state").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(driver, size, scheme):
    _set(driver, size, scheme)
    package = Path(importlib.util.find_spec("axe_playwright_python").origin).parent
    driver.execute_script((package / "axe.min.js").read_text("utf-8"))
    found = driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
    assert len(found["passes"]) > 10, "axe looked at nothing"
    assert [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]] == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(driver, size):
    _set(driver, size, "light")
    beyond = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert driver.execute_script(beyond) == 0
