"""A job from images to files: what it writes, what it leaves alone, and what a kill costs."""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest
from PIL import ExifTags, Image

from app import create_app
from model.inference.batch import formats, inputs, job, manifest, one, output
from model.inference.options import Options
from tests.app.clients import post, post_files

# A network that takes a while, so that kills find it at work.
SLOW = """
import sys, time
from pathlib import Path
from model.inference.batch import inputs, job, one
from tests.app.clients import FakeSegmenter

class Slow(FakeSegmenter):
    def segment(self, *arguments, **options):
        time.sleep(0.1)
        return super().segment(*arguments, **options)

root, out = map(Path, sys.argv[1:])
wanted = one.Job(formats=("mask", "json", "coco", "zip"))
print("ready", flush=True)
job.run(inputs.find([root]), Slow(), out, job=wanted, threads=3)
"""


@pytest.fixture
def segment(photographs, segmenter, tmp_path):
    """A function that runs a job on the photographs into a folder `out`, and returns what became of them."""

    def run(*words: str, out: str = "out", restart: bool = False, root: Path = photographs, **options):
        wanted = one.Job(formats=words or ("mask",), options=Options(**options))
        return job.run(inputs.find([root]), segmenter, tmp_path / out, job=wanted, threads=3, restart=restart)

    return run


def counts(outcome: job.Outcome) -> tuple[int, int, int]:
    return outcome.made, outcome.kept, len(outcome.failed)


def rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("format", "asked", "accept"),
    [
        ("overlay", "overlay", "image/png"),
        ("overlay-jpeg", "overlay", "image/jpeg"),
        ("overlay-webp", "overlay", "image/webp"),
        *((each, each, "*/*") for each in ("mask", "cityscapes", "confidence", "csv", "coco")),
    ],
)
def test_a_file_has_the_bytes_of_the_service(segment, photographs, segmenter, tmp_path, format, asked, accept):
    segment(format, opacity=0.3, categories=(1, 4, 5), outline=True, palette="colorblind")
    client = create_app({}, segmenter=segmenter).test_client()
    parameters = f"format={asked}&opacity=0.3&categories=flat,nature,sky&outline=1&palette=colorblind"
    (name,) = (name for name in (photographs / "north").glob("01.png"))
    response = client.post(
        f"/predict?{parameters}", data={"image": (name.open("rb"), name.name)}, headers={"Accept": accept}
    )
    assert response.status_code == 200
    assert (tmp_path / "out" / formats.path(format, "north/01")).read_bytes() == response.data


def test_a_zip_and_the_json_in_it_have_the_bytes_of_the_service(segment, photographs, segmenter, tmp_path):
    segment("zip", "json", mask="rle")
    client = create_app({}, segmenter=segmenter).test_client()
    name = photographs / "north" / "01.png"
    asked = {"image": (name.open("rb"), name.name)}
    answer = client.post("/predict?format=zip&mask=rle", data=asked)
    assert (tmp_path / "out" / "zip" / "north" / "01.zip").read_bytes() == answer.data
    record = post(client, name.read_bytes(), query_string={"format": "json", "mask": "rle"}).get_json()
    del record["timings"]
    assert json.loads((tmp_path / "out" / "json" / "north" / "01.json").read_bytes()) == record


def test_the_coco_document_of_all_is_that_of_the_service(segment, photographs, segmenter, tmp_path):
    for path in [*photographs.rglob("*.png")]:
        if path.parent != photographs:
            path.unlink()
    segment("coco")
    client = create_app({}, segmenter=segmenter).test_client()
    files = sorted(photographs.glob("[0-9]*.png"))
    answer = post_files(client, *(path.read_bytes() for path in files), format="coco").get_json()
    for image, path in zip(answer["images"], files, strict=True):
        image["file_name"] = path.name
    written = (tmp_path / "out" / "annotations" / "instances_default.json").read_text("utf-8")
    assert json.loads(written) == answer
    assert written == json.dumps(json.loads(written), ensure_ascii=False)


