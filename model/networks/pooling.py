"""Max pooling that remembers where each maximum stood, and its inverse, out of built-in operations on every backend.

Array contract: `features` symbolic (batch, height, width, channels), sides even, None or not; `places` four boolean
masks (batch, height / 2, width / 2, channels): of each window's corners (top left, top right, bottom left, bottom
right) exactly one is true.
"""

from __future__ import annotations

import keras
from keras import layers, ops

Places = tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]


def pool_with_places(features: keras.KerasTensor, *, name: str) -> tuple[keras.KerasTensor, Places]:
    """Pool 2x2 windows to their maximum and say where it stood.

    Comparisons in place of an argmax: runtimes disagree about which of equals an argmax names, and behind a ReLU whole
    windows are equal.

    Args:
        features: symbolic.
        name: of the pooling layer.

    Returns:
        The maxima, symbolic (batch, height / 2, width / 2, channels), and their places; of equals the first counts, in
        reading order.
    """
    top_left, top_right, bottom_left, bottom_right = ops.split(ops.space_to_depth(features, 2), 4, axis=-1)
    upper = ops.maximum(top_left, top_right) >= ops.maximum(bottom_left, bottom_right)
    left_above, left_below = top_left >= top_right, bottom_left >= bottom_right
    lower = ops.logical_not(upper)
    places = (
        ops.logical_and(upper, left_above),
        ops.logical_and(upper, ops.logical_not(left_above)),
        ops.logical_and(lower, left_below),
        ops.logical_and(lower, ops.logical_not(left_below)),
    )
    return layers.MaxPooling2D(2, name=name)(features), places


def unpool(features: keras.KerasTensor, places: Places) -> keras.KerasTensor:
    """Put each value of `features` back to its place in a window of 2x2, zeros around it.

    Args:
        features: symbolic (batch, height / 2, width / 2, channels).
        places: what `pool_with_places` gave.

    Returns:
        Symbolic (batch, height, width, channels).
    """
    zero = ops.zeros_like(features)
    corners = [ops.where(place, features, zero) for place in places]
    return ops.depth_to_space(ops.concatenate(corners, axis=-1), 2)
