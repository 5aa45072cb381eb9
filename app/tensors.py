"""The Open Inference Protocol on the wire: which tensors the model has, and arrays -> a response.

Array contract: results uint8 (batch, height, width), by the name of the output.

Source: KServe, "Open Inference Protocol (V2)" with its "Binary Tensor Data Extension", which are Triton's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Tensor(NamedTuple):
    """A tensor of the model as its metadata has it; -1 is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


PIXELS = Tensor("image", "UINT8", (-1, -1, -1, 3))
FILES = Tensor("file", "BYTES", (-1,))
INPUTS = (PIXELS, FILES)
OUTPUTS = (Tensor("labels", "UINT8", (-1, -1, -1)), Tensor("confidence", "UINT8", (-1, -1, -1)))

# Numbers are written from a table: JSON's own way makes an object of each first.
_TEXTS = [f"{value}," for value in range(256)]
_CHARACTERS = np.array([list(text.ljust(4).encode()) for text in _TEXTS], np.uint8)
_USED = np.arange(4) < np.array([len(text) for text in _TEXTS])[:, np.newaxis]
_NUMBERS_AT_A_TIME = 1 << 20


def write(
    results: Mapping[str, np.ndarray], outputs: Mapping[str, bool], *, head: Mapping[str, str]
) -> tuple[bytes, int | None]:
    """Write an inference response.

    Args:
        results: uint8 (batch, height, width) by the name of the output.
        outputs: which of them, in order: name -> whether as binary data.
        head: what stands before them.

    Returns:
        The body, and how many bytes of it are JSON; None for all of it.
    """
    texts, binary = [], []
    for name, as_binary in outputs.items():
        array = results[name]
        entry = {"name": name, "datatype": "UINT8", "shape": array.shape}
        if as_binary:
            binary.append(array.tobytes())
            texts.append(_json(entry | {"parameters": {"binary_data_size": array.nbytes}}))
        else:
            texts.append(_json(entry)[:-1] + b',"data":[' + _numbers(array) + b"]}")
    document = _json(head)[:-1] + b',"outputs":[' + b",".join(texts) + b"]}"
    return b"".join([document, *binary]), len(document) if binary else None


def _numbers(array: np.ndarray) -> bytes:
    """Write uint8 values as JSON has them between the brackets of a list."""
    values = array.reshape(-1)
    parts = []
    for start in range(0, len(values), _NUMBERS_AT_A_TIME):
        some = values[start : start + _NUMBERS_AT_A_TIME]
        parts.append(_CHARACTERS[some][_USED[some]].tobytes())
    return b"".join(parts)[:-1]


def _json(value: dict) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
