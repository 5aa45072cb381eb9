"""The report of `explore` in a real browser: nothing for axe-core to say, no sideways scrolling, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.data import synthetic
from model.data.exploration.exploring import explore
from tests.browser.screens import SIZES, barriers, overhang, show

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A report about eight generated streets."""
    splits = {name: synthetic.samples(name, count=4, size=(96, 192)) for name in ("train", "val")}
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(explore(splits, title="streets").html, "utf-8")
    return path


@pytest.fixture(scope="module")
def driver(open_browser, report):
    shown = open_browser()
    shown.get(report.as_uri())
    return shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(driver, size, scheme):
    show(driver, size, scheme)
    assert barriers(driver) == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(driver, size):
    show(driver, size, "light")
    assert overhang(driver) == 0


def test_every_picture_is_drawn(driver):
    broken = "return [...document.images].filter(e => !e.naturalWidth).map(e => e.alt)"
    assert driver.execute_script(broken) == []


def test_the_lines_of_a_figure_follow_the_page(driver):
    # A figure is drawn on a canvas as the page would show it; its ink is dark in the light, and light in the dark.
    # Two frames after the change, the browser has drawn it anew.
    drawn = """
        const done = arguments[0];
        requestAnimationFrame(() => requestAnimationFrame(() => {
            const image = document.querySelector("img.drawn"), canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0, count = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 250 && Math.abs(data[i] - data[i + 2]) < 24) { sum += data[i]; count += 1; }
            done(sum / count);
        }));
    """
    values = {}
    for scheme in ("light", "dark"):
        show(driver, SIZES[-1], scheme)
        values[scheme] = driver.execute_async_script(drawn)
    assert values["dark"] > values["light"] + 30
