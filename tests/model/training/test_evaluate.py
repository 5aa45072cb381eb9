"""`python -m model evaluate` from end to end, on generated scenes."""

from __future__ import annotations

import json
import shlex
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from model import artifact, categories
from model.__main__ import main
from model.data import synthetic
from model.inference import segmenter
from model.training.evaluate import OFFICIAL_SUFFIX, evaluate, table
from model.training.scoring import Scores


@pytest.fixture
def exported(trained, tmp_path):
    """A copy of the trained artifact that a test may change."""
    return shutil.copytree(trained, tmp_path / "artifact")


def run(*arguments) -> int:
    return main(["evaluate", *map(str, arguments), "--engine", "tensorflow"])


def test_json_and_table_tell_the_same_scores(exported, scenes, tmp_path, capsys):
    assert run("--data", scenes, "--artifact", exported, "--json", tmp_path / "scores.json") == 0
    written = json.loads((tmp_path / "scores.json").read_text())
    printed = capsys.readouterr().out
    assert written["images"] == 2
    assert written["model"] == artifact.read(exported).version
    assert f"{100 * written['mean_iou']:.2f}" in printed
    for name in categories.NAMES[1:]:
        assert f"{100 * written['iou'][name]:.2f}" in printed


def test_official_label_ids_are_the_labels_without_void(exported, scenes, tmp_path):
    assert run("--data", scenes, "--artifact", exported, "--export-official", tmp_path / "official") == 0
    loaded = segmenter.load(exported, engine="tensorflow")
    for path in sorted((scenes / "val" / "images").iterdir()):
        written = np.asarray(Image.open(tmp_path / "official" / f"{path.stem}{OFFICIAL_SUFFIX}"))
        labels = loaded.segment(np.asarray(Image.open(path)), void="never").labels
        np.testing.assert_array_equal(written, categories.to_label_ids(labels))


def test_scores_go_into_the_card_under_their_name(exported, scenes):
    assert run("--data", scenes, "--artifact", exported, "--card", "scenes") == 0
    card = artifact.read(exported).card
    assert set(card["scores"]) == {"validation", "scenes"}
    assert card["scores"]["scenes"]["command"].startswith(f"python -m model evaluate --data {scenes} --split val")
    text = (exported / "card.md").read_text()
    assert "### scenes" in text
    assert f"| **mean** | **{card['scores']['scenes']['mean_iou']:.4f}** |" in text


def test_the_score_of_training_is_the_score_of_evaluate(exported, scenes):
    assert run("--data", scenes, "--artifact", exported, "--card", "again") == 0
    scores = artifact.read(exported).card["scores"]
    assert scores["again"]["mean_iou"] == pytest.approx(scores["validation"]["mean_iou"], abs=1e-3)


def test_a_precision_is_compared_with_keras_in_float(exported, scenes, capsys):
    assert main(["export", "--artifact", str(exported)]) == 0
    flags = ["--engine", "openvino", "--precision", "f32", "--card-precision"]
    assert main(["evaluate", "--data", str(scenes), "--artifact", str(exported), *flags]) == 0
    entry = artifact.read(exported).card["precisions"]["f32"]
    assert entry["equal_labels"] >= 0.999
    assert f"float32: {entry['equal_labels']:.4%}" in capsys.readouterr().out
    assert entry["command"].endswith("--engine openvino --precision f32")
    assert f"| {entry['mean_iou']:.4f} | {entry['equal_labels']:.2%} |" in (exported / "card.md").read_text()


def test_a_perfect_answer_scores_one(monkeypatch):
    samples = synthetic.samples("val", count=2, size=(64, 128))

    class Knows:
        @contextmanager
        def planes(self, image):
            truth = next(s.read().labels for s in samples if np.array_equal(s.read().image, image))
            yield np.ascontiguousarray(np.eye(8, dtype=np.float32)[truth].transpose(2, 0, 1))

    scores = evaluate(Knows(), samples)
    assert scores.mean_iou == 1
    assert scores.mean_iou_with_void == 1


def test_the_table_shows_no_number_for_a_category_that_never_occurs():
    confusion = np.zeros((8, 8), np.int64)
    confusion[1, 1] = 3
    lines = table(Scores(confusion, confusion, 1)).splitlines()
    assert lines[2].split() == ["flat", "100.00", "100.00"]
    assert lines[3].split() == ["construction", "-", "-"]


def test_a_command_in_the_card_can_be_pasted(exported, scenes, tmp_path):
    folder = exported.rename(tmp_path / "with a space")
    assert run("--data", scenes, "--artifact", folder, "--card", "scenes") == 0
    command = artifact.read(folder).card["scores"]["scenes"]["command"]
    assert shlex.split(command)[-4:-2] == ["--artifact", str(folder)]


def test_photographs_are_moved_under_their_masks(exported, scenes):
    for offset in ("0", "3"):
        assert run("--data", scenes, "--artifact", exported, "--card", f"by {offset}", "--label-offset", offset) == 0
    scores = artifact.read(exported).card["scores"]
    assert scores["by 3"]["mean_iou"] != scores["by 0"]["mean_iou"]
    assert "--label-offset 3" in scores["by 3"]["command"]
    assert "--label-offset" not in scores["by 0"]["command"]


