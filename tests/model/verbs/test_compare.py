"""The command that a comparison's report gives away repeats it."""

from __future__ import annotations

import argparse
import shlex

import pytest

from model.training.comparison.entries import split_entry
from model.verbs import compare, train


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    return parser.parse_args(list(words))


@pytest.mark.parametrize(
    "words",
    [
        ["--network", "unet", "--entry", "a: --loss dice", "--entry", "b: --loss lovasz"],
        ["--entry", "segnet", "--entry", "unet", "--epochs", "3", "--data", "x", "--data", "y z"],
        # Neither half of these fits by itself.
        ["--min-scale", "0.5", "--entry", "a: --network unet --max-scale 2"],
        ["--network", "unet", "--encoder-weights", "w.h5", "--entry", "a: --network mobilenetv2_unet"],
    ],
)
def test_the_command_gives_the_same_flags(words):
    options = parsed(*words)
    again = parsed(*shlex.split(compare._command(options, options.entry).replace("\\\n", " "))[4:])
    assert _entries(again) == _entries(options)


def test_a_network_that_every_entry_names_for_itself_is_not_repeated():
    options = parsed("--entry", "segnet", "--entry", "b: --network unet")
    assert "mobilenetv2_unet" not in compare._command(options, options.entry)


def _entries(options: argparse.Namespace) -> list[dict]:
    """Return what each entry is trained with."""
    return [train.given(compare._overridden(options, split_entry(text)[1])) for text in options.entry]
