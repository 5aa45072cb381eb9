"""Parameters as text -> how an image is segmented and shown, within the limits of this service."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app

from app.config import MILLION
from app.errors import Problem
from model.inference import images
from model.inference.options import PARAMETERS, Options, check_size

# How much of what a client sent is said back to it.
_MOST_LETTERS = 64


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
        if name not in PARAMETERS:
            known = (*others, *PARAMETERS)
            detail = f"{name[:_MOST_LETTERS]!r} is not a parameter. Expected {', '.join(known)}."
            raise Problem(422, "unknown-parameter", detail, allowed=known)
        parameter = PARAMETERS[name]
        try:
            values[name] = parameter.parse(text)
        except ValueError as error:
            detail = f"{name} is {text[:_MOST_LETTERS]!r}. Expected {parameter.expected}."
            raise Problem(422, "parameter-out-of-range", detail, allowed=parameter.allowed) from error
    limit = min(int(current_app.config["MAX_MEGAPIXELS"] * MILLION), images.MOST_PIXELS)
    try:
        check_size(values.get("size"), most_pixels=limit)
    except ValueError as error:
        raise Problem(422, "parameter-out-of-range", str(error), limit=limit) from error
    return Options(**values)
