"""Keyboard alone, screen readers, phones, no script, dark and light; and how heavy the page is."""

from __future__ import annotations

import importlib.util
import re
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="no selenium: pip install -r requirements.txt")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser

PATHS = ("/", "/docs", "/model")
SIZES = [(320, 640), (390, 844), (768, 1024), (1280, 800)]


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    # Only its file is wanted; the package around it would want Playwright.
    package = Path(importlib.util.find_spec("axe_playwright_python").origin).parent
    return (package / "axe.min.js").read_text("utf-8")


@pytest.fixture
def scheme(page):
    """A function that makes the page dark or light."""

    def choose(name: str):
        features = [
            {"name": "prefers-color-scheme", "value": name},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    yield choose
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def violations(page, axe: str) -> list[str]:
    """What axe-core finds: the rule, and the elements."""
    page.run(axe)
    found = page.driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found["violations"]]


def empty(page, files):
    pass


def result(page, files):
    page.read(files["street.png"])
    # The controls are open already where there is room for them; on a phone they lie over the rest.
    page.run("for (const each of document.querySelectorAll('details:not(#controls)')) each.open = true")


def probing(page, files):
    result(page, files)
    page.find("view").send_keys(Keys.ARROW_RIGHT)


def confidence(page, files):
    result(page, files)
    page.run("document.getElementById('controls').open = true")
    page.view("confidence")


def none_chosen(page, files):
    result(page, files)
    page.run("document.getElementById('all').click()")


def many(page, files):
    page.read(files["street.png"], files["phone.jpg"], files["text.jpg"])
    page.wait(lambda: len(page.texts("#compared-rows tr")) == 2)
    page.wait(lambda: page.texts(".card .state") == ["Unsupported image format"])


def refused(page, files):
    page.choose(files["text.jpg"])
    page.problem()


def camera(page, files):
    page.find("use-camera").click()
    page.wait(lambda: page.find("shoot").is_enabled())


# What sticks out of the window, scrollbar left out, and is not inside of something that scrolls by itself.
OVERFLOW = """
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll("body *")]
        .filter((each) => each.checkVisibility())
        .filter((each) => !each.closest(".scrolls, pre, .view, .visually-hidden, .cards button"))
        .filter((each) => each.getBoundingClientRect().right > width + 0.5)
        .map((each) => each.outerHTML.slice(0, 100));
"""
STATES = [empty, result, probing, confidence, none_chosen, many, refused, camera]
each_state = pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])


@pytest.mark.parametrize("colors", ["light", "dark"])
@each_state
def test_axe_finds_nothing_in_any_state(page, files, axe, scheme, state, colors):
    scheme(colors)
    state(page, files)
    assert violations(page, axe) == []


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS[1:])
def test_axe_finds_nothing_on_other_pages(page, axe, scheme, path, colors):
    scheme(colors)
    page.open(page.service + path)
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert violations(page, axe) == []


def test_axe_finds_nothing_while_working(faulty_page, files, axe):
    faulty_page.choose(files["slow.png"])
    faulty_page.wait(lambda: faulty_page.shown("cancel"))
    assert violations(faulty_page, axe) == []


@pytest.mark.parametrize("name", ["street.png", "text.jpg"])
def test_axe_finds_nothing_on_the_page_of_the_form(page, plain_page, files, axe, tmp_path, name):
    """What the service sends a browser without script, looked at in one that has it, because axe is one."""
    plain_page.submit(files[name])
    document = plain_page.driver.page_source
    (tmp_path / "result.html").write_text(re.sub(r'(href|src)="/', rf'\1="{page.service}/', document), "utf-8")
    page.open((tmp_path / "result.html").as_uri())
    page.run("for (const each of document.querySelectorAll('script')) each.remove()")
    assert violations(page, axe) == []
    page.driver.get_log("browser")  # modules are not loaded from a file


@pytest.mark.parametrize(("width", "height"), SIZES)
@each_state
def test_nothing_is_wider_than_the_screen(page, files, window, state, width, height):
    window(width, height)
    state(page, files)
    assert page.run(OVERFLOW) == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", PATHS[1:])
def test_other_pages_fit_the_screen(page, window, path, width):
    window(width)
    page.open(page.service + path)
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.run(OVERFLOW) == []


@each_state
def test_controls_are_large_enough_for_a_thumb(page, files, window, state):
    window(390, 844, touch=True)
    state(page, files)
    small = page.run("""
        const targets = "button, .button, select, summary, header a, .tick, .slider, .segmented label, .divider";
        return [...document.querySelectorAll(targets)].filter((each) => each.checkVisibility())
            .filter((each) => !each.closest("thead") && !each.classList.contains("visually-hidden"))
            .filter((each) => Math.min(each.getBoundingClientRect().height, each.getBoundingClientRect().width) < 44)
            .map((each) => each.outerHTML);
    """)
    assert small == []


