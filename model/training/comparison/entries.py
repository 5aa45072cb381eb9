"""What is compared: entries, each a network with its recipe, and the budget that all of them share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.training.settings import Settings

BUDGET = (
    *("data", "validation", "validation_images", "epochs", "epoch_images"),
    *("height", "width", "crop_height", "crop_width"),
)
"""The settings that no entry may have for itself: which images, how many of them, and how many pixels of each."""

RESULT_FILE = "result.json"


@dataclass(frozen=True)
class Entry:
    """One line of the comparison.

    Attributes:
        label: what people call it, unique in its comparison.
        settings: how it is trained.
    """

    label: str
    settings: Settings

    @property
    def slug(self) -> str:
        """The label as a folder name: lower case, and a hyphen for all that is no letter, digit or underscore."""
        return re.sub(r"[^a-z0-9_]+", "-", self.label.lower()).strip("-")

    def folder(self, out: Path) -> Path:
        """Return where below `out` its run, its artifact and its result are."""
        return out / self.slug


def split_entry(text: str) -> tuple[str, str]:
    """Take `LABEL: FLAGS`, or the name of a network alone, apart.

    Args:
        text: as on the command line, such as `"segnet"` or `"with Lovasz: --network segnet --loss lovasz"`.

    Returns:
        Label and flags of `python -m model train`.

    Raises:
        ValueError: there is no label, or flags without one.
    """
    label, colon, flags = (part.strip() for part in text.partition(":"))
    if not colon and not label.startswith("-") and label and " " not in label:
        return label, f"--network {label}"
    # A label may come before any flags; flags with a colon in them, such as a Windows path, are behind the first one.
    if not colon or not re.search(r"\w", label) or label.startswith("-") or not flags:
        raise ValueError(
            f"--entry is {text!r}. Expected the name of a network, or 'LABEL: FLAGS' with flags of `python -m model "
            "train`, such as 'with Lovasz: --network segnet --loss lovasz'."
        )
    return label, flags


def check(entries: Sequence[Entry]) -> None:
    """See that a comparison compares.

    Args:
        entries: in the order in which they are trained.

    Raises:
        ValueError: there is none, two share a label or a folder, or one has another budget than the first, would see
            another number of crops, or might stop early.
    """
    if not entries:
        raise ValueError("Received no entries. Expected at least one --entry.")
    slugs = [entry.slug for entry in entries]
    for entry in entries:
        if slugs.count(entry.slug) > 1:
            raise ValueError(
                f"The entry {entry.label!r} would share the folder {entry.slug!r} with another. Expected labels that "
                "differ in letters and digits: give each --entry a label of its own."
            )
    for entry in entries:
        if entry.settings.patience:
            raise ValueError(
                f"The entry {entry.label!r} has --patience {entry.settings.patience}, with which it may see less than "
                "the others. Expected one budget for all: leave --patience out."
            )
    first = entries[0]
    for entry in entries[1:]:
        differing = [name for name in BUDGET if getattr(entry.settings, name) != getattr(first.settings, name)]
        if differing:
            name = differing[0]
            raise ValueError(
                f"The entry {entry.label!r} has {name} {getattr(entry.settings, name)!r}, {first.label!r} has "
                f"{getattr(first.settings, name)!r}. Expected one budget for all: give --{name.replace('_', '-')} "
                "once, outside the entries."
            )
        if _crops(entry) != _crops(first):
            raise ValueError(
                f"The entry {entry.label!r} would see {_crops(entry)} crops an epoch, {first.label!r} {_crops(first)}: "
                "only full batches are shown. Expected one budget for all: make --epoch-images a multiple of every "
                "--batch-size."
            )


def _crops(entry: Entry) -> int:
    """Return how many crops an epoch of `--epoch-images` shows; of all images, a batch more or less is let pass."""
    settings = entry.settings
    return settings.epoch_images // settings.batch_size * settings.batch_size
