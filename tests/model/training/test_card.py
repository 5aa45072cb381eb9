"""The card beside the shipped network, and cards that several write into."""

from __future__ import annotations

import copy
import shutil

import numpy as np
import pytest

from model import artifact
from model.training import card, card_confidence, card_training
from model.training.evaluation import calibration


def test_the_shipped_card_reads_as_it_is_written_today():
    text = (artifact.DEFAULT_FOLDER / card.MARKDOWN_FILE).read_text("utf-8")
    assert text == card.markdown(artifact.read(artifact.DEFAULT_FOLDER))


def test_one_network_asked_about_several_sizes_is_no_ensemble(tmp_path):
    run = {"samples": 5, "settings": {"data": ["a"], "epochs": 3}, "history": [{"seconds": 60}] * 3, "keras": "3"}
    seen = {"version": "segnet-0123456789ab", "parameters": 7, "share": 0.5, "training": run | {"backend": "jax"}}
    known = artifact.read(artifact.DEFAULT_FOLDER).card
    whole = known | {"training": {"samples": 5, "members": [seen, seen | {"reduction": 3}], "fit_images": 4}}
    text = card.markdown(artifact.Artifact(tmp_path, whole))
    assert "\nSegNet in 2 views: labels every pixel" in text
    assert "Its answer is mixed from those of one network in 2 views, by" in text
    assert "### `segnet-0123456789ab`, asked again about the image at 1/3 of its size\n" in text
    assert text.count("5 images of `a`") == 1


def test_two_who_write_into_a_card_keep_what_the_other_wrote(tmp_path):
    shutil.copytree(artifact.DEFAULT_FOLDER, tmp_path / "unet")
    first, second = artifact.read(tmp_path / "unet"), artifact.read(tmp_path / "unet")
    entry = {"file": "unet.onnx", "bytes": 1, "difference": 0.0, "equal_labels": 1.0, "runtime": "onnxruntime"}
    card.add_export(first, "onnx", entry | {"images": 1, "data": "synthetic", "split": "train", "command": "export"})
    card.add_precision(second, "f32", {"mean_iou": 0.5})
    both = artifact.read(tmp_path / "unet").card
    assert list(both["exports"]) == [*artifact.read(artifact.DEFAULT_FOLDER).card.get("exports", {}), "onnx"]
    assert both["precisions"]["f32"]["mean_iou"] == 0.5


def test_a_card_tells_all_runs_that_led_to_a_network_back_to_the_first():
    settings = {"data": ["a"], "epochs": 3, "learning_rate": 0.1}
    run = {"samples": 5, "backend": "jax", "keras": "3", "settings": settings, "history": [{"seconds": 60}]}
    size = {"height": 320, "width": 640}
    first = artifact.Artifact(None, {"name": "unet", "keras_sha256": "1" * 64, "input": size, "training": run})
    second = {
        **run,
        "history": [{"seconds": 1}] * 3,
        "settings": settings | {"learning_rate": 0.2},
        **card_training.begun_with(first),
    }
    third = run | card_training.begun_with(artifact.Artifact(None, first.card | {"training": second}))
    assert [each["settings"]["learning_rate"] for each in third["before"]] == [0.1, 0.2]
    assert third["before"][0]["version"] == first.version
    text = card_training.training_section(third)
    assert f"It began with the weights of `{third['begun_with']}`" in text
    assert text.count("python -m model train") == 3
    assert text.index("--learning-rate 0.2") < text.index(
        f"Before that, `{first.version}`: 5 images of `a`, 1 of 3 epochs"
    )
    assert f"Before that, `{third['begun_with']}`: 5 images of `a`, 3 epochs" in text
    assert "began with" not in card_training.training_section(run)


@pytest.fixture
def known() -> dict:
    """The shipped card, in which nothing is said of confidence."""
    kept = copy.deepcopy(artifact.read(artifact.DEFAULT_FOLDER).card)
    kept.pop("calibration", None)
    for entry in kept["scores"].values():
        entry.pop("calibration", None)
    return kept


def bins(seed: int) -> dict:
    random = np.random.default_rng(seed)
    found = calibration.measure(0.2 + 0.8 * random.random(500), random.random(500) < 0.7)
    return {"calibration_error": found.error, "calibration": found.as_dict()}


def test_each_set_has_its_confusion_in_per_cent_of_the_row(known, tmp_path):
    counts = np.zeros((8, 8), int)
    counts[7] = [0, 1, 0, 0, 0, 0, 0, 3]
    known["scores"]["full-resolution"]["confusion_with_void"] = counts.tolist()
    text = card.markdown(artifact.Artifact(tmp_path, known))
    section = text.partition("### full-resolution")[2].partition("###")[0]
    assert "| vehicle | 0.0 | 25.0 | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 | 75.0 |" in section
    assert "| human | - | - | - | - | - | - | - | - |" in section
    assert text.count("<details>") == len(known["scores"])


def test_a_card_without_bins_says_nothing_of_confidence_and_has_no_picture(known, tmp_path):
    (tmp_path / card_confidence.FIGURE_FILE).write_text("of another network")
    card.write_markdown(artifact.Artifact(tmp_path, known))
    assert "## Confidence" not in (tmp_path / card.MARKDOWN_FILE).read_text("utf-8")
    assert not (tmp_path / card_confidence.FIGURE_FILE).exists()


def test_each_set_with_bins_has_its_calibration(known, tmp_path):
    known["scores"]["camvid"] |= bins(1)
    card.write_markdown(artifact.Artifact(tmp_path, known))
    text = (tmp_path / card.MARKDOWN_FILE).read_text("utf-8")
    entry = known["scores"]["camvid"]
    row = next(line for line in text.splitlines() if line.startswith("| camvid | "))
    assert (
        f"| {100 * entry['calibration_error']:.2f} % | {100 * entry['calibration']['near']['accuracy']:.2f} % |" in row
    )
    assert "| validation | " not in text
    assert "by confidence, camvid](calibration.svg)" in text


def test_the_picture_is_the_same_for_the_same_card(known, tmp_path):
    known["scores"]["camvid"] |= bins(1)
    known["scores"]["validation"] |= bins(2)
    drawn = []
    for _ in range(2):
        card_confidence.write_figure(tmp_path, known)
        drawn.append((tmp_path / card_confidence.FIGURE_FILE).read_text("utf-8"))
    assert drawn[0] == drawn[1]
    assert "prefers-color-scheme:dark" in drawn[0]
    assert drawn[0].index(">validation<") < drawn[0].index(">camvid<")
