"""The category table against the official Cityscapes scripts."""

from __future__ import annotations

import numpy as np
import pytest

from model import categories

EXPORTED = (0, 7, 11, 17, 21, 23, 24, 26)


@pytest.fixture(scope="module")
def official():
    """The official label table, an oracle that this project did not write."""
    return pytest.importorskip("cityscapesscripts.helpers.labels", reason="cityscapesscripts is not installed")


def test_every_official_label_is_in_the_table_with_its_name_category_and_scoring(official):
    theirs = [(label.id, label.name, label.category, bool(label.ignoreInEval)) for label in official.labels]
    assert [tuple(label) for label in categories.CITYSCAPES_LABELS] == theirs


def test_category_ids_are_the_official_ones(official):
    theirs = {label.category: label.categoryId for label in official.labels}
    assert {category.name: category.id for category in categories.CATEGORIES} == theirs


def test_every_color_is_the_official_color_of_a_label_of_its_category(official):
    for category in categories.CATEGORIES:
        theirs = {label.color for label in official.labels if label.category == category.name}
        assert category.color in theirs


def test_the_palette_is_the_categories_colors_by_id():
    assert categories.PALETTE.dtype == np.uint8
    assert [tuple(color) for color in categories.PALETTE.tolist()] == [item.color for item in categories.CATEGORIES]
    assert len({item.color for item in categories.CATEGORIES}) == categories.COUNT


def test_exported_labels_belong_to_their_category_and_are_scored_but_for_void(official):
    for category in categories.CATEGORIES:
        label = official.id2label[category.export_label_id]
        assert label.category == category.name
        assert label.ignoreInEval == (category.id == categories.VOID)


def test_every_official_label_maps_to_its_category(official):
    ids = np.array([[label.id % 256 for label in official.labels]], np.uint8)
    labels = categories.from_label_ids(ids)
    assert labels.dtype == np.uint8
    assert labels.shape == ids.shape
    assert labels[0].tolist() == [label.categoryId for label in official.labels]


def test_scored_is_what_the_official_evaluation_does_not_ignore(official):
    ids = np.array([label.id % 256 for label in official.labels], np.uint8)
    assert categories.scored(ids).tolist() == [not label.ignoreInEval for label in official.labels]


def test_to_label_ids_writes_one_scored_id_per_category():
    assert categories.to_label_ids(np.arange(8, dtype=np.uint8)).tolist() == list(EXPORTED)


def test_to_label_ids_is_undone_by_from_label_ids():
    labels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    np.testing.assert_array_equal(categories.from_label_ids(categories.to_label_ids(labels)), labels)


@pytest.mark.parametrize("unknown", [34, 100, 254])
def test_an_unknown_label_id_is_refused_by_name(unknown):
    label_ids = np.array([[7, unknown], [unknown, 23]], np.uint8)
    with pytest.raises(ValueError, match=rf"Unknown label ids \[{unknown}\]"):
        categories.from_label_ids(label_ids)


def test_all_unknown_label_ids_are_listed_in_order():
    with pytest.raises(ValueError, match=r"\[34, 40, 200\]"):
        categories.from_label_ids(np.array([200, 34, 40, 34], np.uint8))


def test_names_stand_at_the_index_of_their_id():
    assert [category.id for category in categories.CATEGORIES] == list(range(categories.COUNT))
    assert categories.NAMES[categories.VOID] == "void"
    assert categories.IGNORE not in range(categories.COUNT)
