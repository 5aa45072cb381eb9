"""Reports: one file that holds everything, escapes what it is given, and draws figures for light and dark alike."""

from __future__ import annotations

import base64
import io
import os
import re
import xml.etree.ElementTree as ElementTree

import jinja2
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from model import reports


def _content(uri: str, kind: str) -> bytes:
    head, comma, coded = uri.partition(",")
    assert (head, comma) == (f"data:{kind};base64", ",")
    return base64.b64decode(coded, validate=True)


def _svg(figure: Figure) -> str:
    return _content(reports.figure_uri(figure), "image/svg+xml").decode()


@pytest.fixture
def figure() -> Figure:
    drawn, axes = reports.create_figure()
    axes.bar(["flat", "sky"], [3, 1], color="#804080")
    axes.set_xlabel("share of pixels")
    return drawn


def test_a_template_is_found_from_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reports.render("base.html", values={}).startswith("<!doctype html>")
    assert not os.listdir(tmp_path)


def test_the_base_page_loads_nothing_and_runs_nothing():
    page = reports.render("base.html", values={})
    assert not re.search(r"<script|\bsrc=|https?://|@import|url\(", page)


def test_values_are_escaped(monkeypatch, tmp_path):
    (tmp_path / "name.html").write_text("<p>{{ name }}</p>", "utf-8")
    monkeypatch.setattr(reports, "_TEMPLATES", tmp_path)
    assert reports.render("name.html", values={"name": "<b>'a' & b"}) == "<p>&lt;b&gt;&#39;a&#39; &amp; b</p>"


def test_a_value_that_is_not_given_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "name.html").write_text("<p>{{ name }}</p>", "utf-8")
    monkeypatch.setattr(reports, "_TEMPLATES", tmp_path)
    with pytest.raises(jinja2.UndefinedError, match="name"):
        reports.render("name.html", values={})


def test_a_figure_is_well_formed_and_keeps_its_text_as_text(figure):
    texts = [node.text for node in ElementTree.fromstring(_svg(figure)).iter("{http://www.w3.org/2000/svg}text")]
    assert {"flat", "sky", "share of pixels"} <= set(texts)


def test_the_ink_of_a_figure_turns_light_in_the_dark_and_category_colours_stay(figure):
    svg = _svg(figure)
    style, drawing = re.search(r"<style>(:root.*?)</style>(.*)", svg, flags=re.DOTALL).groups()
    assert "prefers-color-scheme:dark" in style
    assert reports.INK in style
    assert "#ececee" in style
    assert "#804080" in drawing
    assert not re.search(f"{reports.INK}|{reports.QUIET}|{reports.LINE}", drawing)


def test_black_text_of_any_figure_becomes_ink_and_black_bars_stay_black():
    figure = Figure()
    axes = figure.subplots()
    axes.bar([0], [1], color="black")
    axes.text(0, 0, "void", color="black")
    svg = _svg(figure)
    assert re.search(r"var\(--c0\)[^>]*>void</text>", svg)
    assert "#000000" in svg


def test_equal_figures_are_equal_bytes(figure):
    assert reports.figure_uri(figure) == reports.figure_uri(figure)


def test_an_image_comes_back_from_its_uri():
    image = np.zeros((16, 24, 3), np.uint8)
    image[:, 12:] = (250, 130, 10)
    read = np.asarray(Image.open(io.BytesIO(_content(reports.image_uri(image, quality=95), "image/jpeg"))))
    assert read.shape == image.shape
    np.testing.assert_allclose(read[4:12, 16:].astype(int), image[4:12, 16:].astype(int), atol=6)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_image_is_refused_with_what_came(image):
    with pytest.raises(ValueError, match=re.escape(f"Received {image.dtype} {image.shape}. Expected an image")):
        reports.image_uri(image)
