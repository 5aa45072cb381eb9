"""The numbers of one photograph, and of several side by side."""

from __future__ import annotations

import pytest

from model import categories
from model.inference.familiarity import WARNING

pytestmark = pytest.mark.browser


def rows(page) -> list[list[str]]:
    return page.run(
        "return [...document.querySelectorAll('#rows tr')].map((r) => [...r.cells].map((c) => c.innerText.trim()))"
    )


def as_shown(record: dict) -> list[list[str]]:
    found = sorted(record["categories"], key=lambda row: -row["coverage"])
    shown = []
    for row in found:
        sure = row["mean_confidence"]
        shown.append([row["name"], f"{row['coverage'] * 100:.1f} %", "–" if sure is None else f"{sure * 100:.0f} %"])
    return shown


def test_table_is_that_of_the_service(page, files):
    page.read(files["street.png"])
    record = page.record(files["street.png"])
    assert sorted(rows(page)) == sorted(as_shown(record))
    shares = [float(row[1].removesuffix(" %")) for row in rows(page)]
    assert shares == sorted(shares, reverse=True)
    assert page.find("confidence").text == f"{record['mean_confidence'] * 100:.0f} %"
    assert page.find("version").text == record["model"]


def test_pixels_of_each_category_are_in_the_hint(page, files):
    page.read(files["street.png"])
    hints = page.run(
        "return Object.fromEntries([...document.querySelectorAll('#rows tr')].map("
        "(r) => [r.querySelector('.name').innerText, r.cells[1].title]))"
    )
    expected = {row["name"]: f"{row['pixels']:,} pixels" for row in page.record(files["street.png"])["categories"]}
    assert hints == expected


def test_times_of_the_stages(page, files):
    page.read(files["street.png"])
    assert [word for word in page.find("timings").text.split() if word.isalpha()] == [
        "decode", "resize", "network", "labels", "render", "ms",
    ]  # fmt: skip


def test_what_looks_like_no_street_is_warned_of(page, files):
    page.read(files["noise.png"])
    assert page.find("strange").text == WARNING
    assert page.record(files["noise.png"])["warnings"] == [WARNING]
    page.find("image").send_keys(files["street.png"])
    page.wait(lambda: page.find("strange").text == "")


def test_version_leads_to_the_card(page, files):
    page.read(files["street.png"])
    assert page.run("return document.getElementById('version').closest('a').getAttribute('href')") == "/model"


def test_table_is_sorted_by_any_column_both_ways(page, files):
    page.read(files["street.png"])
    heads = page.driver.find_elements("css selector", "#table thead button")
    heads[0].click()
    assert [row[0] for row in rows(page)] == sorted(categories.NAMES)
    assert page.run("return document.querySelector('#table th').ariaSort") == "ascending"
    heads[0].click()
    assert [row[0] for row in rows(page)] == sorted(categories.NAMES, reverse=True)
    heads[1].click()
    by_share = [row[1] for row in rows(page)]
    assert by_share == [row[1] for row in as_shown(page.record(files["street.png"]))]
    heads[1].click()
    assert [row[1] for row in rows(page)] == by_share[::-1]
    heads[2].click()
    sure = [-1 if row[2] == "–" else int(row[2].split()[0]) for row in rows(page)]
    assert sure == sorted(sure, reverse=True)


def compared(page) -> list[list[str]]:
    return page.run(
        "return [...document.querySelectorAll('#compared-rows tr')].map((r) => [...r.cells].map((c) => c.innerText))"
    )


@pytest.fixture
def two(page, files):
    """The page with the results of two photographs."""
    page.read(files["street.png"], files["phone.jpg"])
    page.wait(lambda: len(compared(page)) == 2)
    return page


def test_several_are_compared(two, files):
    for (name, *shares, sure), path in zip(compared(two), ("street.png", "phone.jpg"), strict=True):
        record = two.record(files[path])
        assert name == path
        assert shares == [f"{row['coverage'] * 100:.1f} %" for row in record["categories"]]
        assert sure == f"{record['mean_confidence'] * 100:.1f} %"


def test_comparison_is_sorted(two):
    two.driver.find_elements("css selector", "#compared thead button")[0].click()
    assert [row[0] for row in compared(two)] == ["phone.jpg", "street.png"]


def test_a_card_brings_its_photograph_back(two, files):
    assert two.find("photo").get_property("naturalWidth") == 300
    two.driver.find_elements("css selector", ".card .open")[1].click()
    two.wait(lambda: two.find("photo").get_property("naturalWidth") == 150)
    two.wait(lambda: two.canvas().shape[:2] == (300, 150))
    assert sorted(rows(two)) == sorted(as_shown(two.record(files["phone.jpg"])))
    assert two.run("return document.activeElement.getAttribute('aria-current')") == "true", "the focus was lost"


def test_removing_photographs(two):
    two.driver.find_elements("css selector", ".card .remove")[0].click()
    two.wait(lambda: two.find("photo").get_property("naturalWidth") == 150)
    assert not two.shown("many"), "one alone needs no comparison"


def test_one_photograph_needs_no_comparison(page, files):
    page.read(files["street.png"])
    assert not page.shown("many")


def test_labels_that_were_let_go_are_asked_for_again(two):
    """As `forget` of page.js does once 200 MB are kept."""
    asked = "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/infer')).length"
    before = two.run(asked)
    two.driver.find_elements("css selector", ".card .open")[1].click()
    two.wait(lambda: two.canvas().shape[:2] == (300, 150))
    assert two.run(asked) == before, "what is kept is not asked for again"
