"""The page in Chromium, with script and without."""

from __future__ import annotations

import io
import json
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from model import categories
from tests.browser.conftest import KEY

exceptions = pytest.importorskip("selenium.common.exceptions", reason="no selenium: pip install -r requirements.txt")
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402 (only where there is selenium)

pytestmark = pytest.mark.browser

SCRIPT_DONE = "return !document.getElementById('reading').hidden"
PIXELS = """
    const canvas = document.getElementById("colors");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.height, canvas.width, [...data]];
"""


def wait_until(condition, *, seconds: float = 10):
    """Ask until the answer is true; between two documents there may be nothing to ask, which has many names."""
    between = (exceptions.WebDriverException,)
    waiting = WebDriverWait(None, seconds, poll_frequency=0.02, ignored_exceptions=between)
    return waiting.until(lambda _: condition(), "the page did not get there")


def choose(page, path: str):
    page.find_element("id", "image").send_keys(path)


def choose_and_wait(page, path: str):
    choose(page, path)
    wait_until(lambda: page.execute_script(SCRIPT_DONE))


def submit(page, path: str):
    choose(page, path)
    page.execute_script("document.submitted = true")
    page.find_element("css selector", "button[type=submit]").click()
    wait_until(lambda: page.execute_script("return !document.submitted && document.readyState === 'complete'"))


def texts(page, selector: str) -> list[str]:
    """The words of what is visible, all at one moment."""
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)",
        selector,
    )


def canvas(page) -> np.ndarray:
    height, width, values = page.execute_script(PIXELS)
    return np.array(values, np.uint8).reshape(height, width, 4)


def painted(image: np.ndarray) -> np.ndarray:
    """The colours that the fake network gives it."""
    height, width = image.shape[:2]
    return np.broadcast_to(categories.PALETTE[np.arange(width) % 8], (height, width, 3))


def problem(page) -> str:
    return wait_until(lambda: page.find_element("id", "problem").text)


def downloaded(folder, name: str) -> bytes:
    path = folder / name
    wait_until(lambda: path.exists() and path.stat().st_size)
    return path.read_bytes()


def test_form_works_without_script(plain_page, files, image):
    submit(plain_page, files["street.png"])
    assert plain_page.find_element("css selector", "figure img").get_property("naturalWidth") == image.shape[1]
    assert len(texts(plain_page, "tbody tr")) == 8
    assert texts(plain_page, "a[download]") == ["Mask PNG", "JSON"]


def test_refusal_without_script_says_why_and_keeps_the_form(plain_page, files):
    submit(plain_page, files["text.jpg"])
    assert "Unsupported image format" in problem(plain_page)
    submit(plain_page, files["street.png"])
    assert len(texts(plain_page, "tbody tr")) == 8


def test_a_body_over_the_limit_is_refused_in_words_without_script(plain_page, files):
    submit(plain_page, files["large.bmp"])
    assert "Request too large" in problem(plain_page)


def test_without_script_no_control_is_dead(plain_page):
    assert texts(plain_page, "button") == ["Segment"]
    assert not texts(plain_page, "output")


def test_choosing_a_photograph_is_enough(page, files, image):
    choose_and_wait(page, files["street.png"])
    assert page.find_element("id", "photo").get_property("naturalWidth") == image.shape[1]
    rows = texts(page, "#rows tr")
    assert len(rows) == 8
    assert rows[0].split() == ["void", "12.5", "%", "78", "%"]
    assert "network" in page.find_element("id", "timings").text
    assert not texts(page, "button[type=submit], progress")


def test_canvas_holds_the_labels_of_the_service(page, files, image):
    choose_and_wait(page, files["street.png"])
    pixels = canvas(page)
    np.testing.assert_array_equal(pixels[..., :3], painted(image))
    assert (pixels[..., 3] == 255).all()


def test_a_phone_photograph_lies_under_its_labels(page, files, image):
    choose_and_wait(page, files["phone.jpg"])
    photo = page.find_element("id", "photo")
    assert [photo.get_property("naturalHeight"), photo.get_property("naturalWidth")] == [40, 30]
    assert canvas(page).shape[:2] == (40, 30)


def test_a_category_without_tick_is_not_coloured(page, files, image):
    choose_and_wait(page, files["street.png"])
    page.find_element("css selector", "#rows input[value='5']").click()
    sky = np.broadcast_to(np.arange(image.shape[1]) % 8 == 5, image.shape[:2])
    np.testing.assert_array_equal(canvas(page)[..., 3] == 0, sky)


def test_opacity_is_that_of_the_colours(page, files):
    choose_and_wait(page, files["street.png"])
    page.execute_script(
        "opacity = document.getElementById('opacity'); opacity.value = 0.25;opacity.dispatchEvent(new Event('input'))"
    )
    assert page.find_element("id", "colors").value_of_css_property("opacity") == "0.25"
    assert page.find_element("id", "opacity-value").text == "25 %"


def test_void_never_asks_again(page, files):
    choose_and_wait(page, files["street.png"])
    page.find_element("id", "void").click()
    wait_until(lambda: len(texts(page, "#rows tr")) == 7)
    assert not [row for row in texts(page, "#rows tr") if row.startswith("void")]


