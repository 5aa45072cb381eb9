"""The model card -> what a page shows of it. A card may lack any part; what is missing is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from model.categories import CATEGORIES, Category

# An absolute path up to its last part; addresses (https://...) and relative paths are left alone.
_FOLDERS = re.compile(r"(?<![\w/.:~-])/(?:[^\s/\"']+/)+")
_ADDRESS = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;)])")


class Row(NamedTuple):
    """A category's line of the table of scores: a value for each set, None where it has none."""

    category: Category
    iou: list[float | None]


class Confusion(NamedTuple):
    """Where the pixels of each category went.

    Attributes:
        of: name of the set of scores.
        categories: of rows (what it is) and columns (what it is called) alike.
        shares: share of the row's pixels, 0 to 1; a row of None where there are none.
    """

    of: str
    categories: list[Category]
    shares: list[list[float | None]]


class Text(NamedTuple):
    """A piece of text, and whether it is an address."""

    text: str
    is_address: bool


def public(value: Any) -> Any:
    """Cut the folders off absolute paths in a card: how the trainer's disk is laid out concerns nobody."""
    if isinstance(value, Mapping):
        return {name: public(member) for name, member in value.items()}
    if isinstance(value, list):
        return [public(member) for member in value]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value


def score_sets(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the sets of scores by name, without those that hold nothing."""
    sets = _mapping(card.get("scores"))
    return {name: entry for name, entry in sets.items() if isinstance(entry, Mapping) and entry}


def score_rows(card: Mapping[str, Any]) -> list[Row]:
    """Return the official IoU of each category that any set has a score for, by category id."""
    sets = list(score_sets(card).values())
    rows = []
    for category in CATEGORIES:
        values = [_number(_mapping(entry.get("iou")).get(category.name)) for entry in sets]
        if any(value is not None for value in values):
            rows.append(Row(category, values))
    return rows


def confusion(card: Mapping[str, Any]) -> Confusion | None:
    """Return the confusion of the first set that has one, void included where that was counted."""
    for name, entry in score_sets(card).items():
        counts = entry.get("confusion_with_void") or entry.get("confusion")
        if isinstance(counts, list) and len(counts) == len(CATEGORIES):
            shares = [_shares(row) for row in counts]
            return Confusion(name, list(CATEGORIES), shares)
    return None


def precisions(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what is known of each precision, by name."""
    return {name: entry for name, entry in _mapping(card.get("precisions")).items() if isinstance(entry, Mapping)}


def settings(card: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of the training as text, by name."""
    chosen = _mapping(_mapping(card.get("training")).get("settings"))
    return {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in chosen.items()
    }


def limitations(card: Mapping[str, Any]) -> list[str]:
    """Return what the network cannot do, as its card says."""
    found = card.get("limitations")
    return [str(each) for each in found] if isinstance(found, list) else []


def terms(card: Mapping[str, Any]) -> dict[str, list[Text]]:
    """Return the terms of use by what they are of, addresses (http, https) apart from the words around them."""
    return {
        name: [Text(part, bool(number % 2)) for number, part in enumerate(_ADDRESS.split(str(text))) if part]
        for name, text in _mapping(card.get("terms")).items()
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _shares(counts: list[int]) -> list[float | None]:
    total = sum(counts)
    return [count / total if total else None for count in counts]
