"""What may stand in one comparison."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from model.training.comparison.entries import Entry, check, split_entry
from model.verbs import train


@pytest.fixture
def settings():
    parser = argparse.ArgumentParser()
    train.add_recipe(parser)
    return train.settings(parser.parse_args([]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("segnet", ("segnet", "--network segnet")),
        ("with Lovasz: --loss lovasz", ("with Lovasz", "--loss lovasz")),
        ("other files:--data C:/streets", ("other files", "--data C:/streets")),
    ],
)
def test_an_entry_is_a_network_or_a_label_with_flags(text, expected):
    assert split_entry(text) == expected


@pytest.mark.parametrize(
    "text", ["", ":", "label:", ": --loss dice", "--loss dice", "two words", "--loss: dice", "?: -x"]
)
def test_an_entry_without_label_or_flags_is_refused(text):
    with pytest.raises(ValueError, match="Expected the name of a network, or 'LABEL: FLAGS'"):
        split_entry(text)


def test_a_label_becomes_a_folder_name(settings):
    assert Entry("FCN-8s, no augmentation (a/b)", settings).slug == "fcn-8s-no-augmentation-a-b"


def test_labels_of_one_folder_are_refused(settings):
    with pytest.raises(ValueError, match=r"The entry 'A b' would share the folder 'a-b'"):
        check([Entry("A b", settings), Entry("a-b", settings)])


@pytest.mark.parametrize(("name", "value"), [("epochs", 7), ("epoch_images", 9), ("crop_width", 96), ("data", ("x",))])
def test_another_budget_is_refused(name, value, settings):
    other = dataclasses.replace(settings, **{name: value})
    with pytest.raises(ValueError, match=f"The entry 'b' has {name} .* Expected one budget for all"):
        check([Entry("a", settings), Entry("b", other)])


def test_another_recipe_is_no_other_budget(settings):
    other = dataclasses.replace(settings, network="segnet", loss="lovasz", learning_rate=1e-3, batch_size=2)
    check([Entry("a", settings), Entry("b", other)])


def test_batches_that_leave_out_more_crops_than_others_are_refused(settings):
    first = dataclasses.replace(settings, epoch_images=160, batch_size=8)
    with pytest.raises(ValueError, match=r"'b' would see 128 crops an epoch, 'a' 160: only full batches"):
        check([Entry("a", first), Entry("b", dataclasses.replace(first, batch_size=64))])
    check([Entry("a", first), Entry("b", dataclasses.replace(first, batch_size=16))])


def test_an_entry_that_may_stop_early_is_refused(settings):
    with pytest.raises(ValueError, match=r"'b' has --patience 3, with which it may see less"):
        check([Entry("a", settings), Entry("b", dataclasses.replace(settings, patience=3))])


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="Expected at least one --entry"):
        check([])
