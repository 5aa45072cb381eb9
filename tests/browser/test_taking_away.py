"""What is downloaded is what `/predict` answers, and the code that is shown does the same."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

ENDS = {
    "overlay": ".overlay.png",
    "mask": ".mask.png",
    "cityscapes": ".cityscapes.png",
    "confidence": ".confidence.png",
    "json": ".json",
    "csv": ".csv",
    "coco": ".coco.json",
    "zip": ".zip",
}


def untimed(format: str, data: bytes):
    """A download without what differs from one answer to the next: the stages' times."""
    if format != "json":
        return data
    record = json.loads(data)
    record.pop("timings")
    return record


def download(page, format: str) -> bytes:
    page.set("format", format)
    page.find("download").click()
    return page.downloaded(f"street{ENDS[format]}")


@pytest.fixture
def street(page, files):
    """The page with the result of one photograph."""
    page.read(files["street.png"])
    return page


def test_every_format_of_the_service_is_offered(street):
    assert street.run("return [...document.getElementById('format').options].map((each) => each.value)") == list(ENDS)


@pytest.mark.parametrize("format", ENDS)
def test_download_is_what_the_service_answers(street, files, format):
    more = {"mask": "rle"} if format == "json" else {}
    expected = street.predict(files["street.png"], format=format, **more)
    assert untimed(format, download(street, format)) == untimed(format, expected)


@pytest.mark.parametrize("format", ENDS)
def test_download_has_the_looks_that_are_set(street, files, format):
    street.set("opacity", 0.25)
    street.set("palette", "colorblind")
    street.click("outline")
    street.tick(4)
    chosen = "void,flat,construction,object,sky,human,vehicle"
    parameters = {"opacity": 0.25, "outline": 1, "palette": "colorblind", "categories": chosen}
    more = {"mask": "rle"} if format == "json" else {}
    expected = street.predict(files["street.png"], format=format, **parameters, **more)
    assert untimed(format, download(street, format)) == untimed(format, expected)


def test_labels_are_downloaded_without_the_photograph(street, files):
    street.view("labels")
    assert download(street, "overlay") == street.predict(files["street.png"], opacity=1)


def test_void_is_downloaded_as_set(street, files):
    street.click("void")
    street.wait(lambda: street.shown("takeaway"))
    mask = np.array(Image.open(io.BytesIO(download(street, "mask"))))
    np.testing.assert_array_equal(mask, street.predicted(files["street.png"], format="mask", void="never"))


def test_all_photographs_in_one_zip_and_one_csv(page, files):
    paths = [files["street.png"], files["phone.jpg"]]
    page.read(*paths)
    page.wait(lambda: len(page.texts("#compared-rows tr")) == 2)
    page.find("zip").click()
    data = page.downloaded("streetseg.zip")
    assert data == page.predict(*paths, format="zip")
    assert {name.split("/")[0] for name in zipfile.ZipFile(io.BytesIO(data)).namelist()} >= {"street", "phone"}
    page.find("csv").click()
    assert page.downloaded("streetseg.csv") == page.predict(*paths, format="csv")


def test_more_than_a_request_may_hold_is_asked_for_in_parts(page):
    parts = page.driver.execute_async_script("""
        const done = arguments[0];
        import("/static/gallery.js").then(({batches}) => {
            const files = [...Array(7).keys()].map((number) => ({number, size: number === 3 ? 90000 : 20000}));
            const parts = batches(files, {images: 3, bytes: 100000});
            done(parts.map((part) => part.map((file) => file.number)));
        });
    """)
    assert parts == [[0, 1, 2], [3], [4, 5, 6]]


def test_a_download_that_is_refused_says_why(street):
    street.run("document.getElementById('format').options[0].value = 'overlay'")
    street.driver.execute_cdp_cmd("Network.enable", {})
    street.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/predict*"]})
    try:
        street.find("download").click()
        assert "could not be reached" in street.problem()
        assert street.shown("photo")
    finally:
        street.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    street.driver.get_log("browser")  # Chromium notes what was blocked


def code(page, language: str) -> str:
    page.run("document.querySelector('details.code').open = true")
    page.driver.find_element("css selector", f"input[name=language][value={language}]").click()
    return page.find("code").text


RUNS = {
    "curl": (["bash", "script"], "curl"),
    "python": ([sys.executable, "script"], sys.executable),
    "javascript": (["node", "script.mjs"], "node"),
}


@pytest.mark.parametrize("language", RUNS)
@pytest.mark.parametrize("format", ["overlay", "json"])
def test_code_does_what_the_button_does(street, files, tmp_path, language, format):
    command, program = RUNS[language]
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    street.set("opacity", 0.7)
    street.tick(2)
    street.set("format", format)
    text = code(street, language)
    (tmp_path / command[1]).write_text(text, "utf-8")
    shutil.copy(files["street.png"], tmp_path)
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    saved = (tmp_path / f"street{ENDS[format]}").read_bytes()
    assert untimed(format, saved) == untimed(format, download(street, format))


@pytest.mark.parametrize("language", RUNS)
def test_code_survives_any_name_of_a_file(page, files, tmp_path, language):
    command, program = RUNS[language]
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    name = 'it\'s a "$HOME" `street` \\ ; é.png'
    shutil.copy(files["street.png"], tmp_path / name)
    page.read(str(tmp_path / name))
    page.set("format", "csv")
    (tmp_path / command[1]).write_text(code(page, language), "utf-8")
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / f"{name.removesuffix('.png')}.csv").read_text("utf-8").count("\n") == 9


def test_code_is_copied(street):
    text = code(street, "curl")
    allowed = {"origin": street.service, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    street.driver.execute_cdp_cmd("Browser.grantPermissions", allowed)
    street.find("copy").click()
    street.wait(lambda: street.find("copied").text == "Copied")
    copied = street.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == street.run("return document.getElementById('code').textContent")
    assert text.split() == copied.split()
