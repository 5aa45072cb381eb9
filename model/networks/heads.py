"""What stands behind the logits: the part of a network that is shipped but not trained.

Array contract: `logits` and `probabilities` float32 (batch, height, width, categories).
"""

from __future__ import annotations

import keras
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