def test_picture_is_saved_as_shown(page, files, image, downloads):
    choose_and_wait(page, files["street.png"])
    page.find_element("id", "save").click()
    picture = np.array(Image.open(io.BytesIO(downloaded(downloads, "street.overlay.png"))))
    assert np.abs(picture[..., :3] - (image / 2 + painted(image) / 2)).max() <= 2  # Chromium rounds twice


def test_mask_and_json_are_saved(page, files, image, downloads):
    choose_and_wait(page, files["street.png"])
    page.find_element("id", "mask").click()
    page.find_element("id", "json").click()
    mask = np.array(Image.open(io.BytesIO(downloaded(downloads, "street.mask.png"))))
    np.testing.assert_array_equal(mask, np.broadcast_to(np.arange(image.shape[1]) % 8, image.shape[:2]))
    assert json.loads(downloaded(downloads, "street.json"))["image"] == {"height": 30, "width": 40}


def test_dropping_a_photograph_is_enough(page):
    page.execute_script("""
        const drawn = new OffscreenCanvas(16, 8);
        drawn.getContext("2d").fillRect(0, 0, 16, 8);
        drawn.convertToBlob().then((blob) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([blob], "dropped.png", {type: "image/png"}));
            const options = {dataTransfer: dropped, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("drop", options));
        });
    """)
    wait_until(lambda: page.execute_script(SCRIPT_DONE))
    assert canvas(page).shape[:2] == (8, 16)


def test_what_the_browser_cannot_show_the_server_does(page, files, image):
    choose(page, files["street.tif"])
    picture = wait_until(lambda: page.find_elements("css selector", "figure[data-empty] img"))[0]
    assert picture.get_property("naturalWidth") == image.shape[1]
    choose_and_wait(page, files["street.png"])
    assert len(texts(page, "figure")) <= 1
    assert len(texts(page, "table")) == 1


def test_a_file_that_is_no_image_is_refused_in_words(page, files):
    choose(page, files["text.jpg"])
    assert "Unsupported image format" in problem(page)


def test_a_file_over_the_limit_is_refused_before_it_is_sent(page, files):
    choose(page, files["large.bmp"])
    assert "Send at most 1.0 MB" in problem(page)
    assert page.find_element("id", "photo").is_displayed()


def test_a_file_over_the_limit_that_the_browser_cannot_show_is_not_sent_either(page, files):
    choose(page, files["large.tif"])
    # The server would answer in the page's place, with words of its own.
    assert "The file has 1.5 MB. Send at most 1.0 MB." in problem(page)
    time.sleep(0.5)
    assert "The file has 1.5 MB." in problem(page)
    assert not page.find_element("id", "photo").is_displayed()


def test_after_a_refusal_the_next_photograph_is_served(page, files):
    choose(page, files["large.bmp"])
    problem(page)
    choose_and_wait(page, files["street.png"])
    assert not page.find_element("id", "problem").is_displayed()


def test_a_fault_keeps_the_photograph_and_says_so(service, scripted, files):
    scripted.get(service)
    choose(scripted, files["fault.png"])
    assert "Internal Server Error" in problem(scripted)
    assert scripted.find_element("id", "photo").is_displayed()
    assert not scripted.find_element("id", "working").is_displayed()
    scripted.get_log("browser")  # Chromium notes the 500, as it should


def test_the_photograph_is_there_at_once_and_the_wait_can_be_ended(page, files):
    choose(page, files["slow.png"])
    wait_until(lambda: texts(page, "#working button"))
    assert page.find_element("id", "photo").is_displayed()
    page.find_element("id", "cancel").click()
    wait_until(lambda: not texts(page, "#working button"))
    choose_and_wait(page, files["street.png"])
    assert len(texts(page, "#rows tr")) == 8


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(page, files, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        for state in ("empty", "result"):
            if state == "result":
                choose_and_wait(page, files["street.png"])
            assert page.execute_script("return document.documentElement.scrollWidth") <= width, state
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_controls_are_large_enough_for_a_thumb(page, files):
    choose_and_wait(page, files["street.png"])
    small = page.execute_script("""
        return [...document.querySelectorAll("button, a, input[type=file], label.tick, label.slider")]
            .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
            .map((each) => each.outerHTML);
    """)
    assert small == []


def test_page_is_light(service):
    paths = ("/", "/static/page.css", "/static/page.js", "/static/favicon.svg")
    assert sum(len(urllib.request.urlopen(service + path).read()) for path in paths) < 120_000


def test_a_visitor_who_gives_the_key_as_password_can_use_the_page(guarded_service, open_browser, files):
    browser = open_browser()
    # As if typed into the browser's own dialogue, which is outside the page.
    browser.get(guarded_service.replace("http://", f"http://anyone:{KEY}@"))
    browser.get(guarded_service)
    choose_and_wait(browser, files["street.png"])
    assert "Done" in browser.find_element("id", "status").text


@pytest.mark.parametrize("width", [320, 1200])
def test_the_reference_fits_the_window(page, service, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        page.get(f"{service}/docs")
        page.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
