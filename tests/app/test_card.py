"""The card as a page: what is shown of any card, and which of the two a client gets."""

from __future__ import annotations

import html
import json
import re

import pytest

from app import card
from model import categories
from tests.app.clients import AS_A_BROWSER

ONE_EACH = [[int(row == column) for column in range(8)] for row in range(8)]


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9", "image/png"])
def test_programs_get_json(client, accept):
    response = client.get("/model", headers={"Accept": accept} if accept else {})
    assert response.content_type == "application/json"
    assert "Accept" in response.headers["Vary"]


def test_browsers_get_a_page(client):
    response = client.get("/model", headers=AS_A_BROWSER)
    assert response.content_type.startswith("text/html")
    assert "Accept" in response.headers["Vary"]
    assert "<h1>Model card</h1>" in response.text


def test_which_weights_its_training_began_with(page):
    assert "begun with the weights of <code>unet-0123</code>." in page(
        training={"settings": {"epochs": 1}, "begun_with": "unet-0123"}
    )
    assert "begun with" not in page(training={"settings": {"epochs": 1}})


def test_how_strangers_stand_out(page):
    measured = {
        "streets": {"images": 280, "warned": 0.0, "auroc": None},
        "cats": {"images": 7, "warned": 1, "auroc": 0.987},
    }
    text = re.sub(r"\s+", " ", page(familiarity={"measured": measured}))
    assert "What it does not know" in text
    assert '<th scope="row">streets</th><td>280</td><td>0.0 %</td><td>–</td>' in text
    assert '<th scope="row">cats</th><td>7</td><td>100.0 %</td><td>0.9870</td>' in text
    assert "What it does not know" not in page(familiarity={})


def test_the_shipped_card(page, repository):
    document = json.loads((repository / "model/artifacts/unet/card.json").read_text("utf-8"))
    text = page(**document)
    for name, scores in document["scores"].items():
        assert f'<th scope="col">{name}</th>' in text
        for iou in scores["iou"].values():
            assert f"{iou:.4f}" in text
    assert f"{document['parameters']:,}" in text
    assert "A U-Net that labels every pixel" in text
    assert "It looks at each photograph at its input size, and again at 1/2 of it, and mixes" in text
    assert all(each in html.unescape(text) for each in document["limitations"])
    assert 'href="https://www.cityscapes-dataset.com/license/"' in text
    assert text.count("<li>") == len(document["limitations"])


BARE = [{}, {"scores": None}, {"scores": {"validation": None}}, {"scores": {"validation": {"mean_iou": None}}}]


def test_each_network_of_an_ensemble_tells_of_its_own_run(page):
    members = [
        {"version": f"unet-{name}", "training": {"samples": 7, "settings": {"height": height}}}
        for name, height in (("aaaa", 320), ("bbbb", 384))
    ]
    # The first is asked about a smaller image too.
    members.append(members[0] | {"reduction": 2})
    text = page(training={"settings": {"height": 448}, "members": members})
    assert "2 networks that answer as one and label every pixel" in text
    assert "categories. It looks at each photograph at its input size, and again at 1/2 of it, and mixes" in text
    for name, height in (("aaaa", 320), ("bbbb", 384)):
        assert f"Settings of unet-{name}</summary>\n      <dl><dt>height</dt><dd>{height}</dd></dl>" in text
        assert text.count(f"Settings of unet-{name}") == 1
    # What the joined network is shown is no setting of a run.
    assert "<dd>448</dd>" not in text
    alone = page(training={"settings": {"height": 320}})
    assert "A U-Net that labels every pixel" in alone
    assert "It looks at each photograph" not in alone


@pytest.mark.parametrize(
    "members",
    [
        *BARE,
        {"training": {"members": [None, {"training": None}, {"reduction": []}]}},
        {"training": None, "terms": None, "limitations": None, "precisions": None},
    ],
)
def test_a_card_may_lack_anything(page, members):
    assert "Model card" in page(**members)


def test_what_is_unknown_is_said(page):
    text = page(scores={}, training={}, terms={})
    assert "Not measured yet." in text
    assert text.count("Not described yet.") == 3


def test_what_a_card_says_is_text(page):
    text = page(limitations=["<script>alert(1)</script>"], terms={"<b>": 'javascript:alert(1) http://example.org/"x'})
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert not re.search(r'href="javascript', text)
    assert 'href="http://example.org/"' in text


def test_folders_are_cut_off_the_page_too(page):
    assert "/home/someone" not in page(training={"settings": {"data": ["/home/someone/data/cityscapes"]}})


