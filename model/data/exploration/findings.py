"""The sentences at the top of the report: what somebody who reads nothing else should know."""

from __future__ import annotations

from model import categories
from model.reports import number, percent

_LARGE_RATIO = 1.25  # between splits; nearer shares are told as alike
_LARGE_OFFSET = 0.25  # pixels; the edges of real photographs do not tell less
_DRAWN = categories.NAMES[1:]  # void is what is left over


def findings(numbers: dict, *, groups: str) -> list[tuple[str, str]]:
    """Tell what matters most.

    Args:
        numbers: as `exploring.explore` returns them.
        groups: what the groups are called, such as `cities`.

    Returns:
        (heading, sentence) pairs.
    """
    told = [
        _balance(numbers["all"]),
        _absence(numbers["all"]),
        _splits(numbers["splits"]),
        _things(numbers["things"]),
        _leaks(numbers, groups),
        _offset(numbers["mask_offset"]),
        _unlabelled(numbers["all"]),
    ]
    return [one for one in told if one is not None]


def _balance(shares: dict) -> tuple[str, str] | None:
    own = {name: shares["pixel_share"][name] for name in _DRAWN if shares["pixel_share"][name]}
    if len(own) < 2:
        return None
    most, least = max(own, key=own.get), min(own, key=own.get)
    return (
        f"{least.capitalize()} is rare",
        f"{percent(own[least])} of the pixels, where {most} has {percent(own[most])}: "
        f"{number(own[most] / own[least])} times as many. The suggested weights below are for that.",
    )


def _absence(shares: dict) -> tuple[str, str] | None:
    least = min(_DRAWN, key=shares["image_share"].get)
    if shares["image_share"][least] == 1:
        return "Everything is everywhere", "Each image has at least one pixel of each category."
    missing = 1 - shares["image_share"][least]
    return (
        f"{percent(missing, 0 if missing >= 0.01 else 1)} of the images have no {least}",
        "The most often absent category. Its score on a single image says little.",
    )


def _splits(splits: dict[str, dict]) -> tuple[str, str] | None:
    if len(splits) < 2:
        return None
    (first, base), *others = splits.items()
    ratios = [
        (own["pixel_share"][name] / base["pixel_share"][name], name, other)
        for other, own in others
        for name in _DRAWN
        if base["pixel_share"][name] and own["pixel_share"][name]
    ]
    if not ratios:
        return None
    ratio, name, other = max(ratios, key=lambda found: max(found[0], 1 / found[0]))
    if max(ratio, 1 / ratio) < _LARGE_RATIO:
        return "The splits are alike", f"No category's share of pixels differs by a quarter between {_listed(splits)}."
    more = ratio if ratio > 1 else 1 / ratio
    rich, poor = (other, first) if ratio > 1 else (first, other)
    return (
        f"{rich.capitalize()} has {more:.1f} times as much {name} as {poor}",
        f"{percent(splits[rich]['pixel_share'][name])} of the pixels against "
        f"{percent(splits[poor]['pixel_share'][name])}: the largest difference between the splits.",
    )


def _things(things: dict[str, dict]) -> tuple[str, str] | None:
    there = {name: own for name, own in things.items() if own["count"]}
    if not there:
        return None
    name = max(there, key=lambda which: there[which]["small_share"])
    own = there[name]
    return (
        f"{percent(own['small_share'], 0)} of the {name} instances are smaller than 16×16 pixels",
        f"Half of all {number(own['count'])} are under {number(own['pixels'][1])} pixels, or "
        f"{percent(own['height_share'][1], 0)} of the image's height. Reducing the images loses them first.",
    )


def _leaks(numbers: dict, groups: str) -> tuple[str, str] | None:
    if len(numbers["splits"]) < 2:
        return None
    same = sum(len(leak["same_picture"]) for leak in numbers["leaks"])
    compared = sum(leak["compared"] for leak in numbers["leaks"])
    shared = numbers["groups_in_several_splits"]
    also = f" In more than one split: {_listed(shared)}." if shared else ""
    if same:
        pairs = "pair is" if same == 1 else "pairs are"
        return f"{number(same)} {pairs} one picture in two splits", f"Scores taken there are flattered.{also}"
    if shared:
        verb = "is" if len(shared) == 1 else "are"
        return (
            f"{len(shared)} of {len(numbers['groups'])} {groups} {verb} in several splits",
            f"{_listed(shared)}: images of one look alike, so scores taken there are flattered. No single picture is "
            f"in two splits, of {number(compared)} pairs.",
        )
    return "No picture is in two splits", f"{number(compared)} pairs were compared."


def _offset(found: dict[str, float] | None) -> tuple[str, str] | None:
    if found is None or abs(found["mean"]) < _LARGE_OFFSET:
        return None
    where = "right of and below" if found["mean"] > 0 else "left of and above"
    return (
        f"Masks lie {abs(found['mean']):.1f} pixels {where} their images",
        "As if they had been reduced from the corner of each cell and not from its centre. What is flipped in training "
        f"then has its labels on the other side of each edge: train and evaluate with --label-offset, "
        f"{found['mean']:.2f} pixels.",
    )


def _unlabelled(shares: dict) -> tuple[str, str] | None:
    if not shares["without_ground_truth"]:
        return None
    return (
        f"{percent(shares['without_ground_truth'])} of the pixels have no ground truth",
        "They are left out of all shares here, and of training and scoring.",
    )


def _listed(names: list[str] | dict[str, dict]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
