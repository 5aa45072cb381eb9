"""What every engine promises, and how it refuses.

Array contract: `image` uint8 (height, width, 3) RGB and `images` uint8 (batch, height, width, 3), of the artifact's
size; `planes` float32 (categories, height, width) and `probabilities` float32 (batch, height, width, categories), of
which each pixel's sum is 1.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from model.artifact import ArtifactError

PRECISIONS = ("f32", "bf16", "int8")


class EngineError(ArtifactError):
    """The engine cannot run this artifact: its file is missing, stale or damaged, or a library is not installed."""


class Engine(Protocol):
    """What runs a network. May be called from several threads at once.

    Attributes:
        name: `"openvino"` or `"tensorflow"`.
        precision: of its arithmetic: `"f32"`, `"bf16"` or `"int8"`.
    """

    name: str
    precision: str

    def planes(self, image: np.ndarray) -> AbstractContextManager[np.ndarray]:
        """Run the network on one photograph. Normalising it is the network's own first step.

        Args:
            image: uint8 (height, width, 3) RGB of the artifact's size.

        Returns:
            A context: inside its block, float32 (categories, height, width), C-contiguous, one plane of probabilities
            for each category. It is the engine's own memory, which the next run overwrites: copy what outlives the
            block.

        Raises:
            ValueError: another shape or type.
        """

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Run the network on a batch.

        Args:
            images: uint8 (batch, height, width, 3) RGB of the artifact's size.

        Returns:
            float32 (batch, height, width, categories), the caller's own.

        Raises:
            ValueError: another shape or type.
        """


def check_image(image: np.ndarray, size: tuple[int, int]) -> None:
    """Refuse with a `ValueError` what is no `image` of this (height, width)."""
    if image.dtype != np.uint8 or image.shape != (*size, 3):
        raise ValueError(
            f"Received an image of {image.dtype} {image.shape}. Expected uint8 ({size[0]}, {size[1]}, 3): "
            "use model.preprocessing.resize_image."
        )


def check_images(images: np.ndarray, size: tuple[int, int]) -> None:
    """Refuse with a `ValueError` what is no batch of at least one `image` of this (height, width)."""
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images) or images.shape[1:] != (*size, 3):
        raise ValueError(
            f"Received images of {images.dtype} {images.shape}. Expected uint8 (batch, {size[0]}, {size[1]}, 3): "
            "use model.preprocessing.resize_image."
        )