def test_every_image_has_its_rows_in_both_tables_of_both_kinds(segment, segmenter, tmp_path):
    segmenter.familiarity = 0.625
    segment()
    out = tmp_path / "out"
    long, wide = rows(out / "coverage-long.csv"), rows(out / "coverage-wide.csv")
    assert len(long) == 12 * 8
    assert [row["file"] for row in wide] == sorted(row["file"] for row in wide)
    first = wide[0]
    assert (first["file"], first["width"], first["height"], first["familiarity"]) == ("00.png", "30", "9", "0.625")
    # Thirty columns, labelled 0 to 7 in turn: four of the first six categories, three of the last two.
    assert [float(first[name]) for name in ("void", "object", "human", "vehicle")] == [4 / 30, 4 / 30, 3 / 30, 3 / 30]
    assert [float(row["coverage"]) for row in long[:8]] == [float(first[row["name"]]) for row in long[:8]]
    for name in ("long", "wide"):
        table = pyarrow.parquet.read_table(out / f"coverage-{name}.parquet")
        written = rows(out / f"coverage-{name}.csv")
        assert [{key: str(value) for key, value in row.items()} for row in table.to_pylist()] == written
    schema = pyarrow.parquet.read_schema(out / "coverage-long.parquet")
    assert [str(schema.field(name).type) for name in ("pixels", "coverage", "file")] == ["int64", "double", "string"]


def test_only_chosen_categories_are_columns(segment, tmp_path):
    segment(categories=(5, 1))
    assert [*rows(tmp_path / "out" / "coverage-wide.csv")[0]][-2:] == ["flat", "sky"]


def test_a_second_run_makes_only_what_is_missing(segment, tree, tmp_path):
    assert counts(segment()) == (12, 0, 0)
    before = tree(tmp_path / "out")
    assert counts(segment()) == (0, 12, 0)
    (tmp_path / "out" / "mask" / "00.png").unlink()
    (tmp_path / "out" / "mask" / "03.png").write_bytes(b"cut o")
    assert counts(segment()) == (2, 10, 0)
    assert tree(tmp_path / "out") == before


def test_an_image_that_changed_is_made_anew_and_a_new_one_added(segment, photographs, tmp_path):
    segment()
    changed = (photographs / "03.png").read_bytes()
    (photographs / "00.png").write_bytes(changed)
    (photographs / "99.png").write_bytes(changed)
    assert counts(segment()) == (2, 11, 0)
    assert rows(tmp_path / "out" / "coverage-wide.csv")[0]["width"] == "27"
    assert rows(tmp_path / "out" / "coverage-wide.csv")[4]["file"] == "99.png"


