"""`python -m model segment` from end to end, with the network that is shipped."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from app import create_app
from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.inference import segmenter
from tests.app.clients import post

needs_network = pytest.mark.skipif(
    not (artifact.DEFAULT_FOLDER / artifact.CARD_FILE).is_file(),
    reason=f"no trained network in {artifact.DEFAULT_FOLDER}",
)


@pytest.fixture
def streets(tmp_path):
    """A folder with three generated scenes, and a text that calls itself a picture."""
    folder = tmp_path / "streets"
    folder.mkdir()
    for seed in (103, 111, 113):
        image, _ = synthetic.scene(seed, size=(120, 200))
        Image.fromarray(image).save(folder / f"scene-{seed}.png")
    (folder / "text.jpg").write_text("no picture")
    return folder


def run(*words) -> int:
    return main(["segment", *map(str, words)])


@needs_network
def test_a_folder_gives_the_bytes_of_the_service_and_says_what_failed(streets, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(streets, out, "--format", "mask,overlay", "--opacity", "0.3") == 1
    printed = capsys.readouterr()
    network = segmenter.load()
    assert f"{out}: 3 files segmented by {network.version} in " in printed.out
    assert f"1 files failed, all listed in {out / 'failed.csv'}:\n  text.jpg: Received text." in printed.err
    client = create_app({}, segmenter=network).test_client()
    photograph = (streets / "scene-111.png").read_bytes()
    for format in ("mask", "overlay"):
        answer = post(client, photograph, query_string={"format": format, "opacity": "0.3"})
        assert (out / format / "scene-111.png").read_bytes() == answer.data
    (streets / "text.jpg").unlink()
    assert run(streets, out, "--format", "mask,overlay", "--opacity", "0.3") == 0
    assert "0 files segmented" in capsys.readouterr().out


@needs_network
def test_a_smaller_input_is_another_network_of_its_own_folder(streets, tmp_path, capsys):
    out, image = tmp_path / "out", streets / "scene-103.png"
    small = ["--input-size", "640x320"]
    assert run(image, out, *small, "--size", "network") == 0
    network = segmenter.load(input_size=(320, 640))
    assert network.version.endswith("-640x320")
    assert f"1 files segmented by {network.version} in" in capsys.readouterr().out
    mask = Image.open(out / "mask" / "scene-103.png")
    assert mask.size == (640, 320)
    seen = network.segment(np.asarray(Image.open(image)), size=(320, 640))
    assert np.array_equal(np.asarray(mask), seen.labels)
    assert run(image, out, "--size", "network") == 2
    assert f'made with model "{network.version}"' in capsys.readouterr().err


@pytest.mark.parametrize("size", ["640", "640x330", "x", "320x0"])
def test_an_input_size_that_no_network_takes_is_refused(streets, tmp_path, capsys, size):
    with pytest.raises(SystemExit):
        run(streets, tmp_path / "out", "--input-size", size)
    assert f"received {size!r}. Expected own, or a width and a height in pixels" in capsys.readouterr().err


@needs_network
def test_one_image_and_no_table(streets, tmp_path):
    out = tmp_path / "out"
    assert run(streets / "scene-103.png", out, "--tables", "none", "--size", "64x48", "--jobs", "1") == 0
    assert sorted(path.name for path in out.iterdir()) == ["manifest.jsonl", "mask"]
    labels = np.asarray(Image.open(io.BytesIO((out / "mask" / "scene-103.png").read_bytes())))
    assert labels.shape == (48, 64)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format", "maks"], "argument --format: received 'maks'. Expected overlay, overlay-jpeg,"),
        (["--tables", "xlsx"], "argument --tables: received 'xlsx'. Expected csv, parquet, none"),
        (["--opacity", "3"], "argument --opacity: received '3'. Expected a number from 0 to 1"),
        (["--every", "0"], "argument --every: received '0'. Expected 1 for all frames, 2 for every second"),
        (["--every", "second"], "argument --every: received 'second'. Expected 1 for all frames"),
        (["--categories", "trees"], "argument --categories: received 'trees'. Expected names or ids"),
    ],
)
def test_a_flag_out_of_range_is_named(words, says, streets, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run(streets, tmp_path / "out", *words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--jobs", "-1"], "--jobs is -1. Expected 0, or how many images"),
        (["--size", "0x5"], "size is '0x5', 0 pixels. Expected a width and a height from 1"),
    ],
)
def test_numbers_out_of_range_are_named(words, says, streets, tmp_path, capsys):
    assert run(streets, tmp_path / "out", *words) == 2
    assert says in capsys.readouterr().err


def test_nothing_to_segment_is_an_error(tmp_path, capsys):
    assert run(tmp_path / "nowhere", tmp_path / "out") == 2
    assert f"{tmp_path / 'nowhere'} does not exist. Expected a file, a folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
