"""A request -> the bytes of its images, and its parameters as text. Nothing is written to disk, no URL is fetched."""

from __future__ import annotations

import base64
import io
import json
from typing import IO, NamedTuple

from flask import Request, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Problem

FILE_FIELDS = ("image", "file", "images")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff")
BODY_TYPES = ("multipart/form-data", "application/json", *IMAGE_TYPES)


class Submission(NamedTuple):
    """What a client sent: at least one image as its file's bytes, and parameters by name."""

    images: list[bytes]
    parameters: dict[str, str]


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
    if request.mimetype == "multipart/form-data":
        pairs += request.form.items(multi=True)
        images = _from_form()
    elif request.mimetype == "application/json":
        images, members = _from_json()
        pairs += members
    else:
        images = _from_body()
    limit = current_app.config["MAX_IMAGES"]
    if len(images) > limit:
        raise Problem(413, "too-many-images", f"Received {len(images)} images. Send at most {limit}.", limit=limit)
    return Submission(images, _once_each(pairs))


def _from_form() -> list[bytes]:
    # A form posted with nothing chosen holds one part without a file name.
    parts = [part for field in FILE_FIELDS for part in request.files.getlist(field) if part.filename]
    if not parts:
        raise Problem(
            400,
            "no-image",
            "The form holds no image. Choose a photograph, or send it as a file part named image, file or images.",
        )
    return [part.read() for part in parts]


def _from_json() -> tuple[list[bytes], list[tuple[str, str]]]:
    expected = 'Expected {"image": "<base64 or data: URI>"}.'
    try:
        document = json.loads(_whole_body())
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed-json", f"The body is not JSON. {expected}") from error
    if not isinstance(document, dict) or not isinstance(document.get("image"), str):
        raise Problem(400, "no-image", f"The JSON has no text member named image. {expected}")
    image = _decode_base64(document.pop("image"))
    return [image], [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in document.items()]


def _decode_base64(text: str) -> bytes:
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
            "The member image is neither base64 nor a data: URI. Send the image itself: addresses are not fetched.",
        ) from error


def _from_body() -> list[bytes]:
    if request.mimetype not in IMAGE_TYPES and (request.mimetype or request.content_length):
        raise Problem(
            415,
            "unsupported-content-type",
            f"The content type is {request.mimetype or 'missing'}. Expected one of {', '.join(BODY_TYPES)}.",
            allowed=BODY_TYPES,
        )
    image = _whole_body()
    if not image:
        raise Problem(400, "no-image", "The body is empty. Send an image.")
    return [image]


def _whole_body() -> bytes:
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
