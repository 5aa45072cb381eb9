"""The page holds everything it shows, describes it for those who can't see it, and shows what is in the JSON."""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from model import categories
from model.data import camvid, synthetic
from model.data.augmentation import PRESETS, create
from model.data.augmentation.previews import CROP, REFERENCE, preview
from model.data.exploration import figures, pictures, weights
from model.data.exploration import page as told
from model.data.exploration.exploring import Exploration, explore, write
from model.data.samples import Example, Sample
from model.verbs import train

VOID_TAGS = {"meta", "link", "img", "br"}


class _Reader(HTMLParser):
    """Keeps the tags with their attributes, and the text; fails where tags are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _named(sample: Sample, name: str) -> Sample:
    return Sample(name, None, None, sample.load)


@pytest.fixture(scope="module")
def found() -> Exploration:
    """Six scenes of two cities, one of them in both splits, and one picture as well."""
    scenes = synthetic.samples("train", count=6, size=(96, 192))
    train = [_named(scene, f"ulm_{index}") for index, scene in enumerate(scenes[:3])]
    val = [_named(scene, f"bonn_{index}") for index, scene in enumerate(scenes[3:])]
    return explore(
        {"train": train, "val": [*val, _named(scenes[0], "ulm_copy")]},
        title="<my> streets",
        layout="cityscapes",
        command="python -m model explore",
    )


@pytest.fixture(scope="module")
def page(found) -> _Reader:
    reader = _Reader()
    reader.feed(found.html)
    assert reader.open == []
    return reader


def test_nothing_is_loaded_from_anywhere_and_nothing_runs(page):
    sources = [attributes[name] for _, attributes in page.tags for name in ("src", "href") if name in attributes]
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "script" not in {tag for tag, _ in page.tags}


def test_every_picture_is_described(page):
    described = [attributes.get("alt", "") for tag, attributes in page.tags if tag == "img"]
    assert len(described) > 30
    assert all(len(text) > 5 for text in described)


def test_every_preset_of_augmentation_is_shown_on_the_same_images(found, page):
    shown = [attributes["alt"] for tag, attributes in page.tags if tag == "img" and " under " in attributes["alt"]]
    presets = {"none": 1, "light": 1, "standard": 1, "strong": 2, "all_weather": 2}
    names = [one["name"] for one in found.numbers["representatives"][: len(shown) // sum(presets.values())]]
    assert len(names) >= 2
    for preset, views in presets.items():
        expected = [f"{name} under {preset}, view {view + 1}" for view in range(views) for name in names]
        assert [text for text in shown if f" under {preset}" in text] == expected


def test_the_views_are_those_that_training_makes():
    examples = [sample.read() for sample in synthetic.samples("train", count=3, size=(96, 192))]
    for preset in PRESETS:
        view = preview(examples, preset, view=1)[2]
        made, _ = create(preset, crop=CROP).apply(
            examples[2].image,
            examples[2].labels,
            reference=REFERENCE,
            random=np.random.default_rng((1, 2)),
            donor=lambda: examples[0],
        )
        np.testing.assert_array_equal(view, made)
    assert not np.array_equal(preview(examples, "light", view=0)[0], preview(examples, "light", view=1)[0])


def test_every_preset_there_is_is_told_of():
    assert tuple(name for name, _, _ in told.PRESETS) == PRESETS


def test_the_sizes_of_views_are_those_that_train_begins_with():
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    options = parser.parse_args([])
    assert (options.crop_height, options.crop_width) == CROP
    assert (options.height, options.width) == REFERENCE


def test_the_title_is_escaped(found, page):
    assert "<my>" not in found.html
    assert "<my> streets" in page.text


def test_ids_are_unique_and_label_their_sections(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["aria-labelledby"] for tag, attributes in page.tags if tag == "section"} == set(ids)


def test_the_planted_leak_and_the_shared_city_are_shown(found, page):
    assert "1 picture is in both" in page.text
    assert "In more than one split: ulm." in page.text
    assert re.search(r"ulm_0 \(train\) and\s+ulm_copy \(val\)|ulm_copy \(val\) and\s+ulm_0 \(train\)", page.text)
    assert found.numbers["leaks"][0]["same_picture"][0]["images"] == ["ulm_0", "ulm_copy"]


def test_shares_on_the_page_are_exact_counts(found, page):
    labels = np.concatenate(
        [one.read().labels.ravel() for one in synthetic.samples("train", count=6, size=(96, 192))[:3]]
    )
    for name, count in zip(categories.NAMES, np.bincount(labels, minlength=8).tolist(), strict=True):
        assert found.numbers["splits"]["train"]["pixel_counts"][name] == count
        assert f"{count:,}" in page.text


def test_weights_are_given_as_a_flag_to_paste(found, page):
    for own in found.numbers["category_weights"].values():
        assert f"--category-weights {','.join(f'{weight:.4g}' for weight in own)}" in page.text


def test_weights_are_of_the_first_split_alone(found):
    counts = [one["pixel_counts"] for one in found.numbers["images"] if one["split"] == "train"]
    assert found.numbers["category_weights"] == {scheme: weights.suggest(counts, scheme) for scheme in weights.SCHEMES}


def test_the_same_set_gives_the_same_page_whatever_the_workers(sample):
    samples = [sample([[1, 2, 6], [1, 7, 5]], name=f"a_{index}") for index in range(3)]
    one, other = (explore({"train": samples}, title="x", workers=workers).html for workers in (1, 2))
    assert one == other


def test_a_set_without_people_or_a_second_split_or_city_has_a_page(sample):
    found = explore({"train": [sample([[1, 2, 255], [1, 1, 5]], name="plain")]}, title="x")
    reader = _Reader()
    reader.feed(found.html)
    assert "How large people" not in reader.text
    assert "Leaks between" not in reader.text
    assert "1 image that stands for all" in reader.text


def test_pixels_without_a_label_keep_the_photograph(sample):
    # All of it is without ground truth, so the overlay is the image itself.
    image = np.random.default_rng(0).integers(0, 256, (4, 8, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    uris = pictures.image_and_overlay(sample(np.full((64, 128), 255), image=image))
    assert uris[0] == uris[1]


def test_an_overlay_is_of_the_colours_of_the_categories(sample):
    labels = np.repeat([[1, 7]], 64, axis=1).repeat(64, axis=0)
    uri = pictures.image_and_overlay(sample(labels))[1]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))).astype(int)
    for column, category in ((32, 1), (96, 7)):
        expected = 0.35 * 100 + 0.65 * categories.PALETTE[category]
        np.testing.assert_allclose(shown[32, column], expected, atol=6)


def test_heat_maps_go_from_paper_to_the_category_colour_and_beyond():
    for category in categories.CATEGORIES:
        colors = figures.ramp(category.id).astype(int)
        assert colors[0].tolist() == [247, 247, 247]
        assert np.abs(colors[153] - category.color).max() <= 2
        assert (np.diff(colors.sum(axis=1)) <= 0).all()
    shown = figures.heat_map(np.array([[0.0, 0.2]]), 7)
    assert shown.tolist() == [[[247, 247, 247], [0, 0, 78]]]


def test_what_is_written_is_read_back(found, tmp_path):
    write(found, html=tmp_path / "a/b/report.html", numbers=tmp_path / "c/numbers.json")
    assert (tmp_path / "a/b/report.html").read_text("utf-8") == found.html
    read = json.loads((tmp_path / "c/numbers.json").read_text("utf-8"))
    assert read == found.numbers
    assert len(read["images"]) == 7


def test_a_split_without_a_labelled_pixel_is_named(sample):
    labelled, bare = sample([[1, 2, 6]], name="a"), sample([[255, 255, 255]], name="b")
    with pytest.raises(ValueError, match=r"split 'test' has no labelled pixel in its 2 images\. Expected.*--split"):
        explore({"train": [labelled], "test": [bare, bare]}, title="x")


def test_impossible_numbers_of_workers_are_refused(sample):
    with pytest.raises(ValueError, match=r"^--workers is 0\. Expected at least 1\.$"):
        explore({"train": [sample([[1, 2, 6]])]}, title="x", workers=0)


def test_an_unreadable_image_is_named(tmp_path):
    for folder in ("train", "trainannot"):
        (tmp_path / folder).mkdir()
    (tmp_path / "train/a.png").write_bytes(b"no image")
    (tmp_path / "trainannot/a.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a\.png can't be read"):
        explore({"train": camvid.samples(tmp_path, "train")}, title="x")


def test_images_of_several_sizes_are_told_by_their_bounds():
    labels = [np.ones(size, np.uint8) for size in ((64, 96), (80, 100))]
    samples = [
        Sample(f"a{index}", None, None, lambda own=own: Example(own[..., None].repeat(3, 2), own, own > 0))
        for index, own in enumerate(labels)
    ]
    assert "96×64 to 100×80" in explore({"train": samples}, title="x").html
