"""The card beside the shipped network, and cards that several write into."""

from __future__ import annotations

import shutil

from model import artifact
from model.training import card


def test_the_shipped_card_reads_as_it_is_written_today():
    text = (artifact.DEFAULT_FOLDER / card.MARKDOWN_FILE).read_text("utf-8")
    assert text == card.markdown(artifact.read(artifact.DEFAULT_FOLDER))


def test_two_who_write_into_a_card_keep_what_the_other_wrote(tmp_path):
    shutil.copytree(artifact.DEFAULT_FOLDER, tmp_path / "unet")
    first, second = artifact.read(tmp_path / "unet"), artifact.read(tmp_path / "unet")
    entry = {"file": "unet.onnx", "bytes": 1, "difference": 0.0, "equal_labels": 1.0, "runtime": "onnxruntime"}
    card.add_export(first, "onnx", entry | {"images": 1, "data": "synthetic", "split": "train", "command": "export"})
    card.add_precision(second, "f32", {"mean_iou": 0.5})
    both = artifact.read(tmp_path / "unet").card
    assert list(both["exports"]) == ["onnx"]
    assert both["precisions"]["f32"]["mean_iou"] == 0.5
