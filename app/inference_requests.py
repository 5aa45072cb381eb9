"""An inference request of the Open Inference Protocol -> pictures, and what is asked of them.

Array contract: pixels uint8 (batch, height, width, 3) RGB. Sizes are (height, width).
"""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from app import uploads
from app.errors import Problem
from app.tensors import FILES, INPUTS, OUTPUTS, PIXELS, Tensor
from model.inference import images

VOID = ("shown", "never")
# What else Triton's clients send. This model keeps no sequence, and its queue knows neither ranks nor a time of yours.
_WITHOUT_EFFECT = ("sequence_id", "sequence_start", "sequence_end", "priority", "timeout")
_PARAMETERS = ("binary_data_output", "void", *_WITHOUT_EFFECT)


class Question(NamedTuple):
    """What a client asks.

    Attributes:
        id: its own name for the request, None where it gave none.
        pixels: uint8 (batch, height, width, 3), or None where it sent files.
        files: encoded pictures, or none.
        outputs: what it wants, in order: name -> whether as binary data.
        void: as `Segmenter.segment` takes it.
    """

    id: str | None
    pixels: np.ndarray | None
    files: list[bytes]
    outputs: dict[str, bool]
    void: Literal["shown", "never"]


def read(body: bytes, header_length: str | None, *, most_images: int, most_pixels: int) -> Question:
    """Read an inference request.

    Args:
        body: JSON, and behind it binary data.
        header_length: bytes of JSON, as the header Inference-Header-Content-Length has it; None for all.
        most_images: pictures in a batch.
        most_pixels: in all pictures of a batch.

    Returns:
        The question. Its files are not decoded yet.

    Raises:
        Problem: 400 for whatever is not such a request; 413 for too many images or pixels.
    """
    length = _header_length(header_length, body)
    document = _document(body[:length])
    parameters = _parameters(document, "The request", _PARAMETERS)
    void = parameters.get("void", "shown")
    if void not in VOID:
        raise _malformed(f"The parameter void is {void!r}. Expected one of {', '.join(VOID)}.")
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise _malformed("The id is no text. Expected a text, or no id.")
    name, shape, data = _input(document, memoryview(body)[length:])
    if name == PIXELS.name:
        _check_extents(shape, most_images, most_pixels)
        pixels, files = _pixels(data, shape), []
    else:
        _check_count(shape[0], most_images)
        pixels, files = None, _files(data, shape[0])
    return Question(identity, pixels, files, _outputs(document, parameters), void)


def _header_length(text: str | None, body: bytes) -> int:
    if text is None:
        return len(body)
    # Longer numbers are over any body, and Python takes its time over them.
    if not (text.isascii() and text.isdigit() and len(text) < 16) or int(text) > len(body):
        raise _malformed(
            f"Inference-Header-Content-Length is {text[:32]!r}. Expected the bytes of JSON at the start of the body, "
            f"{len(body)} at most."
        )
    return int(text)


def _document(text: bytes) -> dict:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(
            400,
            "malformed-json",
            "The request is not JSON. Where binary data follows the JSON, the header Inference-Header-Content-Length "
            "says how many bytes of JSON there are. NaN and Infinity are not JSON.",
        ) from error
    if not isinstance(document, dict):
        raise _malformed("The request is JSON, but no object. Expected an object with inputs.")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _parameters(owner: dict, what: str, known: tuple[str, ...]) -> dict:
    parameters = owner.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _malformed(f"{what} has parameters that are no object. Expected an object.")
    for name in parameters:
        if name not in known:
            raise _malformed(f"{what} has the parameter {name[:64]!r}. Taken are {', '.join(known)}.")
    for name in {"binary_data", "binary_data_output"} & parameters.keys():
        if not isinstance(parameters[name], bool):
            raise _malformed(f"{what} has a parameter {name} that is neither true nor false.")
    return parameters


