"""What stands behind the logits: the part of a network that is shipped but not trained.

Array contract: `logits` and `probabilities` float32 (batch, height, width, categories).
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


def with_softmax(model: keras.Model) -> keras.Model:
    """Return `model` with a softmax over its last axis behind it: what is shipped gives probabilities.

    Args:
        model: from `images` to `logits`.

    Returns:
        A model from the same `images` to `probabilities`, sharing the weights.
    """
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(model.output)
    return keras.Model(model.input, probabilities, name=model.name)


def without_softmax(model: keras.Model) -> keras.Model:
    """Return what stands before the softmax of a shipped network.

    Args:
        model: from `images` to `probabilities`, as `with_softmax` makes it.

    Returns:
        A model from the same `images` to `logits`, sharing the weights.

    Raises:
        ValueError: the model does not end in a softmax.
    """
    last = _layer_of(model.output, model)
    if not isinstance(last, layers.Softmax):
        raise ValueError(
            f"Received the network {model.name}, which ends in {_kind(last)}. Expected a Softmax layer, as "
            "`python -m model train` puts it there: train it anew."
        )
    return keras.Model(model.input, last.input, name=model.name)


def divide_logits(model: keras.Model, temperature: float) -> None:
    """Divide the logits of a network by a number; see `map_logits`.

    Args:
        model: from `images` to `logits` or to `probabilities`; changed in place, with all that share its weights.
        temperature: above 0.

    Raises:
        ValueError: something else stands between the logits and the last convolution.
    """
    for layer in makers(model):
        for weight in layer.weights:
            weight.assign(weight / temperature)


def map_logits(model: keras.Model, matrix: np.ndarray, offset: np.ndarray) -> None:
    """Make `matrix @ logits + offset` the logits of a network, in the weights: nothing is added that takes time.

    Behind the last convolution with weights there are only steps that are linear in the logits and keep what is the
    same everywhere (enlarging them, taking them to float32), so its kernel and its bias are mapped; in an ensemble,
    those of every member. A softmax behind the logits is passed over.

    Args:
        model: from `images` to `logits` or to `probabilities`; changed in place, with all that share its weights.
        matrix: float32 (categories, categories).
        offset: float32 (categories,).

    Raises:
        ValueError: something else stands between the logits and the last convolution, or that one has no bias.
    """
    for layer in makers(model):
        if not isinstance(layer, layers.Conv2D) or layer.bias is None:
            raise ValueError(
                f"Received the network {model.name}, whose logits come out of {_kind(layer)}. Expected a convolution "
                "with a bias: end the network so."
            )
        layer.kernel.assign(keras.ops.matmul(layer.kernel, matrix.T))
        layer.bias.assign(keras.ops.matmul(matrix, layer.bias) + offset)


def makers(model: keras.Model) -> list[keras.Layer]:
    """Return the convolutions that a network's logits come out of: one, or one of each member of an ensemble.

    Args:
        model: from `images` to `logits` or to `probabilities`.

    Raises:
        ValueError: something else stands between the logits and the last convolution.
    """
    layer = _layer_of(model.output, model)
    if isinstance(layer, layers.Softmax):
        layer = _layer_of(layer.input, model)
    return _makers_behind(layer, model)


def _makers_behind(layer: keras.Layer | None, model: keras.Model) -> list[keras.Layer]:
    while _only_moves(layer):
        layer = _layer_of(layer.input, model)
    if isinstance(layer, layers.Average):
        return [maker for each in layer.input for maker in _makers_behind(_layer_of(each, model), model)]
    if not isinstance(layer, layers.Conv2D | layers.Conv2DTranspose) or not _is_linear(layer):
        raise ValueError(
            f"Received the network {model.name}, whose logits come out of {_kind(layer)}. Expected a convolution "
            "without activation, and behind it nothing but UpSampling2D and linear Activation: end the network so."
        )
    return [layer]


def _layer_of(tensor: keras.KerasTensor, model: keras.Model) -> keras.Layer | None:
    return next((layer for layer in model.layers if layer.output is tensor), None)


def _only_moves(layer: keras.Layer | None) -> bool:
    """Tell whether a layer gives `f(a x) = a f(x)` and has no weights."""
    return isinstance(layer, layers.UpSampling2D) or (isinstance(layer, layers.Activation) and _is_linear(layer))


def _is_linear(layer: keras.Layer) -> bool:
    return layer.activation is keras.activations.linear


def _kind(layer: keras.Layer | None) -> str:
    return "several steps at once" if layer is None else f"{layer.name} ({type(layer).__name__})"
