"""Requests of the Open Inference Protocol, and how their answers are read."""

from __future__ import annotations

import json

import numpy as np

from model import categories
from tests.app.clients import assert_problem

INFER = "/v2/models/unet/infer"
LENGTH = "Inference-Header-Content-Length"
VERSION = "fake-0123456789ab"

BATCH = np.random.default_rng(5).integers(0, 256, (2, 5, 9, 3), np.uint8)
LABELS = np.broadcast_to(np.arange(9) % categories.COUNT, (2, 5, 9))


def tensor(**changes) -> dict:
    """The input `image` with its numbers in JSON; None leaves a member out."""
    whole = {"name": "image", "datatype": "UINT8", "shape": list(BATCH.shape), "data": BATCH.ravel().tolist()}
    return {name: value for name, value in (whole | changes).items() if value is not None}


def binary(data: bytes, entry: dict, *, size: object = None, **members) -> tuple[bytes, dict[str, str]]:
    """A body with one binary input, and its headers."""
    entry = {**entry, "parameters": {"binary_data_size": len(data) if size is None else size}}
    entry.pop("data", None)
    document = json.dumps({"inputs": [entry], **members}).encode()
    return document + data, {LENGTH: str(len(document))}


def file_bytes(*files: bytes) -> bytes:
    return b"".join(len(file).to_bytes(4, "little") + file for file in files)


def arrays(response) -> dict[str, np.ndarray]:
    """Read the tensors of a response, as the protocol says."""
    assert response.status_code == 200, response.text
    length = int(response.headers.get(LENGTH, len(response.data)))
    found, place = {}, length
    for output in json.loads(response.data[:length])["outputs"]:
        assert output["datatype"] == "UINT8"
        size = output.get("parameters", {}).get("binary_data_size")
        values = output["data"] if size is None else list(response.data[place : place + size])
        place += size or 0
        found[output["name"]] = np.array(values).reshape(output["shape"])
    assert place == len(response.data)
    return found


def assert_refused(response, status: int, *, says: str = "", **expected) -> None:
    """A problem like any other that is the protocol's error object too."""
    error = response.get_json()["error"]
    assert isinstance(error, str)
    assert says in error
    body = {name: value for name, value in response.get_json().items() if name != "error"}
    response.set_data(json.dumps(body))
    assert_problem(response, status, says=says, **expected)