def _entries(document: dict, member: str) -> list[dict]:
    entries = document.get(member, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _malformed(f"The member {member} is no list of objects. Expected one object for each tensor.")
    return entries


def _known(entry: dict, tensors: tuple[Tensor, ...], what: str) -> Tensor:
    for tensor in tensors:
        if entry.get("name") == tensor.name:
            return tensor
    expected = " or ".join(tensor.name for tensor in tensors)
    raise _malformed(f"The {what} {_shown(entry.get('name'))} is not known. Expected {expected}.")


def _input(document: dict, binary: memoryview) -> tuple[str, list[int], list | memoryview]:
    """Return name, shape and data of the one input."""
    entries = _entries(document, "inputs")
    if len(entries) != 1:
        raise _malformed(f"The request has {len(entries)} inputs. Expected one: {PIXELS.name} or {FILES.name}.")
    entry = entries[0]
    tensor = _known(entry, INPUTS, "input")
    if entry.get("datatype") != tensor.datatype:
        raise _malformed(
            f"The input {tensor.name} has the datatype {_shown(entry.get('datatype'))}. Expected {tensor.datatype}."
        )
    shape = _shape(entry.get("shape"), tensor)
    size = _parameters(entry, f"The input {tensor.name}", ("binary_data_size",)).get("binary_data_size", 0)
    if type(size) is not int or size != len(binary):
        raise _malformed(
            f"The input {tensor.name} has a binary_data_size of {_shown(size)}, and {len(binary)} bytes follow the "
            "JSON. Expected equal numbers."
        )
    if ("data" in entry) == bool(size):
        raise _malformed(f"Expected the data of {tensor.name} either in JSON or as binary data: one of them, not both.")
    return tensor.name, shape, binary if size else entry["data"]


def _shape(shape: object, tensor: Tensor) -> list[int]:
    fits = (
        isinstance(shape, list)
        and len(shape) == len(tensor.shape)
        and all(type(side) is int and side > 0 for side in shape)
        and all(expected in (-1, side) for side, expected in zip(shape, tensor.shape, strict=True))
    )
    if not fits:
        raise _malformed(
            f"The shape of {tensor.name} is {_shown(shape)}. Expected {list(tensor.shape)}, with a whole number of at "
            "least 1 for each -1."
        )
    return shape


def _check_count(batch: int, most_images: int) -> None:
    if batch > most_images:
        detail = f"The batch has {_shown(batch)} images. Send at most {most_images}."
        raise Problem(413, "too-many-images", detail, limit=most_images)


def _check_extents(shape: list[int], most_images: int, most_pixels: int) -> None:
    batch, height, width, _ = shape
    _check_count(batch, most_images)
    check_pixels(batch, (height, width), most_pixels)
    if max(height, width) > images.MAX_SIDE:
        detail = f"The images are {width} x {height} pixels. Send at most {images.MAX_SIDE} along each side."
        raise Problem(413, "image-too-large", detail, limit=images.MAX_SIDE)


def check_pixels(batch: int, size: tuple[int, int], most_pixels: int) -> None:
    """Refuse a batch whose results would be too large, whatever each of its pictures is.

    Args:
        batch: number of pictures.
        size: (height, width) of each.
        most_pixels: of all of them.

    Raises:
        Problem: 413.
    """
    pixels = batch * size[0] * size[1]
    if pixels > most_pixels:
        detail = f"The batch has {_shown(pixels)} pixels in all. Send at most {most_pixels} in one request."
        raise Problem(413, "image-too-large", detail, limit=most_pixels)


def _pixels(data: list | memoryview, shape: list[int]) -> np.ndarray:
    if not isinstance(data, memoryview):
        data = _flat_bytes(data, shape)
    expected = math.prod(shape)
    if len(data) != expected:
        raise _malformed(f"The input image has {len(data)} bytes. Expected {expected} for the shape {shape}.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _flat_bytes(data: object, shape: list[int]) -> bytes:
    """Read JSON numbers, nested as the shape is or in one list."""
    level = data if isinstance(data, list) else [data]
    if set(map(type, level)) == {list}:
        level = [level]
        for side in shape:
            if set(map(type, level)) != {list} or set(map(len, level)) != {side}:
                raise _malformed(f"The data of image are not nested as the shape {shape}. Expected that, or one list.")
            level = list(chain.from_iterable(level))
    # By type, because `bytes` would take true and false too.
    if set(map(type, level)) - {int}:
        raise _malformed("The data of image have other members than whole numbers. Expected whole numbers, 0 to 255.")
    try:
        return bytes(level)
    except (ValueError, OverflowError) as error:
        raise _malformed("The data of image have numbers out of range. Expected whole numbers, 0 to 255.") from error


def _files(data: list | memoryview, count: int) -> list[bytes]:
    if isinstance(data, memoryview):
        files = _elements(data)
    elif isinstance(data, list) and all(isinstance(text, str) for text in data):
        files = [uploads.decode_base64(text, member=FILES.name) for text in data]
    else:
        raise _malformed("The data of file are no list of texts. Expected the content of each file, in base64.")
    if len(files) != count:
        raise _malformed(f"The input file has {len(files)} elements. Expected {count}, as its shape says.")
    return files


def _elements(data: memoryview) -> list[bytes]:
    """Split binary BYTES: before each element stands its length, four bytes, the lowest first."""
    files, place = [], 0
    while place < len(data):
        end = place + 4 + int.from_bytes(data[place : place + 4], "little")
        if place + 4 > len(data) or end > len(data):
            raise _malformed("The input file ends within an element. Expected four bytes of length before each.")
        files.append(bytes(data[place + 4 : end]))
        place = end
    return files


def _outputs(document: dict, parameters: dict) -> dict[str, bool]:
    as_binary = parameters.get("binary_data_output", False)
    outputs: dict[str, bool] = {}
    for entry in _entries(document, "outputs"):
        tensor = _known(entry, OUTPUTS, "output")
        if tensor.name in outputs:
            raise _malformed(f"The output {tensor.name} is asked for twice. Ask once.")
        own = _parameters(entry, f"The output {tensor.name}", ("binary_data",))
        outputs[tensor.name] = own.get("binary_data", as_binary)
    return outputs or {tensor.name: as_binary for tensor in OUTPUTS}


def _shown(value: object) -> str:
    """Return what a client sent, so far as it helps."""
    if type(value) is int and value.bit_length() > 64:
        return "a giant number"
    if isinstance(value, dict | list) and not (len(value) < 9 and {type(side) for side in value} == {int}):
        return f"some {'object' if isinstance(value, dict) else 'list'}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value[:64] if isinstance(value, str) else value)


def _malformed(detail: str) -> Problem:
    return Problem(400, "malformed-inference-request", detail)
