"""The page of `segment --view` in a real browser: it plays, says how it goes, and fits any screen."""

from __future__ import annotations

import threading

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from model.data import synthetic
from model.inference.live.session import Session
from model.inference.live.source import Picture
from model.inference.live.viewer import Board, shown
from model.inference.options import Options
from tests.app.clients import FakeSegmenter
from tests.browser.screens import SIZES, barriers, overhang, show

pytestmark = pytest.mark.browser


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


def test_it_plays_and_says_how_it_goes(driver):
    assert driver.find_element("id", "source").text == "rtsp://10.0.0.7/gate"
    assert driver.execute_script("return document.images[0].naturalWidth") == 192
    # Each second picture.
    assert driver.find_element("id", "dropped").text == "50.0 %"
    # In one go: the page draws them anew while this one looks.
    shares = driver.execute_script(
        "return [...document.querySelectorAll('#shares li')].map(item => item.innerText.split('\\n'))"
    )
    assert [name for name, _ in shares][:2] == ["void", "flat"]
    assert {share for _, share in shares} == {"12.5 %"}
    assert not driver.find_element("id", "state").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(driver, size, scheme):
    show(driver, size, scheme)
    assert barriers(driver) == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(driver, size):
    show(driver, size, "light")
    assert overhang(driver) == 0