def test_a_further_format_leaves_the_others_as_they_are(segment, tree, tmp_path):
    segment("mask")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "mask").rglob("*.png")}
    assert counts(segment("mask", "overlay")) == (12, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    segment("mask", "overlay", out="at-once")
    assert tree(tmp_path / "out") == tree(tmp_path / "at-once")


def test_one_bad_image_stops_no_other_and_is_tried_again(segment, photographs, tmp_path):
    (photographs / "01.jpg").write_text("no picture")
    outcome = segment()
    assert counts(outcome) == (12, 0, 1)
    (failed,) = rows(tmp_path / "out" / job.FAILED)
    assert failed["file"] == "01.jpg"
    assert failed["reason"].startswith("Received text. Expected a JPEG")
    (photographs / "01.jpg").write_bytes((photographs / "00.png").read_bytes())
    assert counts(segment()) == (1, 12, 0)
    assert not (tmp_path / "out" / job.FAILED).exists()


def test_an_image_that_was_spoilt_leaves_no_answers_to_what_it_was(segment, photographs, tmp_path):
    segment()
    (photographs / "03.png").write_text("spoilt")
    assert counts(segment()) == (0, 11, 1)
    assert "03.png" not in {row["file"] for row in rows(tmp_path / "out" / "coverage-wide.csv")}
    assert not (tmp_path / "out" / "mask" / "03.png").exists()


def test_a_file_that_went_away_is_a_failure_of_its_own(photographs, segmenter, tmp_path):
    items = inputs.find([photographs])
    (photographs / "00.png").unlink()
    outcome = job.run(items, segmenter, tmp_path / "out")
    assert counts(outcome) == (11, 0, 1)
    assert "No such file" in outcome.failed[0][1]


def test_answers_of_other_options_are_not_mixed(segment, tmp_path):
    segment(opacity=0.5)
    with pytest.raises(ValueError, match=r"holds answers made with opacity 0\.5 \(now 0\.25\).*--restart"):
        segment(opacity=0.25)
    assert counts(segment(opacity=0.25, restart=True)) == (12, 0, 0)
    assert counts(segment(opacity=0.25)) == (0, 12, 0)


def test_answers_of_another_network_are_not_mixed(segment, segmenter):
    segment()
    segmenter.artifact.card["keras_sha256"] = "f" * 64
    with pytest.raises(ValueError, match=r'made with model "fake-0123456789ab" \(now "fake-ffffffffffff"\)'):
        segment()


def test_one_run_at_a_time_writes_into_a_folder(segment, tmp_path):
    with output.Output(tmp_path / "out").opened(), pytest.raises(ValueError, match=r"Another run writes into .*out"):
        segment()


def test_a_file_in_place_of_the_folder_is_refused(segment, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ValueError, match=r"out is a file\. Expected a folder"):
        segment()


def test_a_fault_of_the_network_ends_the_run_and_what_was_done_stays(segment, segmenter, monkeypatch):
    whole, seen = segmenter.segment, []

    def breaks(image, **options):
        seen.append(image)
        if len(seen) > 8:
            raise RuntimeError("out of order")
        return whole(image, **options)

    monkeypatch.setattr(segmenter, "segment", breaks)
    with pytest.raises(RuntimeError, match="out of order"):
        segment()
    monkeypatch.setattr(segmenter, "segment", whole)
    outcome = segment()
    assert outcome.made + outcome.kept == 12
    assert 1 <= outcome.kept <= 8


def test_a_manifest_that_is_no_manifest_is_refused(segment, tmp_path):
    segment()
    path = tmp_path / "out" / manifest.NAME
    path.write_text(path.read_text("utf-8").replace('{"file"', "{file", 1), "utf-8")
    with pytest.raises(ValueError, match=r"manifest\.jsonl cannot be read\. Expected a line of JSON"):
        segment()


def test_killed_again_and_again_it_ends_with_the_bytes_of_an_unbroken_run(photographs, repository, tree, tmp_path):
    draw = random.Random(4)

    def start(out: str) -> subprocess.Popen:
        words = [sys.executable, "-c", SLOW, str(photographs), str(tmp_path / out)]
        return subprocess.Popen(words, cwd=repository, stdout=subprocess.PIPE)

    for _ in range(5):
        process = start("killed")
        assert process.stdout.readline() == b"ready\n"
        time.sleep(draw.uniform(0.01, 0.12))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # None of them may have got to the end by itself: else nothing was tried.
    assert not (tmp_path / "killed" / "manifest.jsonl").exists()
    for out in ("killed", "unbroken"):
        process = start(out)
        process.communicate()
        assert process.returncode == 0
    assert tree(tmp_path / "killed") == tree(tmp_path / "unbroken")


def test_interrupted_it_goes_on_behind_the_last_whole_line(photographs, segmenter, tree, tmp_path):
    items = inputs.find([photographs])

    def leave(_: str | None) -> None:
        left.append(None)
        if len(left) == 5:
            raise KeyboardInterrupt

    left: list[None] = []
    with pytest.raises(KeyboardInterrupt):
        job.run(items, segmenter, tmp_path / "out", say=leave)
    with (tmp_path / "out" / output.WORK / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"file":"north/07.png","sour')
    (tmp_path / "out" / output.WORK / "new" / "17").write_bytes(b"half of an ans")
    assert counts(job.run(items, segmenter, tmp_path / "out")) == (7, 5, 0)
    job.run(items, segmenter, tmp_path / "unbroken")
    assert tree(tmp_path / "out") == tree(tmp_path / "unbroken")


def test_a_map_has_a_point_for_each_photograph_that_knows_where_it_was_taken(photographs, segment, tmp_path):
    exif = Image.Exif()
    gps = {1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)}
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    Image.new("RGB", (20, 10)).save(photographs / "north" / "sydney.jpg", exif=exif)
    segment("geojson", "overlay-jpeg")
    document = json.loads((tmp_path / "out" / "coverage.geojson").read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    features = {feature["properties"]["file"]: feature for feature in document["features"]}
    assert len(features) == 13
    sydney = features["north/sydney.jpg"]
    assert sydney["geometry"] == {"type": "Point", "coordinates": [151.21, -33.86]}
    assert (sydney["properties"]["width"], sydney["properties"]["flat"]) == (20, 3 / 20)
    assert features["00.png"]["geometry"] is None
    # The picture that is given back does not tell.
    with Image.open(tmp_path / "out" / "overlay" / "north" / "sydney.jpg") as overlay:
        assert not overlay.getexif().get_ifd(ExifTags.IFD.GPSInfo)
