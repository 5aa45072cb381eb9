"""What a network costs, counted layer by layer.

Array contract: see `model.networks.blocks`.
"""

from __future__ import annotations

import math

import keras
from keras import layers


def multiply_adds(model: keras.Model, size: tuple[int, int]) -> int:
    """Count the multiplications, each with its addition, of one image.

    Convolutions and dense layers are counted, as papers do; batch norms fold into them, and the rest is small. Padding
    is counted like pixels. Papers' "FLOPs" are sometimes this number, sometimes twice it.

    Args:
        model: from images to anything; layers in one level, as `registry.create` makes them.
        size: (height, width) of the image in pixels.

    Returns:
        How many.

    Raises:
        ValueError: a layer is itself a model.
    """
    nested = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    if nested:
        raise ValueError(f"{model.name} holds other models: {', '.join(nested)}. Expected layers in one level.")
    counted = [layer for layer in model.layers if _kernels(layer)]
    tensors = [layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output for layer in counted]
    if not tensors:
        return 0
    shapes = keras.Model(model.inputs, tensors).compute_output_shape((1, *size, model.input_shape[-1]))
    return sum(
        math.prod(shape[1:-1]) * sum(math.prod(kernel.shape) for kernel in _kernels(layer))
        for layer, shape in zip(counted, shapes, strict=True)
    )


def _kernels(layer: layers.Layer) -> list:
    """What is multiplied at every cell of the answer; of the input, for a transposed convolution."""
    if isinstance(layer, layers.SeparableConv2D):
        return [layer.depthwise_kernel, layer.pointwise_kernel]
    if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.Conv2DTranspose | layers.Dense):
        return [layer.kernel]
    return []
