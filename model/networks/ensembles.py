"""Several networks as one.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import layers

from model.networks.blocks import image_input
from model.networks.heads import makers


def ensemble(
    members: Sequence[keras.Model], reductions: Sequence[int] | None = None, bodies: Sequence[int] | None = None
) -> keras.Model:
    """Build the network whose logits are the mean of those of others.

    Sources: Hansen and Salamon 1990, "Neural network ensembles", IEEE PAMI 12 (10); of one network at several sizes,
    Chen et al. 2016, "Attention to Scale", arXiv 1511.03339.

    Args:
        members: two and more, each from `images` to `logits`, with free sides.
        reductions: of the image that each sees: 2 is half of its height and its width. None for 1s, the image itself.
        bodies: of each, the index of the first that has the same weights before its last convolution; they are in the
            network once. None for networks that have nothing in common.

    Returns:
        A model from `images` to `logits`, of built-in layers only; it has copies of the weights. The layers of each
        member keep their names, behind `member1_` and so on.
    """
    images = image_input(None, None)
    reductions = reductions or [1] * len(members)
    bodies = bodies or range(len(members))
    copies: list[dict[str, keras.Layer]] = []
    outputs = []
    for number, (member, reduction, body) in enumerate(zip(members, reductions, bodies, strict=True)):
        known = copies[body] if body < number else {}
        copies.append(known if body < number else {})
        heads = makers(member)

        def copy(layer: keras.Layer, number=number, known=known, heads=heads) -> keras.Layer:
            # What has no weights may be an operation, which is no layer.
            if getattr(layer, "weights", ()) and layer not in heads and layer.name in known:
                return known[layer.name]
            made = type(layer).from_config(layer.get_config() | {"name": f"member{number + 1}_{layer.name}"})
            copies[number].setdefault(layer.name, made)
            return made

        made = _seen(member, images, reduction, copy, name=f"member{number + 1}")
        made.set_weights(member.get_weights())
        outputs.append(made.output)
    return keras.Model(images, layers.Average(dtype="float32", name="logits")(outputs), name="ensemble")


def reduced(member: keras.Model, reduction: int) -> keras.Model:
    """Return a network that sees images of a part of their height and width, and answers at their full size.

    Args:
        member: from `images` to `logits`, with free sides.
        reduction: 2 for half of each.

    Returns:
        A model from `images`, whose sides are multiples of 32 times the reduction, to `logits`, sharing the weights.
    """
    return _seen(member, image_input(None, None), reduction, lambda layer: layer, name=member.name)


def _seen(
    member: keras.Model,
    images: keras.KerasTensor,
    reduction: int,
    copy: Callable[[keras.Layer], keras.Layer],
    *,
    name: str,
) -> keras.Model:
    """Call the copy of each layer of a network anew, on images that are made smaller before and logits made larger."""
    small = images if reduction == 1 else layers.AveragePooling2D(reduction, name=f"{name}_small")(images)

    def call(layer: keras.Layer, *arguments, **more):
        return layer(*(small if argument is images else argument for argument in arguments), **more)

    made = keras.models.clone_model(member, input_tensors=images, clone_function=copy, call_function=call)
    if reduction == 1:
        return made
    enlarge = layers.UpSampling2D(reduction, interpolation="bilinear", dtype="float32", name=f"{name}_large")
    return keras.Model(images, enlarge(made.output), name=member.name)
