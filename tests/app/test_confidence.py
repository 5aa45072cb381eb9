"""Confidence on the card's page: figures of each set, and a drawing that those who can't see it can read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from app import confidence
from app.confidence import Bin

# Five bins, of which three have pixels: 25 % of 0.5, 25 % of 0.7, 50 % of 0.9.
KNOWN = {
    "calibration_error": 0.0875,
    "calibration": {
        "share": [0.0, 0.0, 0.25, 0.25, 0.5],
        "confidence": [None, None, 0.5, 0.7, 0.9],
        "accuracy": [None, None, 0.4, 0.75, 0.8],
        "near": {"above": 0.85, "up_to": 0.95, "share": 0.5, "accuracy": 0.8},
    },
}
FITTED = {
    "temperature": 1.31,
    "images": 280,
    "data": "/home/someone/cityscapes",
    "split": "val",
    "before": {"calibration_error": 0.04},
    "after": {"calibration_error": 0.005},
}


def test_what_was_measured_by_hand():
    (found,) = confidence.measured({"scores": {"old": {"mean_iou": 0.7}, "validation": KNOWN}})
    assert (found.of, found.error, found.near) == ("validation", 0.0875, 0.8)
    assert found.confidence == pytest.approx(0.25 * 0.5 + 0.25 * 0.7 + 0.5 * 0.9)
    assert found.accuracy == pytest.approx(0.25 * 0.4 + 0.25 * 0.75 + 0.5 * 0.8)
    assert found.bins == [
        Bin(pytest.approx(0.4), pytest.approx(0.6), 0.25, 0.5, 0.4),
        Bin(pytest.approx(0.6), pytest.approx(0.8), 0.25, 0.7, 0.75),
        Bin(pytest.approx(0.8), 1.0, 0.5, 0.9, 0.8),
    ]


def test_bars_stand_on_the_axis_and_points_lie_on_the_diagonal_where_it_is_right():
    left, top, side = confidence.LEFT, confidence.TOP, confidence.SIDE
    drawn = confidence.draw([Bin(0.5, 0.75, 1.0, 0.6, 0.6)])
    assert drawn.bars == [pytest.approx((left + side / 2, top + 0.4 * side, side / 4, 0.6 * side))]
    ((x, y),) = drawn.points
    assert x - left == pytest.approx(top + side - y)
    assert (drawn.marks[0], drawn.marks[-1]) == ((left, top + side, 0), (left + side, top, 100))


def test_each_set_has_a_line_and_the_first_a_drawing(page):
    text = page(scores={"validation": KNOWN, "camvid": KNOWN | {"calibration_error": 0.2}})
    cells = ["8.75\u00a0%", "80.0\u00a0%", "75.0\u00a0%", "68.8\u00a0%"]
    assert f'<th scope="row">validation</th>{"".join(f"<td>{cell}</td>" for cell in cells)}' in text
    assert '<th scope="row">camvid</th><td>20.00\u00a0%</td>' in text
    svg = drawing(text)
    assert len(svg.findall("rect")) == len(svg.findall("circle")) == 3
    assert svg.find("title").text == "Reliability diagram, validation"
    assert "80\u00a0% to 100\u00a0%: 80.0\u00a0%." in svg.find("desc").text
    assert "style" not in ElementTree.tostring(svg, "unicode")


def test_the_drawing_is_a_table_as_well(page):
    rows = page(scores={"validation": KNOWN}).partition("The diagram as a table")[2].partition("</table>")[0]
    assert len(re.findall(r"<tr><th scope=.row.>", rows)) == 3
    assert "<td>25.00\u00a0%</td><td>50.0\u00a0%</td><td>40.0\u00a0%</td>" in rows


def test_the_temperature_is_told_with_what_it_changed(page):
    text = page(scores={}, calibration=FITTED)
    assert "a temperature of 1.310, fitted to 280 images of cityscapes (val)" in text
    assert "from 4.00\u00a0% to 0.50\u00a0%" in text
    assert "Reliability diagram" not in text


BROKEN = [
    None,
    [],
    {"share": 1, "confidence": [], "accuracy": []},
    {"share": [1.0], "confidence": [0.5], "accuracy": []},
    {"share": [1.0], "confidence": [None], "accuracy": ["much"]},
]


@pytest.mark.parametrize("known", BROKEN)
def test_a_card_may_lack_bins(page, known):
    text = page(scores={"validation": {"mean_iou": 0.5, "calibration": known}}, calibration=known)
    assert "<h2>Confidence</h2>" not in text


def test_a_card_may_say_a_temperature_alone(page):
    assert "a temperature of 2.000." in page(calibration={"temperature": 2})


def test_figures_beside_the_bins_may_be_missing(page):
    bins = {name: KNOWN["calibration"][name] for name in ("share", "confidence", "accuracy")}
    text = page(scores={"bare": {"calibration": bins}})
    assert '<th scope="row">bare</th><td>–</td><td>–</td><td>75.0' in text


def drawing(text: str) -> ElementTree.Element:
    """The diagram, which must be well-formed."""
    return ElementTree.fromstring(re.search(r"<svg viewBox.*?</svg>", text, re.DOTALL)[0])