def test_rows_have_a_value_for_each_set():
    document = {"scores": {"one": {"iou": {"flat": 0.5}}, "two": {"iou": {"flat": 1, "sky": None}}, "none": {}}}
    assert card.score_rows(document) == [card.Row(categories.CATEGORIES[1], [0.5, 1.0])]


def test_confusion_is_of_the_rows_pixels():
    counts = [row.copy() for row in ONE_EACH]
    counts[1] = [0, 3, 1, 0, 0, 0, 0, 0]
    counts[5] = [0] * 8
    (found,) = card.confusions({"scores": {"validation": {"confusion": counts}}})
    assert found.of == "validation"
    assert found.shares[1][:3] == [0, 0.75, 0.25]
    assert found.shares[5] == [None] * 8


def test_confusion_with_void_is_preferred():
    entry = {"confusion": [[0] * 8] * 8, "confusion_with_void": ONE_EACH}
    assert card.confusions({"scores": {"validation": entry}})[0].shares[0][0] == 1


@pytest.mark.parametrize("scores", [{}, {"validation": {}}, {"validation": {"confusion": [[1]]}}])
def test_no_confusion(scores):
    assert card.confusions({"scores": scores}) == []


def test_every_set_has_its_confusion_all_but_the_first_folded(page):
    entries = {name: {"confusion_with_void": ONE_EACH} for name in ("validation", "full-resolution", "camvid")}
    text = page(scores=entries)
    for name in entries:
        assert f'aria-label="Confusion, {name}"' in text
    folded = re.findall(r"<details>\s*<summary>Confusion, ([\w-]+)</summary>", text)
    assert folded == ["full-resolution", "camvid"]


def corrupted(name: str, strength: int, word: str, mean: float | None) -> dict:
    kept = None if mean is None else mean / 0.8
    return {
        "corruption": name,
        "strength": strength,
        "word": word,
        "mean_iou": mean,
        "kept": kept,
        "iou": {"sky": mean},
    }


ROBUST = {
    "images": 3,
    "data": "streets",
    "split": "val",
    "engine": "openvino f32",
    "command": "python -m model evaluate --corruptions fog,rain",
    "clean": {"mean_iou": 0.8, "iou": {"flat": 0.9, "sky": 0.7}},
    "rows": [
        corrupted("fog", 3, "strong", 0.2),
        corrupted("fog", 2, "moderate", 0.6),
        corrupted("rain", 2, "moderate", None),
    ],
}


def test_robustness_is_a_table_by_strength_and_category():
    found = card.robustness({"robustness": {"validation": ROBUST}})["validation"]
    assert (found.words, found.shown) == (["moderate", "strong"], "moderate")
    assert [category.name for category in found.categories] == ["flat", "sky"]
    assert found.rows == [
        ("clean", [(0.8, None), (0.8, None)], [0.9, 0.7]),
        ("fog", [(0.6, pytest.approx(0.75)), (0.2, pytest.approx(0.25))], [None, 0.6]),
        ("rain", [(None, None), (None, None)], [None, None]),
    ]


def test_without_moderate_the_strongest_is_shown_by_category():
    rows = [corrupted("fog", 1, "mild", 0.7), corrupted("fog", 3, "strong", 0.3)]
    found = card.robustness({"robustness": {"validation": ROBUST | {"rows": rows}}})["validation"]
    assert found.shown == "strong"
    assert found.rows[1].iou == [None, 0.3]


def test_robustness_stands_on_the_page(page):
    text = page(robustness={"validation": ROBUST})
    assert "<h2>Robustness</h2>" in text
    assert re.search(r'<th scope="row">fog</th>\s*<td>0.6000 <small>75 %</small></td>', text)
    assert "python -m model evaluate --corruptions fog,rain" in text
    assert "each category's IoU at moderate strength" in html.unescape(text)


@pytest.mark.parametrize(
    "robustness",
    [None, [], {"validation": None}, {"validation": {"rows": None}}, {"validation": {"rows": [{"strength": 2}, 7]}}],
)
def test_a_card_may_lack_robustness(page, robustness):
    assert "<h2>Robustness</h2>" not in page(robustness=robustness)


def test_robustness_may_lack_what_it_was_measured_on(page):
    assert "<h2>Robustness</h2>" in page(robustness={"bare": {"rows": [{"corruption": "fog", "strength": 1}]}})


def test_addresses_stand_apart_from_the_words_around_them():
    (parts,) = card.terms({"terms": {"data": "See https://example.org/a, or ask."}}).values()
    assert parts == [("See ", False), ("https://example.org/a", True), (", or ask.", False)]
