"""docs/api.md: its examples as they stand but for the address, and whether it names all that there is."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import config, create_app, errors
from model import categories
from model.data import synthetic
from model.inference.options import PARAMETERS
from model.inference.representations import REPRESENTATIONS
from tests.app.clients import FakeSegmenter, encoded
from tests.clients.conftest import running

KEY = "a-key-of-24-letters-long"
SIZE = (180, 320)
EXAMPLE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
# What runs each language, beside the example itself.
PROGRAMS = {"sh": "bash", "javascript": "node", "python": sys.executable}


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / "docs" / "api.md").read_text("utf-8")


@pytest.fixture(scope="module")
def guarded():
    """The host and port of a service that asks for a key."""
    with running(STREETSEG_API_KEY=KEY) as address:
        yield address


@pytest.fixture
def run(page, address, tmp_path, request):
    """A function that runs the one example of a language that holds a text, and returns what it printed."""
    for seed, name in enumerate(("street.jpg", "second.jpg"), start=3):
        (tmp_path / name).write_bytes(encoded(synthetic.scene(seed, size=SIZE)[0], "JPEG", quality=95))

    def run(language: str, holding: str) -> str:
        for program in (PROGRAMS[language], "curl") if language == "sh" else (PROGRAMS[language],):
            if shutil.which(program) is None:
                pytest.skip(f"no {program}")
        (text,) = [text for kind, text in EXAMPLE.findall(page) if kind == language and holding in text]
        where = request.getfixturevalue("guarded") if "$KEY" in text else address
        endings = {"sh": "sh", "javascript": "mjs", "python": "py"}
        script = tmp_path / f"example.{endings[language]}"
        script.write_text(text.replace("127.0.0.1:8000", where), "utf-8")
        command = [PROGRAMS[language], *(["-e"] if language == "sh" else []), str(script)]
        environment = os.environ | {"KEY": KEY}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def test_the_first_one_is_enough(run, tmp_path):
    run("sh", "8000/predict -o overlay.png")
    assert opened(tmp_path / "overlay.png").shape == (*SIZE, 3)


def test_raw_body_and_json(run, tmp_path):
    run("sh", "base64")
    assert opened(tmp_path / "mask.png").max() < categories.COUNT
    assert opened(tmp_path / "confidence.png").max() > 128


def test_chosen_categories_and_label_ids(run, tmp_path):
    run("sh", "people.webp")
    with Image.open(tmp_path / "people.webp") as picture:
        assert (picture.format, picture.size) == ("WEBP", SIZE[::-1])
    assert set(np.unique(opened(tmp_path / "street_labelIds.png"))) <= {7, 11, 17, 21, 23, 24, 26}


def test_overlay_in_javascript(run, tmp_path):
    printed = run("javascript", "opacity")
    assert opened(tmp_path / "overlay.png").shape == (*SIZE, 3)
    assert re.match(r"unet-[0-9a-f]{12} .*network;dur=", printed)


def test_green_in_python(run):
    lines = run("python", "green").splitlines()
    assert [re.sub(r"\d+\.\d%", "N", line) for line in lines] == [
        "street.jpg: N green, N sky",
        "second.jpg: N green, N sky",
    ]


def test_table(run, tmp_path, page):
    run("sh", "categories.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "categories.csv").read_text("utf-8"))))
    assert len(rows) == 2 * categories.COUNT
    assert {row["file"] for row in rows} == {"street.jpg", "second.jpg"}
    columns = " ".join(page.split("the columns are ")[1].split(":")[0].split()).replace(" and ", ", ")
    assert columns.split(", ") == list(rows[0])


def test_figures_in_javascript(run):
    lines = run("javascript", "mostly").splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r"mostly \w+: \d+\.\d %", line) for line in lines)


def test_run_lengths(run):
    counts = [line.split() for line in run("python", "pycocotools").splitlines()]
    assert all(" ".join(line[1:3]) == f"({SIZE[0]}, {SIZE[1]})" for line in counts)
    assert sum(int(line[3]) for line in counts) == SIZE[0] * SIZE[1]


def test_bundle(run, tmp_path):
    names = run("python", "zipfile").splitlines()
    assert {"street/overlay.png", "second/segmentation.json", "categories.csv"} <= set(names)
    assert all((tmp_path / "streets" / name).is_file() for name in names)


def test_refusal(run):
    problem = json.loads(run("sh", "opacity=2"))
    assert (problem["status"], problem["type"]) == (422, "urn:streetseg:problem:parameter-out-of-range")


def test_waiting_and_words(run):
    assert run("python", "Retry-After") == f"{{'height': {SIZE[0]}, 'width': {SIZE[1]}}}\n"


def test_three_ways_to_send_a_key(run, tmp_path):
    run("sh", "X-Api-Key")
    overlays = {(tmp_path / name).read_bytes() for name in ("bearer.png", "header.png", "password.png")}
    assert len(overlays) == 1
    assert opened(tmp_path / "bearer.png").shape == (*SIZE, 3)


def test_every_example_is_run(page):
    """By the tests above: one `run` each."""
    own = Path(__file__).read_text("utf-8")
    calls = re.findall(r'\brun\("(\w+)", "([^"]+)"\)', own)
    examples = EXAMPLE.findall(page)
    assert len(calls) == len(examples) == page.count("```") / 2
    for language, text in examples:
        assert sum(kind == language and holding in text for kind, holding in calls) == 1


def test_every_parameter_format_and_media_type_is_there(page):
    for name in ("format", *PARAMETERS):
        assert f"| `{name}` |" in page
    for each in REPRESENTATIONS:
        assert re.search(rf"^\| `{each.format}` \|.*{re.escape(each.media_type.partition(';')[0])}", page, re.MULTILINE)


def test_every_refusal_is_there(page):
    for reason in errors._TITLES:
        assert f"`{reason}`" in page, reason


def test_every_path_is_there(page):
    rules = create_app(segmenter=FakeSegmenter()).url_map.iter_rules()
    for rule in rules:
        path = re.sub(r"^(/v2/models/<name>)?(/versions/<version>)?", "", str(rule)) or "<name>"
        assert path.removesuffix("<path:filename>") in page, rule


def test_the_settings_it_names_exist(page):
    names = re.findall(r"`STREETSEG_(\w+)`", page)
    assert names
    assert set(names) <= config.SETTINGS.keys() | config._ELSEWHERE


def test_every_metric_is_there(page):
    client = create_app(segmenter=FakeSegmenter()).test_client()
    client.get("/livez")
    names = re.findall(r"^# TYPE (streetseg_\w+) (\w+)", client.get("/metrics").text, re.MULTILINE)
    assert len(names) > 5
    for name, kind in names:
        assert f"`{name}`" in page or f"`{name}_total`" in page or kind == "untyped", name
