"""Imports into CVAT and Label Studio: the examples of docs/clients.md, run with those tools' own libraries.

They want older releases of what we serve with, so they get an environment of their own: `pytest -m imports`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import categories
from model.data import synthetic
from tests.app.clients import encoded, opened

pytestmark = [pytest.mark.imports, pytest.mark.long]

PAGE = "docs/clients.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
INTERFACE = re.compile(r"^```xml\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NAMED = categories.NAMES[categories.VOID + 1 :]

# Each writes one uint8 array of category ids for a photograph, of what the tool has after the import.
DATUMARO = """
import sys, numpy, datumaro as dm
where, *named = sys.argv[1:]
dataset = dm.Dataset.import_from(where, "coco_instances")
names = ["void"] + named
labels = [label.name for label in dataset.categories()[dm.AnnotationType.label]]
for item in dataset:
    found = numpy.zeros(item.media.size, numpy.uint8)
    for annotation in item.annotations:
        if annotation.type == dm.AnnotationType.mask:
            found[annotation.image.astype(bool)] = names.index(labels[annotation.label])
    numpy.save(item.id, found)
"""
LABEL_STUDIO = """
import json, sys, numpy
from label_studio_sdk.converter import brush
from label_studio_sdk.label_interface import LabelInterface
(task,) = json.load(open("tasks.json"))
(prediction,) = task["predictions"]
interface = LabelInterface(open("interface.xml").read())
errors = interface.validate_prediction(prediction, return_errors=True)
assert not errors, errors
names = ["void"] + sys.argv[1:]
size = [prediction["result"][0][side] for side in ("original_height", "original_width")]
found = numpy.zeros(size, numpy.uint8)
for region in prediction["result"]:
    alpha = brush.decode_rle(region["value"]["rle"]).reshape(*size, 4)[..., 3]
    assert not found[alpha == 255].any(), "two labels on one pixel"
    found[alpha == 255] = names.index(region["value"]["brushlabels"][0])
numpy.save("street", found)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory, repository, request) -> Path:
    """The interpreter of an environment with the tools' libraries."""
    if "imports" not in request.config.getoption("markexpr"):
        pytest.skip("installs 690 MB of annotation tools: ask for it by -m imports")
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", repository / "requirements-imports.txt"], check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def photographs() -> dict[str, bytes]:
    """JPEG files of streets by name, one of them on end."""
    sizes = {"street.jpg": (201, 333), "on end.jpg": (322, 187)}
    return {
        name: encoded(synthetic.scene(seed, size=size)[0], "JPEG", quality=95)
        for seed, (name, size) in enumerate(sizes.items(), start=3)
    }


@pytest.fixture
def run(python, repository, address, photographs, tmp_path):
    """A function that runs a script, or the example that holds a text, beside the photographs, and says its words."""
    for name, content in photographs.items():
        (tmp_path / name).write_bytes(content)
    page = (repository / PAGE).read_text("utf-8")
    (interface,) = INTERFACE.findall(page)
    (tmp_path / "interface.xml").write_text(interface)

    def run(script: str = "", *arguments: str, example: str = "") -> str:
        if example:
            (script,) = [each for each in EXAMPLE.findall(page) if example in each]
        script = script.replace("127.0.0.1:8000", address)
        done = subprocess.run(
            [python, "-c", script, *arguments, *NAMED],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_cvat(run, ask, photographs, tmp_path):
    bundle = ask(photographs, format="zip")
    (tmp_path / "streets.zip").write_bytes(bundle)
    printed = run(example="datumaro")
    run(DATUMARO, "streets")
    for name, content in photographs.items():
        mask = np.array(opened(ask({name: content}, format="mask")))
        np.testing.assert_array_equal(np.load(tmp_path / f"{Path(name).stem}.npy"), mask)
        for category in np.unique(mask[mask > 0]):
            count = np.count_nonzero(mask == category)
            assert f"{Path(name).stem} {categories.NAMES[category]} {count} pixels\n" in printed


def test_cvat_takes_the_json_alone(run, ask, photographs, tmp_path):
    """Under the name that CVAT gives a file that is no zip."""
    path = tmp_path / "streets" / "annotations" / "default.json"
    for folder in (path.parent, tmp_path / "streets" / "images"):
        folder.mkdir(parents=True)
    path.write_bytes(ask(photographs, format="coco"))
    for name, content in photographs.items():
        (tmp_path / "streets" / "images" / name).write_bytes(content)
    run(DATUMARO, str(path))
    for name, content in photographs.items():
        mask = np.array(opened(ask({name: content}, format="mask")))
        np.testing.assert_array_equal(np.load(tmp_path / f"{Path(name).stem}.npy"), mask)


def test_label_studio(run, ask, photographs, tmp_path):
    mask = np.array(opened(ask({"street.jpg": photographs["street.jpg"]}, format="mask", void="never")))
    assert run(example="label_studio_sdk") == f"{np.unique(mask).size} regions\n"
    run(LABEL_STUDIO)
    np.testing.assert_array_equal(np.load(tmp_path / "street.npy"), mask)
