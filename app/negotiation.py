"""Accept header and parameters -> one requested representation and its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from flask import current_app
from werkzeug.datastructures import MIMEAccept

from app import options
from app.config import MILLION
from app.errors import Problem
from model.inference.options import Options
from model.inference.representations import REPRESENTATIONS, Representation

# How much of what a client sent is said back to it.
_MOST_LETTERS = 64


def negotiate(parameters: Mapping[str, str], accept: MIMEAccept, *, images: int) -> tuple[Representation, Options]:
    """Find what the client asks for: by `format`, or else by Accept, or else the overlay.

    Where a format comes in several media types, Accept chooses among them, and the first is for a client that accepts
    none of them: `format` wins.

    Args:
        parameters: as sent, `format` among them.
        accept: the parsed header.
        images: how many images the request holds.

    Returns:
        The representation, and the options for it.

    Raises:
        Problem: 406 no such representation, or none for several images; 422 a parameter unknown or out of range, of
            several images the size of all together too.
    """
    others = {name: value for name, value in parameters.items() if name != "format"}
    wanted = options.parse(others, others=("format",))
    if "format" in parameters:
        made = _of_format(parameters["format"])
        representation = _accepted(made, accept) or made[0]
    else:
        representation = _by_accept(accept)
    if images > 1 and not representation.takes_several:
        several = list(dict.fromkeys(each.format for each in REPRESENTATIONS if each.takes_several))
        raise Problem(
            406,
            "one-image-only",
            f"{representation.format} holds one image, and {images} were sent. For several use "
            f"format={' or '.join(several)}.",
            allowed=several,
        )
    _check_size(wanted.size, images)
    return representation, wanted


def _check_size(size: Literal["network"] | tuple[int, int] | None, images: int) -> None:
    """Refuse answers larger together than one may be: small files cost nothing to send."""
    limit = int(current_app.config["MAX_MEGAPIXELS"] * MILLION)
    if isinstance(size, tuple) and images * size[0] * size[1] > limit:
        detail = (
            f"size is {size[1]}x{size[0]} and {images} images were sent, {images * size[0] * size[1]:,} pixels in all. "
            f"Expected {limit:,} at most: ask for a smaller size, or send fewer images in one request."
        )
        raise Problem(422, "parameter-out-of-range", detail, limit=limit)


def _of_format(name: str) -> list[Representation]:
    made = [each for each in REPRESENTATIONS if each.format == name]
    if not made:
        allowed = tuple(dict.fromkeys(each.format for each in REPRESENTATIONS))
        detail = f"format is {name[:_MOST_LETTERS]!r}. Expected {' or '.join(allowed)}."
        raise Problem(406, "not-acceptable", detail, allowed=allowed)
    return made


def _by_accept(accept: MIMEAccept) -> Representation:
    representation = _accepted(REPRESENTATIONS, accept)
    if representation is None:
        allowed = tuple(dict.fromkeys(each.media_type for each in REPRESENTATIONS))
        detail = f"Nothing made here is accepted by Accept: {accept}. Made are {', '.join(allowed)}."
        raise Problem(406, "not-acceptable", detail, allowed=allowed)
    return representation


def _accepted(made: Sequence[Representation], accept: MIMEAccept) -> Representation | None:
    """Return the one that the client likes best, the first of equals; None where it accepts none."""
    if not accept:
        return made[0]
    by_type: dict[str, Representation] = {}
    for each in made:
        by_type.setdefault(each.media_type, each)
    return by_type.get(accept.best_match(by_type))
