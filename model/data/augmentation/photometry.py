"""What another camera would make of the same scene: exposure, colours, noise, blur and compression. Labels stay.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

import cv2
import numpy as np

# ITU-R BT.601, as JPEG has it.
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def colours(
    image: np.ndarray,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Vary exposure, white balance, contrast and saturation.

    Args:
        image: uint8 (height, width, 3).
        brightness: largest factor by which exposure is raised or lowered, minus one.
        contrast: likewise, contrast around the image's mean.
        saturation: likewise, the distance of each pixel from its own grey.
        hue: largest shift of each channel's gain, as a share.
        random: draws the factors.

    Returns:
        A new uint8 image.
    """
    pixels = image.astype(np.float32)
    gains = (1 + random.uniform(-brightness, brightness)) * (1 + random.uniform(-hue, hue, 3))
    pixels *= gains.astype(np.float32)
    mean = pixels.mean()
    pixels -= mean
    pixels *= np.float32(1 + random.uniform(-contrast, contrast))
    pixels += mean
    grey = (pixels @ LUMINANCE)[..., None]
    pixels -= grey
    pixels *= np.float32(1 + random.uniform(-saturation, saturation))
    pixels += grey
    # A crop has many pixels, and each pass over them costs: everything happens in place.
    np.clip(pixels, 0, 255, out=pixels)
    np.rint(pixels, out=pixels)
    return pixels.astype(np.uint8)


def noisy(image: np.ndarray, *, sigma: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Add sensor noise, strong in luminance, weak in colour, as a camera leaves it after its own denoising.

    Args:
        image: uint8 (height, width, 3).
        sigma: least and greatest standard deviation of the luminance, in pixel values.
        random: draws strength and noise.

    Returns:
        A new uint8 image.
    """
    strength = np.float32(random.uniform(*sigma))
    grain = random.standard_normal(image.shape[:2], np.float32)
    # Colour noise is coarse: drawn at a quarter of the resolution.
    coarse = random.standard_normal((image.shape[0] // 4 + 1, image.shape[1] // 4 + 1, 3), np.float32)
    colour = cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    colour *= strength / 2
    colour += (grain * strength)[..., None]
    return cv2.add(image, colour, dtype=cv2.CV_8U)


def blurred(image: np.ndarray, *, sigma: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Blur as a lens out of focus does, by a Gaussian of `sigma` pixels, least and greatest."""
    return cv2.GaussianBlur(image, (0, 0), random.uniform(*sigma))


def shaken(image: np.ndarray, *, length: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Blur as a moving camera does, along a nearly level line of `length` pixels, least and greatest."""
    half = random.uniform(*length) / 2
    angle = random.normal(0, 0.35)
    side = 2 * int(np.ceil(half)) + 1
    kernel = np.zeros((side, side), np.float32)
    reach = np.array([np.cos(angle), np.sin(angle)]) * half
    # The last four bits of a point's coordinates are its fraction of a pixel.
    first, last = (tuple(round(16 * (side // 2 + sign * part)) for part in reach) for sign in (-1, 1))
    cv2.line(kernel, first, last, 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)


def compressed(image: np.ndarray, *, quality: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Leave the artefacts of a JPEG of `quality`, least and greatest, 1 to 100."""
    drawn = int(random.integers(quality[0], quality[1] + 1))
    # OpenCV's order is blue, green, red, and a JPEG keeps little of what it takes for blue.
    written = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, drawn])[1]
    return np.ascontiguousarray(cv2.imdecode(written, cv2.IMREAD_COLOR)[..., ::-1])
