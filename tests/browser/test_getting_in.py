"""Every way in: browse, drop, paste, camera, drawn scenes, several; and every way not to get in."""

from __future__ import annotations

import time

import numpy as np
import pytest

from model.categories import PALETTE
from tests.app.clients import encoded
from tests.browser.conftest import KEY
from tests.browser.driver import Page

pytestmark = pytest.mark.browser

# Makes files in the page and gives them to an event, as a mouse or a keyboard does.
_GIVE = """
    const [type, names, done] = arguments;
    const drawn = new OffscreenCanvas(64, 32);
    const context = drawn.getContext("2d");
    context.fillStyle = "#87a";
    context.fillRect(0, 0, 64, 32);
    drawn.convertToBlob().then((blob) => {
        const data = new DataTransfer();
        for (const name of names) data.items.add(new File([blob], name, {type: "image/png"}));
        const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data};
        const event = type === "paste" ? new ClipboardEvent(type, options) : new DragEvent(type, options);
        document.body.dispatchEvent(event);
        done();
    });
"""


def test_choosing_a_photograph_is_enough(page, files, image):
    page.read(files["street.png"])
    assert page.find("photo").get_property("naturalWidth") == image.shape[1]
    assert "Done: " in page.find("status").get_property("textContent")
    assert not page.texts("button[type=submit], progress")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_dropping_or_pasting_is_enough(page, way):
    page.driver.execute_async_script(_GIVE, way, ["given.png"])
    page.wait(lambda: page.shown("reading"))
    assert page.canvas().shape[:2] == (32, 64)


def test_text_that_is_pasted_or_dragged_is_left_alone(page):
    prevented = page.run("""
        const data = new DataTransfer();
        data.setData("text/plain", "a word");
        const event = new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data});
        document.body.dispatchEvent(event);
        return event.defaultPrevented;
    """)
    assert not prevented
    assert not page.shown("reading")


def test_the_place_to_drop_says_so_while_dragging(page):
    page.driver.execute_async_script(_GIVE, "dragenter", ["given.png"])
    assert "dragging" in page.driver.find_element("tag name", "body").get_attribute("class")
    page.driver.execute_async_script(_GIVE, "dragleave", ["given.png"])
    assert "dragging" not in page.driver.find_element("tag name", "body").get_attribute("class")


def test_the_camera_takes_a_photograph(page):
    page.find("use-camera").click()
    page.wait(lambda: page.find("shoot").is_enabled())
    assert page.run("return document.getElementById('video').videoWidth") > 0
    page.find("shoot").click()
    page.wait(lambda: page.shown("reading"))
    assert not page.run("return document.getElementById('camera').open")
    assert page.run("return document.getElementById('video').srcObject") is None, "the camera is still on"


def test_the_camera_is_off_once_it_is_closed(page):
    page.find("use-camera").click()
    page.wait(lambda: page.find("shoot").is_enabled())
    page.find("camera-close").click()
    page.wait(lambda: page.run("return document.getElementById('video').srcObject === null"))


def test_a_camera_that_is_refused_says_what_to_do(page):
    page.run("""navigator.mediaDevices.getUserMedia = () =>
        Promise.reject(new DOMException("Permission denied", "NotAllowedError"))""")
    page.find("use-camera").click()
    page.wait(lambda: "Allow it" in page.find("camera-words").text)
    assert "Permission denied" in page.find("camera-words").text
    page.find("camera-close").click()


def test_each_drawn_scene_can_be_tried(page):
    scenes = page.run("return document.querySelectorAll('[data-scene]').length")
    assert scenes == 3
    for number in range(scenes):
        page.open()
        page.driver.find_elements("css selector", "[data-scene]")[number].click()
        page.wait(lambda: page.shown("reading"))
        assert page.canvas().shape == (512, 1024, 4)


def test_several_photographs_are_read_one_after_the_other(page, files):
    page.read(files["street.png"], files["other street.png"])
    page.wait(lambda: len(page.texts("#compared-rows tr")) == 2)
    assert page.texts(".card .name") == ["street.png", "other street.png"]


def test_a_phone_photograph_lies_under_its_labels(page, files, image):
    page.read(files["phone.jpg"])
    photo = page.find("photo")
    assert [photo.get_property("naturalHeight"), photo.get_property("naturalWidth")] == [300, 150]
    assert page.canvas().shape[:2] == (300, 150)


def test_what_the_browser_cannot_show_the_service_does(page, files, image):
    page.read(files["street.tif"])
    page.wait(lambda: page.shown("photo"))
    assert page.find("photo").get_property("naturalWidth") == image.shape[1]
    page.view("labels")
    page.wait(lambda: page.canvas().shape[0])
    assert np.array_equal(page.canvas()[..., :3], PALETTE[page.predicted(files["street.tif"], format="mask")])


