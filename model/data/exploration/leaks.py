"""What is in two splits and should be in one: whole cities, and single pictures.

Array contract: see `model.data.exploration.gathering`.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from model.data.exploration.duplicates import SAME_PICTURE, SAME_PLACE, Pair, Search, search
from model.data.exploration.gathering import Collection


class Leak(NamedTuple):
    """What was found between two splits: their names, and the search with its pairs, best first."""

    first: str
    second: str
    found: Search

    def pictures(self) -> list[Pair]:
        """Return the pairs that are one picture."""
        return [pair for pair in self.found.pairs if pair.correlation >= SAME_PICTURE]

    def places(self) -> list[Pair]:
        """Return the pairs that seem to show one place moments apart."""
        return [pair for pair in self.found.pairs if SAME_PLACE <= pair.correlation < SAME_PICTURE]


def between_splits(collection: Collection) -> list[Leak]:
    """Look for the pictures of each split in each other."""
    return [
        Leak(
            collection.splits[first],
            collection.splits[second],
            search(collection.small, *(np.flatnonzero(collection.split == split) for split in (first, second))),
        )
        for first, second in combinations(range(len(collection.splits)), 2)
    ]


def groups_in_several(collection: Collection) -> list[str]:
    """Name the cities or films that are in more than one split; none where there is only one."""
    if len(collection.groups) == 1:
        return []
    return [
        name
        for index, name in enumerate(collection.groups)
        if len(np.unique(collection.split[collection.group == index])) > 1
    ]


def as_numbers(leaks: list[Leak], names: list[str]) -> list[dict]:
    """Return all that was found and how hard was looked, for JSON."""
    return [
        {
            "splits": [leak.first, leak.second],
            "compared": leak.found.compared,
            "confirmed": leak.found.confirmed,
            "closest": leak.found.pairs[0].correlation if leak.found.pairs else None,
            "same_picture": [_pair(pair, names) for pair in leak.pictures()],
            "same_place": [_pair(pair, names) for pair in leak.places()],
        }
        for leak in leaks
    ]


def _pair(pair: Pair, names: list[str]) -> dict:
    return {
        "images": [names[pair.first], names[pair.second]],
        "correlation": round(pair.correlation, 4),
        "mirrored": pair.mirrored,
    }