def test_a_file_that_cannot_be_written_is_told_in_words(exported, scenes, capsys):
    assert run("--data", scenes, "--artifact", exported, "--json", "/dev/null/scores.json") == 2
    error = capsys.readouterr().err
    assert "/dev/null" in error
    assert "Traceback" not in error


def test_without_any_data_the_generated_streets_are_scored(exported, tmp_path, capsys):
    assert run("--artifact", exported, "--report", tmp_path / "report.html", "--worst", 1) == 0
    assert "40 images of synthetic (val)" in capsys.readouterr().out
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "The worst image" in text
    assert "calibration error" in text


def test_json_has_what_the_official_scripts_do_not_count(exported, scenes, tmp_path):
    assert run("--data", scenes, "--artifact", exported, "--json", tmp_path / "scores.json") == 0
    written = json.loads((tmp_path / "scores.json").read_text())
    assert set(written["boundary_iou"]) == set(categories.NAMES[1:])
    assert set(written["iiou"]) == {"human", "vehicle"}
    assert sum(written["calibration"]["share"]) == pytest.approx(1)
    assert 0 <= written["calibration_error"] <= 1
    np.testing.assert_array_equal(sum(np.array(i["confusion"]) for i in written["per_image"]), written["confusion"])


def test_a_card_holds_sums_and_no_images(exported, scenes):
    assert run("--data", scenes, "--artifact", exported, "--card", "scenes") == 0
    entry = artifact.read(exported).card["scores"]["scenes"]
    assert "mean_boundary_iou" in entry
    assert "per_image" not in entry
    assert sum(entry["calibration"]["share"]) == pytest.approx(1)
    assert entry["calibration"]["near"]["above"] == 0.85


def test_views_are_named_with_the_scores(exported, scenes, capsys):
    assert run("--data", scenes, "--artifact", exported, "--flip", "--scales", "1,1.5", "--card", "views") == 0
    assert "mirrored too, at 1, 1.5 of its size" in capsys.readouterr().out
    entry = artifact.read(exported).card["scores"]["views"]
    assert entry["command"].endswith("--engine tensorflow --flip --scales 1,1.5")


def test_predictions_are_scored_and_compared_without_a_network(scenes, tmp_path, capsys):
    folders = tmp_path / "ours", tmp_path / "theirs"
    for number, folder in enumerate(folders):
        folder.mkdir()
        for path in sorted((scenes / "val" / "masks").iterdir()):
            labels = np.roll(np.asarray(Image.open(path)), 4 * number, axis=1)
            Image.fromarray(categories.to_label_ids(labels)).save(folder / path.name)
    flags = ["--against", folders[1], "--json", tmp_path / "scores.json", "--cache", tmp_path / "cache"]
    assert main(["evaluate", "--data", str(scenes), "--predictions", str(folders[0]), *map(str, flags)]) == 0
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["mean_iou"] == 1
    assert written["against"]["mean_iou"] < 0.9
    assert written["difference"]["rows"][-1]["verdict"] == "better"
    assert written["command"] == f"python -m model evaluate --data {scenes} --split val --predictions {folders[0]}"
    printed = capsys.readouterr().out
    assert "ours - theirs: official IoU" in printed
    assert "2,000 x 2 images" in printed


def test_two_artifacts_are_compared(exported, scenes, tmp_path, capsys):
    other = shutil.copytree(exported, tmp_path / "other")
    assert run("--data", scenes, "--artifact", exported, "--against", other, "--resamples", 100) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split()[0] == "mean"
    assert last.split()[3:] == ["+0.00", "+0.00", "to", "+0.00", "open"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "nowhere"], "'nowhere' is not a folder"),
        (["--split", "nosplit"], "no split 'nosplit'"),
        (["--artifact", "nowhere"], "No card.json in 'nowhere'"),
        (["--predictions", "nowhere"], "'nowhere' is not a folder"),
        (["--predictions", ".", "--flip", "--card", "x"], "--predictions with --flip, --card"),
        (["--predictions", ".", "--label-offset", "0.5"], "--predictions with --label-offset"),
        (["--predictions", ".", "--scales", "0.5"], "--predictions with --scales"),
        (["--cache", "nowhere"], "--cache without --predictions"),
        (["--no-boundary"], "--no-boundary without --predictions"),
        (["--against", "nowhere"], "'nowhere' is not a folder"),
        (["--scales", "9"], "a scale of 9"),
        (["--resamples", "1"], "--resamples 1. Expected at least 100"),
        (["--card-precision", "--flip"], "--card-precision with --flip"),
    ],
)
def test_mistakes_are_told_in_words(arguments, expected, capsys, exported):
    engine = [] if "--predictions" in arguments else ["--engine", "tensorflow"]
    status = main(["evaluate", *engine, "--artifact", str(exported), *arguments])
    assert status == 2
    error = capsys.readouterr().err
    assert expected in error
    assert "Traceback" not in error