def test_a_tiff_among_several_can_be_chosen_later(page, files, image):
    page.read(files["street.png"], files["street.tif"])
    page.wait(lambda: len(page.texts("#compared-rows tr")) == 2)
    page.driver.find_elements("css selector", ".card .open")[1].click()
    page.wait(lambda: page.shown("photo") and page.canvas().shape[0])
    assert page.find("photo").get_property("naturalWidth") == image.shape[1]


def test_a_file_that_is_no_image_is_refused_in_the_services_words(page, files):
    page.choose(files["text.jpg"])
    words = page.problem()
    assert "Unsupported image format" in words
    assert "Request " in words
    assert not page.shown("photo")


@pytest.mark.parametrize("name", ["large.bmp", "large.tif"])
def test_a_file_over_the_limit_is_refused_before_it_is_sent(page, files, name):
    page.choose(files[name])
    assert "The file has 1.5 MB. Send at most 1.0 MB." in page.problem()
    time.sleep(0.3)
    sent = page.run("return performance.getEntriesByType('resource').filter(e => e.name.endsWith('/infer')).length")
    assert sent == 0
    assert page.shown("photo") == (name == "large.bmp")


def test_after_a_refusal_the_next_photograph_is_served(page, files):
    page.choose(files["text.jpg"])
    page.problem()
    page.read(files["street.png"])
    assert not page.shown("problem")


def test_a_refusal_of_one_does_not_stop_the_others(page, files):
    page.choose(files["text.jpg"], files["street.png"])
    page.wait(lambda: page.texts("#compared-rows tr"))
    assert "Unsupported image format" in page.problem()
    assert page.texts(".card .state") == ["Unsupported image format"]
    page.driver.find_elements("css selector", ".card .open")[1].click()
    page.wait(lambda: page.shown("reading"))
    assert not page.shown("problem")


def test_a_fault_keeps_the_photograph_and_can_be_tried_again(faulty_page, files):
    page = faulty_page
    page.choose(files["fault.png"])
    assert "Internal Server Error" in page.problem()
    assert page.shown("photo")
    assert not page.shown("working")
    page.find("again").click()
    page.wait(lambda: page.run("return performance.getEntriesByType('resource').length") and page.shown("problem"))
    page.read(files["street.png"])


def test_the_photograph_is_there_at_once_and_the_wait_can_be_ended(faulty_page, files):
    page = faulty_page
    page.choose(files["slow.png"])
    page.wait(lambda: page.shown("cancel") and page.shown("photo"))
    page.find("cancel").click()
    assert "Cancelled" in page.problem()
    assert page.shown("photo")
    assert not page.shown("working")
    page.read(files["street.png"])


def test_another_answer_while_one_is_on_its_way(faulty_page, files):
    page = faulty_page
    page.choose(files["slow.png"], files["street.png"])
    page.wait(lambda: page.shown("cancel") and page.shown("photo"))
    page.click("void")
    page.wait(lambda: len(page.texts("#compared-rows tr")) == 2)
    assert not page.shown("problem")
    assert page.texts("#compared-rows td")[0] == "0.0 %", "void never, and yet there is void"


def test_the_upload_is_seen_to_go_on(page, files, tmp_path):
    """A file of noise, over a line that is slow."""
    noise = np.random.default_rng(1).integers(0, 256, (500, 500, 3), np.uint8)
    (tmp_path / "noise.png").write_bytes(encoded(noise))
    page.driver.execute_cdp_cmd("Network.enable", {})
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    try:
        page.choose(str(tmp_path / "noise.png"))
        seen = set()

        def done() -> bool:
            seen.add((page.find("phase").text, page.run("return document.getElementById('progress').value")))
            return page.shown("reading")

        page.wait(done)
    finally:
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    assert any(words == "Uploading" and 0 < share < 1 for words, share in seen), seen


def test_a_service_that_cannot_be_reached_is_named(page, files):
    page.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        page.choose(files["street.png"])
        assert "could not be reached" in page.problem()
    finally:
        online = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", online)
    page.find("again").click()
    page.wait(lambda: page.shown("reading"))
    page.driver.get_log("browser")  # Chromium notes that it was offline


def test_a_visitor_who_gives_the_key_as_password_can_use_the_page(guarded_service, open_browser, downloads, files):
    browser = open_browser()
    # As if typed into the browser's own dialogue, which is outside the page.
    browser.get(guarded_service.replace("http://", f"http://anyone:{KEY}@"))
    browser.get(guarded_service)
    page = Page(browser, guarded_service, downloads)
    page.read(files["street.png"])
    assert "X-Api-Key: $STREETSEG_API_KEY" in page.run("return document.getElementById('code').textContent")
