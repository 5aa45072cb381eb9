"""Weights of encoders that were published for PyTorch, given to the same network in Keras.

Only tensors are read of a file (`torch.load(weights_only=True)`), never code. PyTorch, 750 MB, is not imported until a
file is asked for, and is not among our requirements: these weights are read once, when a training begins.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import keras
import numpy as np
from keras import layers

# What a file holds behind the encoder: the head of the classifier.
_HEAD = ("_conv_head.", "_bn1.", "_fc.")
_COUNTER = ".num_batches_tracked"


def load(network: keras.Model, path: str | Path, *, title: str) -> None:
    """Give an encoder the weights of a file.

    Both sides name their layers differently but list them in the order in which they are run.

    Args:
        network: of convolutions, each with a batch norm behind it; changed in place.
        path: of a `.pth` file.
        title: of the network, for messages.

    Raises:
        ValueError: the file does not exist, can't be read or is not of this network.
    """
    tensors = [value for name, value in read(path, title=title).items() if not name.startswith(_HEAD)]
    targets = [layer for layer in network.layers if layer.weights]
    wanted = [_shape_in_pytorch(layer, weight) for layer in targets for weight in layer.weights]
    if [tensor.shape for tensor in tensors] != wanted:
        raise ValueError(
            f"Encoder weights {str(path)!r} are of another network: {len(tensors)} tensors, where {title} has "
            f"{len(wanted)}, or of other shapes. Expected an {title} .pth. Pass it to --encoder-weights."
        )
    remaining = iter(tensors)
    for layer in targets:
        layer.set_weights([_for_keras(layer, next(remaining)) for _ in layer.weights])


def read(path: str | Path, *, title: str) -> dict[str, np.ndarray]:
    """Read a state dict that PyTorch saved.

    Args:
        path: of the file.
        title: of the network it should be of, for messages.

    Returns:
        Arrays by name, in the file's order, without counters of batches.

    Raises:
        ValueError: the file does not exist or can't be read, or PyTorch, which reads it, is not installed.
    """
    expected = f"Expected an {title} .pth, or 'none' (random). Pass one of these to --encoder-weights."
    if not Path(path).is_file():
        raise ValueError(f"Encoder weights {str(path)!r} are not a file. {expected}")
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise ValueError(
            f"Encoder weights {str(path)!r} can't be read without PyTorch, which wrote them. Install it, for this "
            "once: pip install torch."
        ) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.numpy() for name, value in found.items() if not name.endswith(_COUNTER)}
    except Exception as error:
        # Damaged files end in errors of a dozen kinds here.
        reason = str(error).partition("\n")[0].rstrip(". ")
        raise ValueError(f"Encoder weights {str(path)!r} can't be read: {reason}. {expected}") from error


def _shape_in_pytorch(layer: layers.Layer, weight: keras.Variable) -> tuple[int, ...]:
    if isinstance(layer, layers.DepthwiseConv2D):
        height, width, channels, _ = weight.shape
        return (channels, 1, height, width)
    if isinstance(layer, layers.Conv2D):
        height, width, inputs, outputs = weight.shape
        return (outputs, inputs, height, width)
    return tuple(weight.shape)


def _for_keras(layer: layers.Layer, tensor: np.ndarray) -> np.ndarray:
    if isinstance(layer, layers.DepthwiseConv2D):
        return tensor.transpose(2, 3, 0, 1)
    return tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
