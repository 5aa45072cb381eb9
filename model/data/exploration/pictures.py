"""The photographs of the report: an image beside its mask, small ones of extremes, and pairs that may be one.

Array contract: see `model.data.samples`. Each picture is a `data:` URI of a JPEG.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from model import categories
from model.data.augmentation.previews import preview
from model.data.exploration.measuring import reduced
from model.data.samples import Example, Sample
from model.reports import image_uri

WIDTH = 360
_OPACITY = 0.65
_QUALITY = 72
_COLORS = np.zeros((256, 3), np.uint8)
_COLORS[: categories.COUNT] = categories.PALETTE


def image_and_overlay(sample: Sample) -> list[str]:
    """Show an image, and the same in the colours of its categories, bare where there is no label."""
    image, labels, _ = sample.read()
    image = reduced(image, width=WIDTH)
    labels = cv2.resize(labels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    blended = cv2.addWeighted(image, 1 - _OPACITY, _COLORS[labels], _OPACITY, 0)
    overlay = np.where((labels == categories.IGNORE)[..., None], image, blended)
    return [image_uri(shown, quality=_QUALITY) for shown in (image, overlay)]


def augmented(names: Sequence[str], examples: Sequence[Example], preset: str, *, views: int) -> list[dict]:
    """Show what a preset of augmentation makes of examples: all of them once, then all of them again."""
    return [
        {"name": name, "view": view + 1, "uri": image_uri(reduced(image, width=WIDTH), quality=_QUALITY)}
        for view in range(views)
        for name, image in zip(names, preview(examples, preset, view=view), strict=True)
    ]


def small(sample: Sample) -> str:
    """Show an image."""
    return image_uri(reduced(sample.read().image, width=WIDTH), quality=_QUALITY)