def test_the_picture_comes_first_on_a_phone_and_controls_are_a_sheet(page, files, window):
    window(320, 640, touch=True)
    page.open()
    page.read(files["street.png"])
    top = "return document.getElementById(arguments[0]).getBoundingClientRect().top"
    assert page.run(top, "view") < page.run(top, "table")
    assert not page.shown("opacity"), "the sheet is closed"
    page.driver.find_element("css selector", "#controls summary").click()
    assert page.shown("opacity")
    assert page.run("return document.getElementById('controls').getBoundingClientRect().bottom") == 640
    page.driver.find_element("css selector", "#controls summary").click()
    page.run("document.getElementById('view').focus()")
    for _ in range(25):
        press(page, Keys.TAB)
        hidden = page.run("""
            const each = document.activeElement;
            if (each === document.body || each.closest("#controls, .segmented") || each.type === "file") return null;
            const {bottom} = each.getBoundingClientRect();
            return bottom > document.getElementById("controls").getBoundingClientRect().top ? each.outerHTML : null;
        """)
        assert hidden is None, "under the sheet's handle"


def press(page, *keys: str) -> None:
    ActionChains(page.driver).send_keys(*keys).perform()
    page.settle()


def tab_to(page, id: str) -> None:
    """Reach an element by the tab key."""
    for _ in range(80):
        if page.run("return document.activeElement.id") == id:
            return
        press(page, Keys.TAB)
    pytest.fail(f"the tab key does not reach {id}")


def test_the_whole_flow_by_keyboard_alone(page, files):
    for _ in range(20):
        press(page, Keys.TAB)
        if page.run("return 'scene' in document.activeElement.dataset"):
            break
    press(page, Keys.ENTER)
    page.wait(lambda: page.shown("reading"))
    tab_to(page, "view")
    press(page, Keys.ARROW_RIGHT)
    assert page.find("said").get_property("textContent")
    tab_to(page, "divider")
    press(page, Keys.HOME)
    assert page.find("divider").get_attribute("aria-valuenow") == "0"
    tab_to(page, "opacity")
    press(page, Keys.END)
    assert page.find("opacity-value").text == "100 %"
    tab_to(page, "outline")
    press(page, Keys.SPACE)
    assert page.find("outline").is_selected()
    page.run("document.querySelector('#rows input').dataset.first = 1")
    for _ in range(20):
        press(page, Keys.TAB)
        if page.run("return 'first' in document.activeElement.dataset"):
            break
    press(page, Keys.SPACE)
    assert len(page.texts("#rows input")) == 8
    assert page.run("return document.querySelectorAll('#rows input:checked').length") == 7
    tab_to(page, "format")
    press(page, "P")  # Palette mask, by its first letter
    assert page.find("format").get_property("value") == "mask"
    tab_to(page, "download")
    press(page, Keys.ENTER)
    assert page.downloaded("scene-103.mask.png")


def test_the_focus_is_seen_wherever_it_is(page, files):
    page.read(files["street.png"])
    page.run("document.querySelector('.skip').focus()")
    seen = set()
    for _ in range(40):
        press(page, Keys.TAB)
        unseen = page.run("""
            const each = document.activeElement;
            if (each === document.body) return null;
            const marked = each.matches(".segmented input, [type=file]") ? each.nextElementSibling : each;
            return getComputedStyle(marked).outlineStyle === "none" ? each.outerHTML : null;
        """)
        assert unseen is None
        seen.add(page.run("return document.activeElement.id || document.activeElement.outerHTML"))
    assert {"view", "divider", "opacity", "format", "download"} <= seen


def test_page_is_light(service):
    page = urllib.request.urlopen(service).read().decode()
    parts = set(re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css|svg))"', page))
    assert len(parts) >= 12
    weight = len(page) + sum(len(urllib.request.urlopen(service + part).read()) for part in parts)
    assert weight < 120_000


def test_first_paint_waits_for_nothing_but_the_style(page):
    blocking = page.run("""return performance.getEntriesByType("resource")
        .filter((each) => each.renderBlockingStatus === "blocking").map((each) => new URL(each.name).pathname)""")
    assert sorted(blocking) == ["/static/base.css", "/static/studio.css"]


def test_nothing_moves_where_that_is_not_wanted(page, files, scheme):
    scheme("light")
    page.read(files["street.png"])
    moving = page.run("""return [...document.querySelectorAll("*")]
        .filter((each) => getComputedStyle(each).transitionDuration !== "0s").map((each) => each.tagName)""")
    assert moving == []


def test_form_works_without_script(plain_page, files, image):
    plain_page.submit(files["street.png"])
    picture = plain_page.driver.find_element("css selector", "figure img")
    assert picture.get_property("naturalWidth") == image.shape[1]
    assert len(plain_page.texts("tbody tr")) == 8
    assert len(plain_page.texts("a[download]")) >= 7


def test_refusal_without_script_says_why_and_keeps_the_form(plain_page, files):
    plain_page.submit(files["text.jpg"])
    assert "Unsupported image format" in plain_page.problem()
    plain_page.submit(files["street.png"])
    assert len(plain_page.texts("tbody tr")) == 8


def test_a_body_over_the_limit_is_refused_in_words_without_script(plain_page, files):
    plain_page.submit(files["large.bmp"])
    assert "Request too large" in plain_page.problem()


def test_without_script_no_control_is_dead(plain_page):
    assert plain_page.texts("button") == ["Segment"]
    assert not plain_page.texts("output, summary")
