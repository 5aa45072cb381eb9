"""What is on the canvas and under the probe is what the API says, to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.categories import COLORBLIND_PALETTE, PALETTE
from model.data import synthetic

pytest.importorskip("selenium", reason="no selenium: pip install -r requirements.txt")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser


@pytest.fixture
def street(page, files):
    """The page with the result of one photograph."""
    page.read(files["street.png"])
    return page


@pytest.fixture
def labels(page, files):
    return page.predicted(files["street.png"], format="mask")


@pytest.fixture
def confidence(page, files):
    return page.predicted(files["street.png"], format="confidence")


def strength(opacity: float) -> int:
    return int(255 * opacity + 0.5)


def point(page, x: int, y: int, size: tuple[int, int], *, act=None):
    """Move the mouse to the middle of a pixel of the picture, as it lies when all of it is shown."""
    box = page.run("const b = document.getElementById('view').getBoundingClientRect(); return [b.width, b.height]")
    offsets = [(place + 0.5) / whole * side - side / 2 for place, whole, side in zip((x, y), size, box, strict=True)]
    actions = ActionChains(page.driver).move_to_element_with_offset(page.find("view"), *map(round, offsets))
    (act(actions) if act else actions).perform()
    page.settle()


def probe(page) -> tuple[str, str]:
    return page.texts("#probe .name")[0], page.texts("#probe .sure")[0]


def said(page) -> str:
    return page.find("said").get_property("textContent")


def expected(labels, confidence, x, y) -> tuple[str, str]:
    return categories.NAMES[labels[y, x]], f"{confidence[y, x] / 255 * 100:.0f} %"


def test_canvas_holds_the_labels_of_the_service(street, labels):
    street.view("labels")
    np.testing.assert_array_equal(street.canvas()[..., :3], PALETTE[labels])
    assert (street.canvas()[..., 3] == 255).all()


def test_a_large_photograph_is_labelled_to_the_pixel_too(page, tmp_path):
    path = tmp_path / "wide.jpg"
    Image.fromarray(synthetic.scene(111, size=(1024, 2048))[0]).save(path, quality=80)
    page.read(str(path))
    page.view("labels")
    np.testing.assert_array_equal(page.canvas()[..., :3], PALETTE[page.predicted(str(path), format="mask")])


def test_overlay_has_the_opacity_that_is_set(street):
    assert (street.canvas()[..., 3] == strength(0.5)).all()
    street.set("opacity", 0.25)
    assert (street.canvas()[..., 3] == strength(0.25)).all()
    assert street.find("opacity-value").text == "25 %"


def test_palette_for_colour_blind_people(street, labels):
    street.view("labels")
    street.set("palette", "colorblind")
    np.testing.assert_array_equal(street.canvas()[..., :3], COLORBLIND_PALETTE[labels])
    fills = street.run("return [...document.querySelectorAll('#rows rect')].map((each) => each.getAttribute('fill'))")
    assert set(fills) == {"rgb({} {} {})".format(*color) for color in COLORBLIND_PALETTE}


def test_a_category_without_tick_is_not_coloured(street, labels):
    street.tick(5)
    np.testing.assert_array_equal(street.canvas()[..., 3] == 0, labels == 5)


def test_all_categories_at_once(street):
    street.click("all")
    assert not street.canvas().any()
    assert street.find("all").text == "Show all"
    assert not street.find("download").is_enabled()
    assert street.shown("none-chosen")
    street.click("all")
    assert street.canvas()[..., 3].all()


def test_outline_is_that_of_the_service(street, files, labels):
    street.click("outline")
    drawn = street.predicted(files["street.png"], outline=1, opacity=0)
    photograph = street.predicted(files["street.png"], opacity=0)
    border = street.canvas()[..., 3] == 255
    np.testing.assert_array_equal(border, street.canvas()[..., 3] != strength(0.5))
    assert border.any()
    # Where a border has by chance the photograph's own colour, it cannot be told from it.
    assert not ((drawn != photograph).any(axis=2) & ~border).any()
    np.testing.assert_array_equal(drawn[border], PALETTE[labels][border])


def test_confidence_is_that_of_the_service(street, confidence):
    street.view("confidence")
    np.testing.assert_array_equal(street.canvas()[..., :3], np.repeat(confidence[..., np.newaxis], 3, axis=2))


@pytest.mark.parametrize("view", ["overlay", "confidence"])
def test_what_is_less_sure_than_asked_for_stays_photograph(street, confidence, view):
    street.view(view)
    street.set("least", 0.9)
    np.testing.assert_array_equal(street.canvas()[..., 3] == 0, confidence < 0.9 * 255)
    assert street.find("least-value").text == "90 %"


def test_void_never_asks_again(street, files):
    street.click("void")
    street.wait(
        lambda: street.run("return performance.getEntriesByType('resource').length") and street.shown("reading")
    )
    street.view("labels")
    never = PALETTE[street.predicted(files["street.png"], format="mask", void="never")]
    street.wait(lambda: np.array_equal(street.canvas()[..., :3], never))


def test_probe_follows_the_mouse(street, labels, confidence, image):
    height, width = image.shape[:2]
    # On borders, where one pixel beside is another category.
    below = np.argwhere(labels[:-1] != labels[1:])[::97]
    beside = np.argwhere(labels[:, :-1] != labels[:, 1:])[::97]
    assert len(below) > 3 < len(beside)
    for y, x in (*below[:6].tolist(), *beside[:6].tolist()):
        point(street, x, y, (width, height))
        assert probe(street) == expected(labels, confidence, x, y)
        assert street.texts("#rows tr.marked .name") == [categories.NAMES[labels[y, x]]]
    assert said(street) == "", "a mouse is not read out"
    ActionChains(street.driver).move_to_element(street.find("format")).perform()
    assert not street.shown("probe")


def test_probe_by_keys_is_read_out(street, labels, confidence):
    street.find("view").send_keys(Keys.ARROW_RIGHT)
    assert said(street).endswith("at 150, 75")
    for keys, (x, y) in (
        ((Keys.ARROW_LEFT,), (149, 75)),
        ((Keys.ARROW_UP,), (149, 74)),
        ((Keys.SHIFT, Keys.ARROW_DOWN), (149, 84)),
        ((Keys.SHIFT, Keys.ARROW_RIGHT), (159, 84)),
    ):
        street.find("view").send_keys(*keys)
        name, sure = expected(labels, confidence, x, y)
        assert said(street) == f"{name}, {sure}, at {x}, {y}"
    street.find("view").send_keys(Keys.ESCAPE)
    assert not street.shown("probe")


def test_probe_by_keys_stays_inside(street):
    for _ in range(20):
        street.find("view").send_keys(Keys.SHIFT, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert said(street).endswith("at 0, 0")


def test_probe_by_touch(street, window, labels, confidence):
    window(390, 800, touch=True)
    left, top, width, height = street.run(
        "const b = document.getElementById('view').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]"
    )
    x, y = 60, 100
    place = {"x": left + (x + 0.5) / 300 * width, "y": top + (y + 0.5) / 150 * height}
    street.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    street.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    street.settle()
    assert probe(street) == expected(labels, confidence, x, y)


def test_two_fingers_zoom(street, window):
    window(390, 800, touch=True)
    left, top, width, height = street.run(
        "const b = document.getElementById('view').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]"
    )
    middle = {"x": left + width * 0.3, "y": top + height / 2}  # beside the divider

    def fingers(kind: str, apart: float):
        points = [{"x": middle["x"] + side * apart, "y": middle["y"], "id": side + 1} for side in (-1, 1)]
        street.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    for apart in (40, 60, 80):
        fingers("touchMove", apart)
    street.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    street.settle()
    assert 3 < scale(street) < 5


def scale(page) -> float:
    return page.run("return new DOMMatrix(document.getElementById('photo').style.transform).a")


def test_a_row_under_the_mouse_lifts_its_category(street, labels):
    street.set("opacity", 1)
    ActionChains(street.driver).move_to_element(street.driver.find_element("css selector", "#rows tr")).perform()
    street.settle()
    (name,) = street.run("return [document.querySelector('#rows tr .name').innerText]")
    strong = street.canvas()[..., 3] == 255
    np.testing.assert_array_equal(strong, labels == categories.NAMES.index(name))
    ActionChains(street.driver).move_to_element(street.find("format")).perform()
    street.settle()
    assert (street.canvas()[..., 3] == 255).all()


def test_divider_by_keys(street):
    divider = street.find("divider")
    assert divider.get_attribute("aria-valuenow") == "60"
    for keys, value in (
        ((Keys.ARROW_LEFT,), 59),
        ((Keys.SHIFT, Keys.ARROW_RIGHT), 69),
        ((Keys.HOME,), 0),
        ((Keys.END,), 100),
    ):
        divider.send_keys(*keys)
        assert divider.get_attribute("aria-valuenow") == str(value)
    assert "photograph over 100 %" in divider.get_attribute("aria-valuetext")


def test_divider_by_mouse_parts_photograph_and_labels(street):
    width = street.find("view").size["width"]
    ActionChains(street.driver).drag_and_drop_by_offset(street.find("divider"), -round(width * 0.3), 0).perform()
    assert abs(int(street.find("divider").get_attribute("aria-valuenow")) - 30) <= 1
    assert "30%" in street.find("colored").value_of_css_property("clip-path")


def test_zoom_to_the_pixel_and_back(street, labels, confidence):
    for _ in range(20):
        street.find("view").send_keys("+")
    street.settle()
    # At the utmost, 64 pixels of the screen show one of the picture.
    assert street.run("return document.getElementById('photo').getBoundingClientRect().width") == pytest.approx(
        64 * 300
    )
    assert street.find("colors").value_of_css_property("image-rendering") == "pixelated"
    street.find("view").send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    name, sure = expected(labels, confidence, 150, 75)
    assert said(street) == f"{name}, {sure}, at 150, 75"
    box = street.run("const b = document.getElementById('crosshair').getBoundingClientRect(); return [b.x, b.y]")
    assert street.run(
        "return document.getElementById('view').contains(document.elementFromPoint(...arguments[0]))", box
    )
    street.click("fit")
    assert scale(street) == 1


def test_one_to_one(street):
    street.click("actual")
    # The drawn street is smaller than its place on screen, and never shown smaller than that.
    assert scale(street) == 1
    street.click("zoom-in")
    assert scale(street) == pytest.approx(1.5)
    street.click("zoom-out")
    assert scale(street) == 1


def test_wheel_zooms_about_the_mouse_only_with_control(street, labels, confidence):
    point(street, 60, 100, (300, 150))
    before = probe(street)
    wheel = (
        "document.getElementById('view').dispatchEvent(new WheelEvent('wheel', {deltaY: -200, ctrlKey: arguments[0],"
        " clientX: arguments[1], clientY: arguments[2], bubbles: true, cancelable: true}))"
    )
    place = street.run("""const b = document.getElementById('view').getBoundingClientRect();
        return [b.left + 60.5 / 300 * b.width, b.top + 100.5 / 150 * b.height]""")
    street.run(wheel, False, *place)
    assert scale(street) == 1
    street.run(wheel, True, *place)
    assert scale(street) == pytest.approx(np.e, rel=1e-3)
    street.settle()
    assert probe(street) == before


def test_a_zoomed_picture_is_dragged(street):
    street.click("zoom-in")
    before = street.run("return new DOMMatrix(document.getElementById('photo').style.transform).e")
    view = street.find("view")
    ActionChains(street.driver).move_to_element_with_offset(view, -200, 0).click_and_hold().move_by_offset(
        50, 0
    ).release().perform()
    after = street.run("return new DOMMatrix(document.getElementById('photo').style.transform).e")
    assert after - before == pytest.approx(50, abs=1)
