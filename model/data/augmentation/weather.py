"""Fog, rain, snow and a low sun, painted over a street taken in fair weather. Labels stay.

Array contract: see `model.data.augmentation`. `pixels` are float32 (height, width, 3) RGB, 0 to 255.
"""

from __future__ import annotations

import numpy as np

from model.data.augmentation import particles
from model.data.augmentation.depth import FLAT, SKY, Viewpoint, distances
from model.data.augmentation.photometry import LUMINANCE
from model.data.augmentation.surfaces import reflected, snowed_in


def weathered(
    image: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator
) -> np.ndarray:
    """Paint one kind of weather, drawn by its share.

    Args:
        image: uint8 (height, width, 3).
        labels: uint8 (height, width); tells what is ground and sky.
        viewpoint: of the camera.
        random: draws the kind and its strength.

    Returns:
        A new uint8 image.
    """
    kinds = (fog, rain, snow, low_sun)
    paint = kinds[int(random.choice(len(kinds), p=(0.3, 0.35, 0.15, 0.2)))]
    pixels = paint(image.astype(np.float32), labels, viewpoint=viewpoint, random=random)
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)


def fog(pixels: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """Fog in which one sees 50 to 400 metres far; changes and returns `pixels`."""
    # Log-uniform: thick fog is as frequent as thin.
    sight = float(np.exp(random.uniform(np.log(50), np.log(400))))
    _fade(pixels, random.uniform(0.1, 0.5))
    airlight = _airlight(pixels, random)
    return _hazed(pixels, distances(labels, viewpoint), sight, airlight)


def rain(pixels: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """Rain: a dull light, haze, a road that mirrors, streaks, and at times drops on the windscreen."""
    strength = random.uniform(0.2, 1.0)
    _fade(pixels, 0.25 + 0.3 * strength)
    pixels *= np.array([0.90, 0.93, 0.97], np.float32) * np.float32(1 - 0.15 * strength)
    pixels = reflected(pixels, labels == FLAT, viewpoint=viewpoint, share=0.4 + 0.35 * strength, random=random)
    airlight = np.float32(0.95) * _airlight(pixels, random)
    pixels = _hazed(pixels, distances(labels, viewpoint), 900 - 600 * strength, airlight)
    streaks = particles.streaks(labels.shape, strength=strength, random=random)[..., None]
    pixels += streaks * (airlight * np.float32(1.15) - pixels)
    return particles.seen_through_drops(pixels, random=random) if random.random() < 0.35 else pixels


def snow(pixels: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """Snow that falls and, on most of such days, lies on the ground."""
    strength = random.uniform(0.2, 1.0)
    _fade(pixels, 0.35)
    airlight = _airlight(pixels, random)
    if random.random() < 0.7:
        pixels = snowed_in(pixels, labels, white=airlight, viewpoint=viewpoint, random=random)
    pixels = _hazed(pixels, distances(labels, viewpoint), 600 - 400 * strength, airlight)
    flakes = particles.flakes(labels.shape, strength=strength, random=random)[..., None]
    pixels += flakes * (np.float32(240) - pixels)
    return pixels


def low_sun(pixels: np.ndarray, labels: np.ndarray, *, viewpoint: Viewpoint, random: np.random.Generator) -> np.ndarray:
    """A low sun ahead: it blinds around itself and veils the rest; without sky to stand in, it is just outside."""
    height, width = labels.shape
    column = random.uniform(0.05, 0.95) * width
    row = min(viewpoint.horizon - random.uniform(0.05, 0.35) * height, 0.6 * height)
    sky = np.flatnonzero(labels[::8, ::8] == SKY)
    if len(sky):
        drawn = int(sky[int(random.integers(len(sky)))])
        row, column = (8.0 * place for place in divmod(drawn, (width + 7) // 8))
    rows = np.arange(height, dtype=np.float32)[:, None] - np.float32(row)
    columns = np.arange(width, dtype=np.float32) - np.float32(column)
    apart = np.sqrt(rows * rows + columns * columns) / np.float32(height)
    disc = np.exp(-((apart / 0.04) ** 2)) * 2 + 0.9 / (1 + (apart / random.uniform(0.1, 0.3)) ** 2)
    veil = np.float32(random.uniform(0.05, 0.25))
    glow = (disc + veil)[..., None].astype(np.float32)
    # What is lit from behind is seen in shadow.
    pixels *= np.float32(random.uniform(0.55, 0.85))
    warm = np.array([255, 240, 205], np.float32)
    pixels += glow * warm * (1 - pixels / 400)
    return pixels


def _fade(pixels: np.ndarray, share: float) -> None:
    """Take a share of the colour away."""
    grey = (pixels @ LUMINANCE)[..., None]
    pixels += np.float32(share) * (grey - pixels)


def _airlight(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    # The brightest part of the scene, with its white balance, tells how bright fog would be there.
    brightest = np.percentile(pixels[::8, ::8].reshape(-1, 3), 95, axis=0).astype(np.float32)
    whitish = 0.4 * brightest + 0.6 * brightest.mean()
    return whitish * np.float32(np.clip(random.uniform(1.0, 1.35), 0, 240 / max(float(whitish.max()), 1)))


def _hazed(pixels: np.ndarray, distance: np.ndarray, sight: float, airlight: np.ndarray) -> np.ndarray:
    """Mix in the light that the air scatters: H. Koschmieder, 1924; `sight` is where a twentieth is left, metres."""
    clear = np.exp(distance * np.float32(np.log(0.05) / sight))[..., None]
    pixels -= airlight
    pixels *= clear
    pixels += airlight
    return pixels
