"""Light instead of pixel values: lenses, weather and sensors work on light, files hold it bent by a curve.

Array contract: see `model.data.corruption`. `light` is float32 (height, width, 3), linear, 1 where a camera saturates.
"""

from __future__ import annotations

import cv2
import numpy as np

REFERENCE_WIDTH = 640
"""The width, in pixels, of the photograph that sizes are said for; on another they grow and shrink with its width."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear RGB, ITU-R BT.709."""

# Fine enough for the darkest pixels, where a step of light is many of grey.
_STEPS = 1 << 15


def _encoded(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _decoded(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


_TO_LIGHT = _decoded(np.arange(256) / 255).astype(np.float32)
_TO_PIXELS = np.rint(255 * _encoded(np.arange(_STEPS) / (_STEPS - 1))).astype(np.uint8)


def to_light(image: np.ndarray) -> np.ndarray:
    """Return the light behind pixel values, by the curve of sRGB (IEC 61966-2-1).

    Args:
        image: uint8 (height, width, 3).
    """
    return cv2.LUT(image, _TO_LIGHT)


def to_image(light: np.ndarray) -> np.ndarray:
    """Return the pixel values of light, a new uint8 (height, width, 3); what is beyond 0 to 1 is cut off."""
    return _TO_PIXELS[np.rint(np.clip(light, 0, 1) * (_STEPS - 1)).astype(np.int32)]


def luminance(light: np.ndarray) -> np.ndarray:
    """Return float32 (height, width), how bright light looks."""
    return light @ LUMINANCE


def pixels(share: float, width: int) -> float:
    """Return a size for a photograph's width.

    Args:
        share: the size in pixels of a photograph that is `REFERENCE_WIDTH` wide.
        width: of the photograph, in pixels.
    """
    return share * width / REFERENCE_WIDTH


def blurred(light: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian, a wide one at a lower resolution: the same to the eye at a fraction of the time.

    Args:
        light: float32, (height, width) or with channels.
        sigma: standard deviation in pixels, 0 or more.

    Returns:
        A new array of the same shape.
    """
    height, width = light.shape[:2]
    factor = max(1, int(sigma / 3))
    if sigma < 0.05:
        return light.copy()
    if factor == 1:
        return cv2.GaussianBlur(light, (0, 0), sigma)
    small = (max(1, -(-width // factor)), max(1, -(-height // factor)))
    shrunk = cv2.GaussianBlur(cv2.resize(light, small, interpolation=cv2.INTER_AREA), (0, 0), sigma / factor)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)


def evened(light: np.ndarray, *, power: float) -> np.ndarray:
    """Take sun and shadow nearer to one another: divide by the light all around, to some power (Land's Retinex).

    Args:
        light: float32 (height, width, 3).
        power: 0 leaves it, 1 makes every neighbourhood equally bright.

    Returns:
        A new array with the same mean luminance.
    """
    found = light * around(light) ** np.float32(-power)
    return found * (luminance(light).mean() / max(luminance(found).mean(), np.float32(1e-4)))


def around(light: np.ndarray) -> np.ndarray:
    """Return float32 (height, width, 1), the luminance all around each place, never quite 0."""
    return np.maximum(blurred(luminance(light), pixels(40, light.shape[1])), 0.02)[..., None]


def clouds(size: tuple[int, int], *, random: np.random.Generator, coarsest: float = 0.5) -> np.ndarray:
    """Draw soft random patches, as fog and light on a street have them: octaves of noise, each half as large.

    The plasma fractal of ImageNet-C's fog (Hendrycks and Dietterich 2019, arXiv 1903.12261) has the same spectrum; this
    one needs no square with a side of two to some power.

    Args:
        size: (height, width) in pixels.
        random: draws the patches.
        coarsest: size of the largest patches, as a share of the width.

    Returns:
        float32 (height, width), mean about 0, standard deviation about 1.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(5):
        across = round(2**octave / coarsest) + 2
        down = max(2, round(across * height / width))
        noise = random.standard_normal((down, across), np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.5**octave)
    return total / np.sqrt(np.float32(4 / 3))


def guided(guide: np.ndarray, values: np.ndarray, *, radius: float, smoothness: float = 1e-3) -> np.ndarray:
    """Make values follow the edges of a picture: the guided filter of He, Sun and Tang (TPAMI 2013), equations 5 to 8.

    Args:
        guide: float32 (height, width), about 0 to 1.
        values: float32 (height, width).
        radius: of its windows in pixels.
        smoothness: variance of the guide under which a window counts as flat.

    Returns:
        A new float32 (height, width).
    """
    side = 2 * max(1, round(radius)) + 1

    def mean(array: np.ndarray) -> np.ndarray:
        return cv2.blur(array, (side, side), borderType=cv2.BORDER_REPLICATE)

    centre, level = mean(guide), mean(values)
    slope = (mean(guide * values) - centre * level) / (mean(guide * guide) - centre * centre + np.float32(smoothness))
    return mean(slope) * guide + mean(level - slope * centre)
