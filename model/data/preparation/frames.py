"""Files become frames, an image with its mask, by what their names say in each layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import NamedTuple

from model.data import camvid, cityscapes, folders
from model.data.preparation.files import File
from model.data.preparation.problems import OTHER_CITY, TWICE, Problems
from model.data.samples import Example

_SUFFIX = "|".join(suffix.lstrip(".") for suffix in folders.IMAGE_SUFFIXES)


class Layout(NamedTuple):
    """How a data set names its files.

    Attributes:
        reader: the module that maps ids and knows the terms.
        globs: where its files lie in a folder.
        image: matches an image's name; its groups are `origin`, the folder that may say the split, `city` and `name`.
        mask: likewise, a mask's.
    """

    reader: ModuleType
    globs: tuple[str, ...]
    image: re.Pattern
    mask: re.Pattern

    @property
    def name(self) -> str:
        return self.reader.__name__.rpartition(".")[2]

    def knows(self, name: str) -> bool:
        """Tell whether a file's name is that of an image or of a mask."""
        return bool(self.image.search(name) or self.mask.search(name))


# An archive may hold the folders at its top or deeper. A name never begins with a dot: those are what macOS adds.
_START, _ORIGIN, _CITY, _NAME = r"(?:^|/)", r"(?P<origin>[^/]+)/", r"(?P<city>[^/]+)/", r"(?P<name>[^/.][^/]*)"
_SPLIT = r"(?P<origin>train|val|test)"
LAYOUTS = (
    Layout(
        cityscapes,
        ("leftImg8bit/*/*/*_leftImg8bit.*", "gtFine/*/*/*_gtFine_labelIds.png"),
        re.compile(rf"{_START}leftImg8bit/{_ORIGIN}{_CITY}{_NAME}_leftImg8bit\.(?:png|jpg|jpeg)$"),
        re.compile(rf"{_START}gtFine/{_ORIGIN}{_CITY}{_NAME}_gtFine_labelIds\.png$"),
    ),
    Layout(
        camvid,
        tuple(f"{split}{kind}/*" for split in camvid.SPLITS for kind in ("", "annot")),
        re.compile(rf"{_START}{_SPLIT}/{_NAME}\.(?:jpg|jpeg|png)$", re.IGNORECASE),
        re.compile(rf"{_START}{_SPLIT}annot/{_NAME}\.png$", re.IGNORECASE),
    ),
    Layout(
        folders,
        ("images/*", "masks/*", "*/images/*", "*/masks/*"),
        # Any folder, split or not: a mask is of an image only in the same one.
        re.compile(rf"{_START}(?:{_ORIGIN})?images/{_NAME}\.(?:{_SUFFIX})$", re.IGNORECASE),
        re.compile(rf"{_START}(?:{_ORIGIN})?masks/{_NAME}\.png$", re.IGNORECASE),
    ),
)
"""The layouts that can be prepared, the most particular first."""


class Frame(NamedTuple):
    """An image with its mask, either of which may turn out to be missing.

    Attributes:
        name: of the sample.
        city: where the layout tells it.
        origin: the folder that may be named after a split, in small letters; empty where there is none.
        image: the photograph's file.
        mask: the mask's file.
        draw: makes both where the frame is generated and has no files.
    """

    name: str
    city: str | None
    origin: str
    image: File | None = None
    mask: File | None = None
    draw: Callable[[], Example] | None = None


def pair(layout: Layout, files: Iterable[File], problems: Problems) -> list[Frame]:
    """Pair images with masks by name.

    Args:
        layout: that the files are in.
        files: in any order; those that are neither image nor mask are passed over.
        problems: receives names that stand twice, and files in the folder of another city.

    Returns:
        Frames sorted by origin, city and name.
    """
    found: dict[tuple[str, str, str], dict[str, File]] = {}
    for file in files:
        for role, pattern in (("image", layout.image), ("mask", layout.mask)):
            match = pattern.search(file.inside)
            if match is not None:
                parts = match.groupdict(default="")
                pieces = found.setdefault((parts["origin"].lower(), parts.get("city", ""), parts["name"]), {})
                if role in pieces:
                    problems.add(TWICE, f"{file.path} and {pieces[role].path}")
                pieces[role] = file
    frames = [Frame(name, city or None, origin, **pieces) for (origin, city, name), pieces in sorted(found.items())]
    _refuse_other_cities(frames, problems)
    return frames


def _refuse_other_cities(frames: list[Frame], problems: Problems) -> None:
    """Note files of one city in the folder of another: ulm_000001_000019 in aachen/."""
    cities = {frame.city for frame in frames} - {None}
    for frame in frames:
        told = frame.name.partition("_")[0]
        if frame.city is not None and told != frame.city and told in cities:
            problems.add(OTHER_CITY, f"{(frame.image or frame.mask).path} is of {told}")
