"""The model card -> what a page shows of it. A card may lack any part; what is missing is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from model.categories import CATEGORIES, Category

# An absolute path up to its last part; addresses (https://...) and relative paths are left alone.
_FOLDERS = re.compile(r"(?<![\w/.:~-])/(?:[^\s/\"']+/)+")
# The strength that is shown by category, where it was measured.
_MODERATE = 2
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


class Kept(NamedTuple):
    """A score under a corruption, 0 to 1, and the share of the clean one that it is."""

    mean_iou: float | None
    share: float | None


class Corrupted(NamedTuple):
    """A corruption's line: its scores by strength, and the IoU of each category at one of them."""

    name: str
    by_strength: list[Kept]
    iou: list[float | None]


class Robustness(NamedTuple):
    """What is kept on corrupted photographs.

    Attributes:
        about: images, data, split, engine and command, as the card has them.
        words: of the strengths, mildest first.
        shown: the word of the strength that is shown by category.
        categories: of the columns.
        rows: the clean photographs first.
    """

    about: Mapping[str, Any]
    words: list[str]
    shown: str
    categories: list[Category]
    rows: list[Corrupted]


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


def confusions(card: Mapping[str, Any]) -> list[Confusion]:
    """Return the confusion of each set that has one, void included where that was counted."""
    found = []
    for name, entry in score_sets(card).items():
        counts = entry.get("confusion_with_void") or entry.get("confusion")
        if isinstance(counts, list) and len(counts) == len(CATEGORIES):
            found.append(Confusion(name, list(CATEGORIES), [_shares(row) for row in counts]))
    return found


def precisions(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what is known of each precision, by name."""
    return {name: entry for name, entry in _mapping(card.get("precisions")).items() if isinstance(entry, Mapping)}


def robustness(card: Mapping[str, Any]) -> dict[str, Robustness]:
    """Return what is known of corrupted photographs, by the name of the table; tables without a row are left out."""
    found = {}
    for name, entry in _mapping(card.get("robustness")).items():
        rows = _mapping(entry).get("rows")
        whole = [row for row in rows if _is_row(row)] if isinstance(rows, list) else []
        if whole:
            found[name] = _table(_mapping(entry), whole)
    return found


def strangers(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return how pictures stand out from streets, by name: `images`, `warned` and `auroc`."""
    found = _mapping(_mapping(card.get("familiarity")).get("measured"))
    return {name: entry for name, entry in found.items() if isinstance(entry, Mapping) and entry}


def runs(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what is known of the training of each network that answers: one, or the members of an ensemble.

    Each is `training` of a card; a member also has `version`. What says no settings is left out.
    """
    whole = _mapping(card.get("training"))
    members = whole.get("members")
    if isinstance(members, list) and members:
        # One that is asked twice, about the image and about a smaller one, was trained once.
        known: dict[object, Mapping[str, Any]] = {}
        for number, each in enumerate(map(_mapping, members)):
            known.setdefault(str(each["version"]) if "version" in each else number, each)
        found = [{**_mapping(each.get("training")), "version": each.get("version")} for each in known.values()]
    else:
        found = [whole]
    return [run for run in found if _mapping(run.get("settings"))]


def reductions(card: Mapping[str, Any]) -> list[int]:
    """Return at which parts of its size the photograph is looked at besides: 2 for a half, rising."""
    members = _mapping(card.get("training")).get("members")
    found = [_mapping(each).get("reduction") for each in members] if isinstance(members, list) else []
    return sorted({each for each in found if isinstance(each, int) and each > 1})


def settings(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a run as text, by name."""
    chosen = _mapping(run.get("settings"))
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


def _is_row(row: object) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("strength"), int) and isinstance(row.get("corruption"), str)


def _table(entry: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> Robustness:
    found = {(row["corruption"], row["strength"]): row for row in rows}
    words = {row["strength"]: str(row.get("word", row["strength"])) for row in rows}
    strengths = sorted(words)
    shown = _MODERATE if _MODERATE in words else strengths[-1]
    columns = [
        category for category in CATEGORIES if category.name in _mapping(_mapping(entry.get("clean")).get("iou"))
    ]

    def iou(row: object) -> list[float | None]:
        return [_number(_mapping(_mapping(row).get("iou")).get(category.name)) for category in columns]

    def kept(row: object) -> Kept:
        return Kept(_number(_mapping(row).get("mean_iou")), _number(_mapping(row).get("kept")))

    clean = entry.get("clean")
    lines = [Corrupted("clean", [kept(clean)] * len(strengths), iou(clean))]
    for name in dict.fromkeys(row["corruption"] for row in rows):
        lines.append(
            Corrupted(name, [kept(found.get((name, each))) for each in strengths], iou(found.get((name, shown))))
        )
    return Robustness(entry, [words[each] for each in strengths], words[shown], columns, lines)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _shares(counts: list[int]) -> list[float | None]:
    total = sum(counts)
    return [count / total if total else None for count in counts]
