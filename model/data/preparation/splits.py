"""Which frame goes to train, val or test: by whole cities, and never one city to two of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from model.data import folders
from model.data.cityscapes import VALIDATION_CITIES
from model.data.preparation.frames import Frame
from model.data.preparation.problems import NO_IMAGE, NO_MASK, TWICE, Problems

SPLITS = ("train", "val", "test")
OFFICIAL = "official-"
"""Before the name of an official split, stands for all of its cities: `official-val`."""
DEFAULT_VAL = VALIDATION_CITIES
DEFAULT_TEST = (f"{OFFICIAL}val",)
_REST = "the rest of official-train"


@dataclass(frozen=True)
class Wishes:
    """Which cities a caller wants where: names of cities, or `official-train`, `official-val` for all of one.

    Attributes:
        train: None for those of official-train that no other split takes.
        val: None for aachen and zurich, as far as they are there.
        test: None for official-val, if it is there; empty for no test split.
    """

    train: tuple[str, ...] | None = None
    val: tuple[str, ...] | None = None
    test: tuple[str, ...] | None = None

    def told(self) -> dict[str, list[str]]:
        """Return the rule as JSON-ready words, by split."""
        return {
            "train": [_REST] if self.train is None else sorted(self.train),
            "val": sorted(DEFAULT_VAL if self.val is None else self.val),
            "test": sorted(DEFAULT_TEST if self.test is None else self.test),
        }


@dataclass(frozen=True)
class Assignment:
    """Frames by split, what was left out or is odd, in words, and the rule, as JSON-ready words by split."""

    splits: dict[str, list[Frame]]
    rule: dict[str, list[str]]
    notices: list[str] = field(default_factory=list)


def assign(frames: Sequence[Frame], wishes: Wishes, problems: Problems) -> Assignment:
    """Divide frames into splits.

    Args:
        frames: sorted; those that belong to no split are left out with a notice.
        wishes: of the caller, where the frames tell their city.
        problems: receives the frames of the splits that lack their image or their mask, and names that stand twice.

    Returns:
        The splits, `test` only where it has frames.

    Raises:
        ValueError: a city would go to two splits, or isn't there, or a split needed for training is empty.
    """
    if any(frame.city is not None for frame in frames):
        assignment = _by_city(frames, wishes)
    elif wishes != Wishes():
        raise ValueError("These images don't tell their city. Expected no --train-cities, --val-cities, --test-cities.")
    else:
        assignment = _by_folder(frames, problems)
    for split in ("train", "val"):
        if not assignment.splits.get(split):
            raise ValueError(
                f"No images for {split}. Expected some for train and for val: {_advice(frames)}, or add images."
            )
    for frame in (frame for chosen in assignment.splits.values() for frame in chosen):
        _note_missing(frame, problems)
    return assignment


def _by_city(frames: Sequence[Frame], wishes: Wishes) -> Assignment:
    _refuse_unknown(frames, wishes)
    named = {"val": DEFAULT_VAL if wishes.val is None else wishes.val}
    named["test"] = DEFAULT_TEST if wishes.test is None else wishes.test
    if wishes.train is not None:
        named["train"] = wishes.train
    splits: dict[str, list[Frame]] = {split: [] for split in SPLITS}
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    left_out: dict[str, int] = defaultdict(int)
    for frame in frames:
        words = {split: word for split in named for word in named[split] if _means(word, frame)}
        if not words and wishes.train is None and frame.origin == "train":
            words = {"train": _REST}
        asked[frame.city].update(words)
        for split in words:
            splits[split].append(frame)
        left_out[frame.origin] += not words
    _refuse_twice(asked)
    notices = [_left_out(origin, count) for origin, count in sorted(left_out.items()) if count]
    return Assignment({split: chosen for split, chosen in splits.items() if chosen}, wishes.told(), notices)


def _means(word: str, frame: Frame) -> bool:
    return word in (frame.city, OFFICIAL + frame.origin)


def _refuse_unknown(frames: Sequence[Frame], wishes: Wishes) -> None:
    """Refuse a city that was asked for and isn't there; of the defaults, some may be missing."""
    known = {frame.city for frame in frames} | {OFFICIAL + frame.origin for frame in frames}
    for split in SPLITS:
        missing = sorted(set(getattr(wishes, split) or ()) - known)
        if missing:
            raise ValueError(
                f"--{split}-cities names {', '.join(missing)}, which the data set does not have. "
                f"Expected some of: {', '.join(sorted(known))}."
            )


def _refuse_twice(asked: dict[str, dict[str, str]]) -> None:
    twice = [
        f"{city}: in {' and in '.join(f'{split} ({word})' for split, word in words.items())}"
        for city, words in sorted(asked.items())
        if len(words) > 1
    ]
    if twice:
        raise ValueError(
            f"{len(twice)} cities would be in two splits:\n  " + "\n  ".join(twice) + "\n"
            "Frames of one city look alike, so a score taken on a city that was trained on says too much. Expected "
            "every city in one split: change --train-cities, --val-cities or --test-cities, or the folders."
        )


def _left_out(origin: str, count: int) -> str:
    if origin == "test":
        return f"official-test: {count} images left out; its published masks are placeholders without categories"
    return f"{OFFICIAL}{origin}: {count} images are in no split, since no city of theirs is asked for"


def _by_folder(frames: Sequence[Frame], problems: Problems) -> Assignment:
    """Take the folders' own splits, or hold out a share by the hash of the name where there are none."""
    splits = {split: [frame for frame in frames if frame.origin == split] for split in SPLITS}
    splits = {split: told for split, told in splits.items() if told}
    if splits:
        beside = [frame.origin for frame in frames if frame.origin not in SPLITS]
        of = f": of {', '.join(sorted(set(beside) - {''}))}" if any(beside) else ""
        notices = [f"{len(beside)} images beside the folders of the splits are left out{of}"] if beside else []
        return Assignment(splits, {split: [f"the folder {split}"] for split in splits}, notices)
    _note_twice(frames, problems)
    share = f"{folders.VALIDATION_SHARE:.0%} by a hash of the name"
    splits = {"train": [], "val": []}
    for frame in frames:
        splits["val" if folders.held_out(frame.name) else "train"].append(frame)
    return Assignment(splits, {"train": ["the others"], "val": [share]})


def _note_twice(frames: Sequence[Frame], problems: Problems) -> None:
    """Note images of one name in several folders, none of which is a split."""
    places: dict[str, str] = {}
    for frame in frames:
        place = str((frame.image or frame.mask).path) if frame.draw is None else frame.name
        first = places.setdefault(frame.name, place)
        if first != place:
            problems.add(TWICE, f"{place} and {first}")


def _advice(frames: Sequence[Frame]) -> str:
    cities = sorted({frame.city for frame in frames if frame.city is not None})
    if not cities:
        return "put them into the folders train/ and val/"
    shown = ", ".join(cities[:30])
    return f"name cities by --val-cities and --train-cities, of {shown}{' and others' if len(cities) > 30 else ''}"


def _note_missing(frame: Frame, problems: Problems) -> None:
    if frame.draw is not None:
        return
    if frame.mask is None:
        problems.add(NO_MASK, str(frame.image.path))
    if frame.image is None:
        problems.add(NO_IMAGE, str(frame.mask.path))
