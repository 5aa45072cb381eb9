"""Corruptions by name.

Array contract: see `model.data.corruption`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from model.data.corruption import camera, framing, lens, night, weather
from model.data.samples import Example

STRENGTHS = {1: "mild", 2: "moderate", 3: "strong"}
"""Words for the strengths."""

# Photometric ones, of the image alone; their labels stay.
_PHOTOMETRIC: dict[str, Callable[..., np.ndarray]] = {
    "jpeg": camera.jpeg,
    "blur": lens.blur,
    "motion": lens.motion,
    "noise": camera.noise,
    "exposure": camera.exposure,
    "camera": camera.camera,
    "lowres": lens.lowres,
    "night": night.night,
    "rain": weather.rain,
    "fog": weather.fog,
    "glare": weather.glare,
}
_GEOMETRIC: dict[str, Callable[..., Example]] = {"portrait": framing.portrait}

NAMES = (*_PHOTOMETRIC, *_GEOMETRIC)
"""All of them, in the order of tables."""


def generator(sample: str, name: str) -> np.random.Generator:
    """Return the generator for a sample's name and a corruption's: the same for every strength, run and machine."""
    digest = hashlib.sha256(f"{name}\n{sample}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def corrupt(example: Example, name: str, *, strength: int, random: np.random.Generator) -> Example:
    """Corrupt an image.

    Args:
        example: image, labels and scored; none of them is changed.
        name: one of `NAMES`.
        strength: 1 (mild), 2 (moderate) or 3 (strong).
        random: the only source of randomness; see `generator`.

    Returns:
        A new image; the labels and scored that fit it.

    Raises:
        ValueError: the name or the strength is unknown.
    """
    if name not in NAMES:
        raise ValueError(f"Received the corruption {name!r}. Expected one of {', '.join(NAMES)}.")
    if strength not in STRENGTHS:
        words = ", ".join(f"{number} ({word})" for number, word in STRENGTHS.items())
        raise ValueError(f"Received the strength {strength!r}. Expected one of {words}.")
    if name in _GEOMETRIC:
        return _GEOMETRIC[name](example, strength=strength, random=random)
    return example._replace(image=_PHOTOMETRIC[name](example.image, strength=strength, random=random))
