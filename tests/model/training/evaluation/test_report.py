"""The report: its pictures, its numbers, and that it is one file that stands alone."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from model.categories import IGNORE, PALETTE
from model.data.samples import Example
from model.training.evaluate import worst
from model.training.evaluation import against, figures, report, sides
from model.training.scoring import total


@pytest.fixture
def written(samples, predictions, tmp_path):
    """Write a report on the predictions and return its text."""

    def write(**options) -> str:
        side = sides.Folder(predictions)
        scores = side.scores(samples)
        about = {"model": "<any>", "engine": side.means, "data": "streets", "split": "val", "command": "evaluate"}
        defaults = {"worst": 2, "units": "images", "resamples": 200}
        path = tmp_path / "new" / "report.html"
        report.write(path, scores=scores, about=about, samples=samples, side=side, **defaults | options)
        return path.read_text("utf-8")

    return write


def test_it_has_the_scores_of_every_category(written, samples, predictions):
    text = written()
    scores = sides.Folder(predictions).scores(samples).as_dict()
    for name, value in scores["iou"].items():
        row = re.search(rf"<th scope=\"row\"><span[^>]*></span>\s*{name}</th>(.*?)</tr>", text, re.DOTALL)
        assert re.findall(r"<td>([^<]*)</td>", row[1])[:2] == [
            f"{100 * value:.1f}",
            f"{100 * scores['boundary_iou'][name]:.1f}",
        ]
    assert f"{100 * scores['mean_iou']:.1f}" in text


def test_it_stands_alone_and_escapes_names(written):
    text = written()
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "<script" not in text
    assert "&lt;any&gt;" in text
    assert "<any>" not in text
    assert not re.search(r"\bnan\b|None", text)


def test_the_worst_images_are_shown_with_four_pictures_each(written, samples, predictions):
    text = written(worst=2)
    names = [image.name for image in worst(sides.Folder(predictions).scores(samples), 2)]
    assert re.findall(r"<h3>(\w+):", text) == names
    assert text.count("data:image/jpeg") == 8
    assert "worst image" not in written(worst=0)


def test_the_worst_come_first_by_what_their_truth_has(samples, predictions):
    scores = sides.Folder(predictions).scores(samples)
    found = [image.mean_iou for image in worst(scores, 5)]
    assert found == sorted(found)
    assert len(worst(scores, 3)) == 3
    assert worst(total([]), 3) == []


def test_without_confidence_nothing_is_said_of_it(written):
    assert "calibration" not in written().lower()


def test_a_comparison_is_told_category_by_category(written, samples, predictions, tmp_path):
    perfect = tmp_path / "perfect"
    perfect.mkdir()
    for sample in samples:
        Image.open(sample.mask_path).save(perfect / f"{sample.name}.png")
    ours, theirs = sides.Folder(predictions), sides.Folder(perfect)
    rows = against.compare(ours.scores(samples), theirs.scores(samples), resamples=200)
    text = written(against=report.Rival("perfect", "PNGs", theirs.scores(samples), rows))
    assert "Against perfect" in text
    assert text.count('<td class="worse">worse</td>') == 8
    assert "−" in text


def test_cities_are_drawn_together_where_asked(written):
    assert "200 resamples of 2 cities" in written(units="cities")


def test_mistakes_have_the_colour_of_the_answer_and_ignored_pixels_are_none():
    labels = np.array([[1, 1, 7, 0]], np.uint8).repeat(4, 0)
    example = Example(np.full((4, 4, 3), 100, np.uint8), labels, labels != 0)
    drawn = report.pictures(example, np.array([[1, 2, 7, 3]], np.uint8).repeat(4, 0))
    pale = drawn["mistakes"][0, 0]
    assert drawn["mistakes"][0, 1].tolist() == PALETTE[2].tolist()
    for place in (0, 2, 3):
        assert drawn["mistakes"][0, place].tolist() == pale.tolist()
    assert drawn["truth"][0, 3].tolist() == pale.tolist()
    expected = np.round(0.35 * 100 + 0.65 * PALETTE[1]).tolist()
    np.testing.assert_allclose(drawn["answer"][0, 0], expected, atol=1)


def test_pictures_are_no_larger_than_a_page_shows():
    size = (100, 1024)
    example = Example(np.zeros((*size, 3), np.uint8), np.ones(size, np.uint8), np.ones(size, bool))
    drawn = report.pictures(example, np.full(size, IGNORE - 250, np.uint8))
    assert {picture.shape for picture in drawn.values()} == {(50, 512, 3)}


def test_an_artifact_is_told_from_a_folder_of_predictions(predictions, tmp_path):
    options = {"engine": "openvino", "precision": "f32", "flip": False, "scales": (1.0,), "cache": None}
    assert sides.other(predictions, **options).means == "label id PNGs"
    with pytest.raises(ValueError, match="is not a folder"):
        sides.other(tmp_path / "nowhere", **options)
    (predictions / "card.json").write_text("{}")
    with pytest.raises(ValueError, match="card"):
        sides.other(predictions, **options)


def test_images_without_a_mistake_are_drawn():
    figures.spread(np.ones(3))
