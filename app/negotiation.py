"""Accept header and parameters -> one requested representation and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from werkzeug.datastructures import MIMEAccept

from app.errors import Problem
from app.representations import REPRESENTATIONS, Options, Representation


class _Parameter(NamedTuple):
    expected: str
    parse: Callable[[str], object]


def _fraction(text: str) -> float:
    value = float(text)
    # Written so that NaN fails it.
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _choice(*values: str) -> _Parameter:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(text)
        return text

    return _Parameter(" or ".join(values), parse)


# By the names of the fields of `Options`.
_PARAMETERS: dict[str, _Parameter] = {
    "opacity": _Parameter("a number from 0 to 1", _fraction),
    "void": _choice("shown", "never"),
    "mask": _choice("none", "png"),
}


def negotiate(parameters: Mapping[str, str], accept: MIMEAccept, *, images: int) -> tuple[Representation, Options]:
    """Find what the client asks for: by `format`, or else by Accept, or else the overlay.

    Args:
        parameters: as sent, `format` among them.
        accept: the parsed header.
        images: how many images the request holds.

    Returns:
        The representation, and the options for it.

    Raises:
        Problem: 406 no such representation, or none for several images; 422 a parameter unknown or out of range.
    """
    others = {name: value for name, value in parameters.items() if name != "format"}
    options = parse_options(others, known=("format", *_PARAMETERS))
    name = parameters["format"] if "format" in parameters else _by_accept(accept)
    if name not in REPRESENTATIONS:
        allowed = tuple(REPRESENTATIONS)
        raise Problem(406, "not-acceptable", f"format is {name!r}. Expected {' or '.join(allowed)}.", allowed=allowed)
    representation = REPRESENTATIONS[name]
    if images > 1 and not representation.takes_several:
        several = [name for name, each in REPRESENTATIONS.items() if each.takes_several]
        detail = f"{name} holds one image, and {images} were sent. For several use format={' or '.join(several)}."
        raise Problem(406, "one-image-only", detail, allowed=several)
    return representation, options


def parse_options(parameters: Mapping[str, str], *, known: tuple[str, ...] = tuple(_PARAMETERS)) -> Options:
    """Read the parameters that shape an answer.

    Args:
        parameters: as sent, without `format`.
        known: the names to tell a client that sent another one.

    Raises:
        Problem: 422, naming the parameter, what it was and what it may be.
    """
    values = {}
    for name, text in parameters.items():
        if name not in _PARAMETERS:
            raise Problem(
                422, "unknown-parameter", f"{name!r} is not a parameter. Expected {', '.join(known)}.", allowed=known
            )
        try:
            values[name] = _PARAMETERS[name].parse(text)
        except ValueError as error:
            detail = f"{name} is {text!r}. Expected {_PARAMETERS[name].expected}."
            raise Problem(422, "parameter-out-of-range", detail) from error
    return Options(**values)


def _by_accept(accept: MIMEAccept) -> str:
    names_by_type: dict[str, str] = {}
    for name, representation in REPRESENTATIONS.items():
        names_by_type.setdefault(representation.media_type, name)
    if not accept:
        return next(iter(REPRESENTATIONS))
    media_type = accept.best_match(names_by_type)
    if media_type is None:
        allowed = tuple(names_by_type)
        detail = f"Nothing made here is accepted by Accept: {accept}. Made are {', '.join(allowed)}."
        raise Problem(406, "not-acceptable", detail, allowed=allowed)
    return names_by_type[media_type]
