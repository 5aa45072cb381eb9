"""How an image is segmented and shown, and each part of it as text. A parameter is one more entry of `PARAMETERS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from model import artifact, categories
from model.inference import images

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


@dataclass(frozen=True)
class Options:
    """How an image is segmented and shown.

    Attributes:
        opacity: strength of the colours over the photograph, 0 to 1.
        categories: ids of those that are coloured, counted and outlined, by rising id.
        outline: whether the overlay has borders of categories.
        size: of the answer, as (height, width) or that of the network; None for the image's own.
        palette: the colours' name in `model.categories.PALETTES`.
        mask: how JSON carries the mask.
        blur: ids of those that are made unrecognisable in the overlay's photograph, by rising id.
        void: whether a pixel may be void, or always takes the best of the seven; None leaves it to the representation.
    """

    opacity: float = 0.5
    categories: tuple[int, ...] = tuple(range(categories.COUNT))
    outline: bool = False
    size: Literal["network"] | tuple[int, int] | None = None
    palette: Literal["cityscapes", "colorblind"] = "cityscapes"
    mask: Literal["none", "png", "rle", "polygons"] = "none"
    void: Literal["shown", "never"] | None = None
    blur: tuple[int, ...] = ()


class Parameter(NamedTuple):
    """A field of `Options` as text.

    Attributes:
        expected: what it may be, in words.
        parse: reads it; raises `ValueError`.
        allowed: its values, where they can be listed.
    """

    expected: str
    parse: Callable[[str], object]
    allowed: tuple[str, ...] = ()


def check_size(size: Literal["network"] | tuple[int, int] | None, *, most_pixels: int) -> None:
    """Refuse an answer without pixels, or with too many.

    Args:
        size: as in `Options`.
        most_pixels: largest height x width.

    Raises:
        ValueError: what was received, and what may be.
    """
    if not isinstance(size, tuple):
        return
    height, width = size
    if width * height > most_pixels or not 1 <= min(size) <= max(size) <= images.MAX_SIDE:
        raise ValueError(
            f"size is '{width}x{height}', {width * height:,} pixels. Expected a width and a height from 1 to "
            f"{images.MAX_SIDE:,}, and {most_pixels:,} pixels at most."
        )


def input_size(text: str) -> tuple[int, int] | None:
    """Read the size that the network takes photographs at: (height, width); None for `own`, that of its card.

    Raises:
        ValueError: another word, or a size that networks do not take.
    """
    if text == "own":
        return None
    size = _sides(text)
    if not artifact.is_input_size(size):
        raise ValueError(text)
    return size


def _fraction(text: str) -> float:
    value = float(text)
    # Written so that NaN fails it.
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _some_categories(text: str) -> tuple[int, ...]:
    names = {str(category.id): category.id for category in categories.CATEGORIES}
    names |= {category.name: category.id for category in categories.CATEGORIES}
    words = [word.strip() for word in text.split(",")]
    if not names.keys() >= set(words):
        raise ValueError(text)
    return tuple(sorted({names[word] for word in words}))


def _output_size(text: str) -> Literal["network"] | tuple[int, int] | None:
    if text in ("input", "network"):
        return None if text == "input" else "network"
    return _sides(text)


def _sides(text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(text)
    width, height = map(int, found.groups())
    return height, width


def _flag(text: str) -> bool:
    if text not in ("0", "1", "false", "true"):
        raise ValueError(text)
    return text in ("1", "true")


def _choice(*values: str) -> Parameter:
    def parse_choice(text: str) -> str:
        if text not in values:
            raise ValueError(text)
        return text

    return Parameter(" or ".join(values), parse_choice, values)


INPUT_SIZE = Parameter(
    f"own, or a width and a height in pixels such as 640x320, multiples of {artifact.STRIDE} up to "
    f"{artifact.MOST_SIDE:,}",
    input_size,
)

# By the names of the fields of `Options`.
PARAMETERS: dict[str, Parameter] = {
    "opacity": Parameter("a number from 0 to 1", _fraction),
    "categories": Parameter(
        f"names or ids with commas between them, out of {', '.join(categories.NAMES)} and 0 to {categories.COUNT - 1}",
        _some_categories,
        categories.NAMES,
    ),
    "outline": Parameter("0 or 1", _flag, ("0", "1")),
    "size": Parameter("input, network, or a width and a height in pixels such as 1024x512", _output_size),
    "palette": _choice(*categories.PALETTES),
    "mask": _choice("none", "png", "rle", "polygons"),
    "void": _choice("shown", "never"),
    "blur": Parameter(
        f"names or ids with commas between them, out of {', '.join(categories.NAMES)} and 0 to {categories.COUNT - 1}",
        _some_categories,
        categories.NAMES,
    ),
}
