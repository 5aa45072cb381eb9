"""Pretrained encoders: a Keras backbone and the features a decoder takes from it.

Array contract: `images` float32 (batch, height, width, 3), RGB, normalised to [-1, 1]; both sides divide by 32.
"""

from __future__ import annotations

from pathlib import Path

import keras

# The linear bottleneck outputs (16, 24, 32, 96 channels), not the six times wider expansions inside the blocks:
# a decoder that joins the expansions spends most of its multiplications on them.
MOBILENET_V2_SKIPS = ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add")
MOBILENET_V2_BOTTOM = "block_16_project_BN"


def mobilenet_v2(
    images: keras.KerasTensor, *, weights: str | Path | None, freeze_batch_norm: bool, batch_norm_momentum: float
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Build MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) on `images`.

    Args:
        images: symbolic float32 (batch, height, width, 3) in [-1, 1].
        weights: a `.weights.h5` file of `MobileNetV2(include_top=False)`, `"imagenet"` to let Keras download its own,
            or None for random weights.
        freeze_batch_norm: keep the batch norms' statistics, scales and offsets as they come with the weights.
        batch_norm_momentum: in (0, 1), where they are not frozen. Keras's own 0.999 lets the moving statistics lag
            thousands of steps behind the weights in fine-tuning.

    Returns:
        The features at strides 2, 4, 8 and 16 (16, 24, 32, 96 channels), and those at stride 32 (320 channels).

    Raises:
        ValueError: `weights` names a file that does not exist.
    """
    path = None if weights in (None, "imagenet") else Path(weights)
    if path is not None and not path.is_file():
        raise ValueError(
            f"Encoder weights {str(path)!r} are not a file. Expected a MobileNetV2 .weights.h5 without its top, "
            "'imagenet' (downloaded by keras.applications) or 'none' (random). Pass one of these to --encoder-weights."
        )
    backbone = keras.applications.MobileNetV2(
        input_tensor=images, include_top=False, weights="imagenet" if weights == "imagenet" else None
    )
    if path is not None:
        backbone.load_weights(path)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = batch_norm_momentum
            layer.trainable = not freeze_batch_norm
    skips = [backbone.get_layer(name).output for name in MOBILENET_V2_SKIPS]
    return skips, backbone.get_layer(MOBILENET_V2_BOTTOM).output
