"""`explore`: a data set in, its numbers and its page out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import categories
from model.data.exploration import alignment, choosing, leaks, statistics, weights
from model.data.exploration.gathering import Collection, gather
from model.data.exploration.page import page
from model.data.samples import Sample

SAMPLES = 12
OUTLIERS = 12
DATA_SETS = {"cityscapes": ("city", "cities"), "camvid": ("film", "films")}
_GROUPS = ("group", "groups")


class Exploration(NamedTuple):
    """What was found: the numbers, plain enough for JSON, and the page as one HTML document."""

    numbers: dict
    html: str


def explore(
    splits: Mapping[str, Sequence[Sample]], *, title: str, layout: str = "", command: str = "", workers: int = 2
) -> Exploration:
    """Explore a data set.

    Args:
        splits: samples by name of their split, none empty; weights are suggested for the first.
        title: of the page.
        layout: name of the data set's layout; tells what to call its groups.
        command: that repeats this, for the page's foot.
        workers: threads that read and measure.

    Returns:
        Numbers and page.

    Raises:
        ValueError: no samples, or one that can't be read, or a split without a labelled pixel; the message names it.
            Or `workers` is below 1.
    """
    collection = gather(splits, workers=workers)
    _refuse_unlabelled(collection)
    found = leaks.between_splits(collection)
    numbers = measure_all(collection, found)
    words = DATA_SETS.get(layout, _GROUPS)
    return Exploration(numbers, page(collection, numbers, found, title=title, words=words, command=command))


def _refuse_unlabelled(collection: Collection) -> None:
    for index, split in enumerate(collection.splits):
        own = collection.counts[collection.split == index]
        if not own.any():
            raise ValueError(
                f"The split {split!r} has no labelled pixel in its {len(own)} images. Expected masks with categories: "
                "label them, or name the other splits by --split."
            )


def measure_all(collection: Collection, found: Sequence[leaks.Leak]) -> dict:
    """Return every number of the report, ready for JSON."""
    names = collection.names()
    everything = np.ones(len(names), bool)
    trained = collection.split == 0
    return {
        "categories": list(categories.NAMES),
        "all": statistics.shares(collection, everything),
        "splits": statistics.by_split(collection),
        "groups": statistics.by_group(collection),
        "places": statistics.places(collection),
        "things": statistics.thing_sizes(collection),
        "images_with_official_instances": collection.official,
        "together": statistics.together(collection),
        "light": statistics.light(collection),
        "mask_offset": _mask_offset(collection),
        "representatives": [
            {"name": names[one.index], "stands_for": one.stands_for, "index": one.index}
            for one in choosing.representatives(collection.composition, count=SAMPLES)
        ],
        "outliers": [
            {"name": names[one.index], "distance": one.distance, "why": one.sentence(), "index": one.index}
            for one in choosing.outliers(collection.composition, count=OUTLIERS)
        ],
        "leaks": leaks.as_numbers(list(found), names),
        "groups_in_several_splits": leaks.groups_in_several(collection),
        "category_weights": {scheme: weights.suggest(collection.counts[trained], scheme) for scheme in weights.SCHEMES},
        "images": statistics.images(collection),
    }


def _mask_offset(collection: Collection) -> dict[str, float] | None:
    """Pixels by which masks lie right of and below their images, and the mean of both; None where it can't be told."""
    found = alignment.offset(collection.edges)
    return None if found is None else {"right": found[0], "below": found[1], "mean": sum(found) / 2}


def write(exploration: Exploration, *, html: Path, numbers: Path | None = None) -> None:
    """Write the page, and the numbers where a path is given; their folders are made."""
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(exploration.html, "utf-8")
    if numbers is not None:
        numbers.parent.mkdir(parents=True, exist_ok=True)
        numbers.write_text(json.dumps(exploration.numbers) + "\n", "utf-8")
