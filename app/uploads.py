"""A request -> the bytes of its images, and its parameters as text. Nothing is written to disk, no URL is fetched."""

from __future__ import annotations

import base64
import io
import json
import posixpath
import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from flask import Request, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Problem

FILE_FIELDS = ("image", "file", "images")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff")
BODY_TYPES = ("multipart/form-data", "application/json", *IMAGE_TYPES)

_UNNAMED = "image"
_NAME_LETTERS = 100
_UNSAFE = re.compile(r"[^\w .()-]")

# Of JSON; a request in it has a handful.
_MOST_COMMAS = 1000


class Submission(NamedTuple):
    """What a client sent: at least one image as its file's bytes, parameters by name, and what each file is called."""

    images: list[bytes]
    parameters: dict[str, str]
    names: list[str]


class InMemoryRequest(Request):
    """A request whose uploads stay in memory, where Werkzeug would spool large ones into a temporary file."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # The limit on the body bounds this.
        return io.BytesIO()


def read() -> Submission:
    """Read the current request.

    Raises:
        Problem: 400 no image, or malformed JSON or base64; 413 too many images; 415 another content type; 422 a
            parameter given twice.
        RequestEntityTooLarge: the body is over its limit.
    """
    pairs = list(request.args.items(multi=True))
    names = None
    if request.mimetype == "multipart/form-data":
        pairs += request.form.items(multi=True)
        images, names = _from_form()
    elif request.mimetype == "application/json":
        images, members = _from_json()
        pairs += members
    else:
        images = _from_body()
    limit = current_app.config["MAX_IMAGES"]
    if len(images) > limit:
        raise Problem(413, "too-many-images", f"Received {len(images)} images. Send at most {limit}.", limit=limit)
    return Submission(images, _once_each(pairs), list(_distinct(names or [_UNNAMED])))


def _from_form() -> tuple[list[bytes], list[str]]:
    # A form posted with nothing chosen holds one part without a file name.
    parts = [part for field in FILE_FIELDS for part in request.files.getlist(field) if part.filename]
    if not parts:
        raise Problem(
            400,
            "no-image",
            "The form holds no image. Choose a photograph, or send it as a file part named image, file or images.",
        )
    return [part.read() for part in parts], [_plain(part.filename) for part in parts]


def _plain(filename: str) -> str:
    """Return a file's name without its folders, and without what a path or a spreadsheet could take for a command."""
    name = re.split(r"[/\\]", filename)[-1]
    return _UNSAFE.sub("_", name)[-_NAME_LETTERS:].lstrip(" .-") or _UNNAMED


def _distinct(names: list[str]) -> Iterator[str]:
    """Number names that come again, before their ending."""
    taken: set[str] = set()
    for name in names:
        stem, ending = posixpath.splitext(name)
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}{ending}"
        taken.add(name)
        yield name


def _from_json() -> tuple[list[bytes], list[tuple[str, str]]]:
    expected = 'Expected {"image": "<base64 or data: URI>"}.'
    document = json_body(expected=expected)
    if not isinstance(document, dict) or not isinstance(document.get("image"), str):
        raise Problem(400, "no-image", f"The JSON has no text member named image. {expected}")
    image = decode_base64(document.pop("image"), member="image")
    try:
        return [image], [(name, _as_text(value)) for name, value in document.items()]
    except RecursionError as error:
        raise Problem(400, "malformed-json", f"The JSON is nested too deeply. {expected}") from error


def _as_text(value: object) -> str:
    """Write a JSON value as a form would send it; a list with commas."""
    if isinstance(value, list):
        return ",".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value)


def json_body(*, expected: str) -> object:
    """Read the body of the current request as JSON: a picture in base64 and a few parameters.

    Args:
        expected: what to send, in words.

    Returns:
        What it holds.

    Raises:
        Problem: 400, it is no JSON, or has more members than that.
        RequestEntityTooLarge: it is over its limit.
    """
    body = whole_body()
    # An empty list takes three bytes of JSON and over twenty times that in memory, and this is read before a place in
    # the queue is held. There is no comma in base64.
    if body.count(b",") > _MOST_COMMAS:
        raise Problem(400, "malformed-json", f"The JSON has over {_MOST_COMMAS} members. {expected}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed-json", f"The body is not JSON. {expected}") from error


def decode_base64(text: str, *, member: str) -> bytes:
    """Read a file that was sent in JSON.

    Args:
        text: base64, or a data: URI in base64.
        member: what the client called it.

    Raises:
        Problem: 400, it is neither.
    """
    start, comma, payload = text.partition(",")
    if start.startswith("data:") and comma:
        if not start.endswith(";base64"):
            raise Problem(400, "malformed-base64", "The data: URI is not in base64. Expected data:image/...;base64,...")
        text = payload
    try:
        # Command-line tools break lines at 76 characters.
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise Problem(
            400,
            "malformed-base64",
            f"The member {member} is neither base64 nor a data: URI. Send the image itself: addresses are not fetched.",
        ) from error


def _from_body() -> list[bytes]:
    if request.mimetype not in IMAGE_TYPES and (request.mimetype or request.content_length):
        raise Problem(
            415,
            "unsupported-content-type",
            f"The content type is {request.mimetype or 'missing'}. Expected one of {', '.join(BODY_TYPES)}.",
            allowed=BODY_TYPES,
        )
    image = whole_body()
    if not image:
        raise Problem(400, "no-image", "The body is empty. Send an image.")
    return [image]


def whole_body() -> bytes:
    """Return the body of the current request, as sent.

    Raises:
        RequestEntityTooLarge: it is over its limit.
    """
    body = request.get_data(cache=False)
    # Of a body that does not announce its length, Werkzeug (3.1.9) reads as much as the limit allows and drops the rest
    # without a word; a longer announced one it has refused by now.
    if request.content_length is None and len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge
    return body


def _once_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if parameters.setdefault(name, value) != value:
            raise Problem(
                422, "repeated-parameter", f"{name} was given as {parameters[name]!r} and as {value!r}. Give it once."
            )
    return parameters
