"""The network as it is scored and shipped: averaged weights, batch norms that fit them."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np


def averaged(model: keras.Model, batches: Iterable[np.ndarray], *, into: keras.Model) -> None:
    """Copy `model` into `into` with the optimiser's exponential moving average for weights.

    The average covers weights only. Batch norm statistics belong to the raw weights, so they are computed anew, with
    the random numbers of `model`: dropout before a batch norm then drops the same, whether or not a run was broken off.

    Args:
        model: compiled with an optimiser that keeps a moving average.
        batches: float32 (batch, height, width, 3), normalised; they give the statistics.
        into: of the same architecture.
    """
    for target, source in zip(into.weights, model.weights, strict=True):
        target.assign(source)
    model.optimizer.finalize_variable_values(into.trainable_variables)
    # On JAX an assigned variable shares the source's memory, which running `into` would take away from the optimiser,
    # and lies on all its devices, while `into` runs on one.
    for variable in into.weights:
        variable.assign(keras.ops.convert_to_numpy(variable).copy())
    for target, source in zip(random_states(into), random_states(model), strict=True):
        target.assign(keras.ops.convert_to_numpy(source).copy())
    recompute_batch_norms(into, batches)


def random_states(model: keras.Model) -> list[keras.Variable]:
    """Return the states of its random numbers, dropout's above all, which Keras does not count among the weights."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def recompute_batch_norms(model: keras.Model, batches: Iterable[np.ndarray]) -> None:
    """Set the moving statistics of every batch norm that is not frozen to the plain mean over `batches`.

    Args:
        model: changed in place.
        batches: float32 (batch, height, width, 3), normalised, of one size.
    """
    norms = [norm for norm in _batch_norms(model) if norm.trainable]
    momenta = [norm.momentum for norm in norms]
    for seen, images in enumerate(batches):
        # moving = m moving + (1 - m) batch is the running mean of all batches when m = n / (n + 1).
        for norm in norms:
            norm.momentum = seen / (seen + 1)
        model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Return every batch norm once, those of models within the model as well."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {id(norm): norm for norm in _batch_norms(layer)}
        elif isinstance(layer, keras.layers.BatchNormalization):
            found[id(layer)] = layer
    return list(found.values())
