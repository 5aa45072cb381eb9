"""Parameters as text -> how an image is segmented and shown. A parameter is one more entry of `_PARAMETERS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from flask import current_app

from app.config import MILLION
from app.errors import Problem
from model import categories
from model.inference import images

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
# How much of what a client sent is said back to it.
_MOST_LETTERS = 64


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
        void: whether a pixel may be void, or always takes the best of the seven; None leaves it to the representation.
    """

    opacity: float = 0.5
    categories: tuple[int, ...] = tuple(range(categories.COUNT))
    outline: bool = False
    size: Literal["network"] | tuple[int, int] | None = None
    palette: Literal["cityscapes", "colorblind"] = "cityscapes"
    mask: Literal["none", "png", "rle", "polygons"] = "none"
    void: Literal["shown", "never"] | None = None


class _Parameter(NamedTuple):
    """What a parameter may be, in words, how it is read, and its values where they can be listed."""

    expected: str
    parse: Callable[[str], object]
    allowed: tuple[str, ...] = ()


def parse(parameters: Mapping[str, str], *, others: tuple[str, ...] = ()) -> Options:
    """Read the parameters that shape an answer.

    Args:
        parameters: as sent.
        others: names of parameters that are read elsewhere, to tell a client that sent an unknown one.

    Raises:
        Problem: 422, naming the parameter, what it was and what it may be.
    """
    values = {}
    for name, text in parameters.items():
        if name not in _PARAMETERS:
            known = (*others, *_PARAMETERS)
            detail = f"{name[:_MOST_LETTERS]!r} is not a parameter. Expected {', '.join(known)}."
            raise Problem(422, "unknown-parameter", detail, allowed=known)
        parameter = _PARAMETERS[name]
        try:
            values[name] = parameter.parse(text)
        except ValueError as error:
            detail = f"{name} is {text[:_MOST_LETTERS]!r}. Expected {parameter.expected}."
            raise Problem(422, "parameter-out-of-range", detail, allowed=parameter.allowed) from error
    return Options(**values)


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
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(text)
    width, height = map(int, found.groups())
    limit = min(int(current_app.config["MAX_MEGAPIXELS"] * MILLION), images.MOST_PIXELS)
    if width * height > limit or not 1 <= min(width, height) <= max(width, height) <= images.MAX_SIDE:
        detail = (
            f"size is {text!r}, {width * height:,} pixels. Expected a width and a height from 1 to "
            f"{images.MAX_SIDE:,}, and {limit:,} pixels at most."
        )
        raise Problem(422, "parameter-out-of-range", detail, limit=limit)
    return height, width


def _flag(text: str) -> bool:
    if text not in ("0", "1", "false", "true"):
        raise ValueError(text)
    return text in ("1", "true")


def _choice(*values: str) -> _Parameter:
    def parse_choice(text: str) -> str:
        if text not in values:
            raise ValueError(text)
        return text

    return _Parameter(" or ".join(values), parse_choice, values)


# By the names of the fields of `Options`.
_PARAMETERS: dict[str, _Parameter] = {
    "opacity": _Parameter("a number from 0 to 1", _fraction),
    "categories": _Parameter(
        f"names or ids with commas between them, out of {', '.join(categories.NAMES)} and 0 to {categories.COUNT - 1}",
        _some_categories,
        categories.NAMES,
    ),
    "outline": _Parameter("0 or 1", _flag, ("0", "1")),
    "size": _Parameter("input, network, or a width and a height in pixels such as 1024x512", _output_size),
    "palette": _choice(*categories.PALETTES),
    "mask": _choice("none", "png", "rle", "polygons"),
    "void": _choice("shown", "never"),
}
