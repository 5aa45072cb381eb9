"""Several networks as one.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import keras
from keras import layers

from model.networks.blocks import image_input


def ensemble(members: Sequence[keras.Model]) -> keras.Model:
    """Build the network whose logits are the mean of those of others.

    Source: Hansen and Salamon 1990, "Neural network ensembles", IEEE PAMI 12 (10).

    Args:
        members: two and more, each from `images` to `logits`, with free sides.

    Returns:
        A model from `images` to `logits`, of built-in layers only; it has copies of the weights. The layers of each
        member keep their names, behind `member1_` and so on.
    """
    images = image_input(None, None)
    outputs = []
    for number, member in enumerate(members, 1):
        copy = keras.models.clone_model(member, input_tensors=images, clone_function=partial(_renamed, number))
        copy.set_weights(member.get_weights())
        outputs.append(copy.output)
    return keras.Model(images, layers.Average(dtype="float32", name="logits")(outputs), name="ensemble")


def _renamed(number: int, layer: keras.Layer) -> keras.Layer:
    return type(layer).from_config(layer.get_config() | {"name": f"member{number}_{layer.name}"})
