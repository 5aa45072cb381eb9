"""What becomes of a photograph between the sensor and the file: noise, exposure, another camera's taste, JPEG.

Array contract: see `model.data.corruption`.
"""

from __future__ import annotations

import cv2
import numpy as np

from model.data.corruption import light as lights

# Electrons that white fills a pixel with, of a photograph 640 wide, by strength; and those that reading adds.
_ELECTRONS = (1000.0, 300.0, 90.0)
_READ_NOISE = 1.0
# Daylight has less red and blue than a sensor's filters let through green; the camera amplifies them, noise and all.
_GAINS = np.array([1.9, 1.0, 1.6], np.float32)
_STOPS = (1.0, 2.0, 3.0)
_MIREDS = (25.0, 50.0, 90.0)
_QUALITY = (50, 30, 15)


def noise(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Add a sensor's noise: of the light itself, and of reading it; worst in shadows, in red and blue.

    The variance is a x + b with light x: Foi, Trimeche, Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise
    modeling and fitting for single-image raw-data" (IEEE TIP 17, 2008), equation 3. Kamann and Rother 2020 (arXiv
    1908.05005) found noise that depends on the light nearer to cameras than ImageNet-C's, which is even.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: white is 1000, 300 or 90 electrons in each pixel of a photograph 640 wide. Of a wider one each
            pixel has fewer: the sensor catches no more light for being cut into more pixels.
        random: draws the noise.
    """
    electrons = np.float32(_ELECTRONS[strength - 1] * (lights.REFERENCE_WIDTH / image.shape[1]) ** 2)
    return lights.to_image(with_noise(lights.to_light(image), electrons=electrons, random=random))


def with_noise(light: np.ndarray, *, electrons: float, random: np.random.Generator) -> np.ndarray:
    """Add noise to light.

    Args:
        light: float32 (height, width, 3), linear.
        electrons: that light of 1 fills a pixel with.
        random: draws it.

    Returns:
        A new array, below 0 here and there.
    """
    per_channel = np.float32(electrons) / _GAINS
    variance = np.maximum(light, 0) / per_channel + (np.float32(_READ_NOISE) / per_channel) ** 2
    return light + np.sqrt(variance) * random.standard_normal(light.shape, np.float32)


def exposure(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Expose a photograph wrongly, too long or too short, by photographic stops on light.

    ImageNet-C's `brightness` adds to pixel values, which no camera does.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: 1, 2 or 3 stops, each of which doubles or halves the light.
        random: draws which of the two.
    """
    stops = _STOPS[strength - 1] * (1 if random.random() < 0.5 else -1)
    return lights.to_image(lights.to_light(image) * np.float32(2.0**stops))


def camera(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Take the photograph with another camera: white balance, tone curve, colours, vignetting, sharpening.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: how far each of these is from the camera's that took it.
        random: draws the direction of each: warm or cold, soft or hard, pale or vivid.
    """
    warm, hard, vivid = (1 if random.random() < 0.5 else -1 for _ in range(3))
    share = (0.45, 1.0, 1.7)[strength - 1]
    # Warmer light has more red and less blue, by about as much for each mired along the line of black bodies.
    shift = np.float32(warm * _MIREDS[strength - 1] / 300)
    light = lights.to_light(image) * np.exp2(np.array([shift, 0, -1.4 * shift], np.float32))
    light *= _vignette(light.shape[:2], 0.9 * share)
    grey = lights.luminance(light)[..., None]
    light = np.clip(grey + (light - grey) * np.float32(1 + vivid * 0.25 * share), 0, None)
    toned = _exposed_as(_toned(lights.to_image(light), hard * share), image)
    soft = cv2.GaussianBlur(toned, (0, 0), max(0.5, lights.pixels(1.0, image.shape[1])))
    return cv2.addWeighted(toned, 1 + 0.5 * share, soft, -0.5 * share, 0)


def jpeg(image: np.ndarray, *, strength: int, random: np.random.Generator) -> np.ndarray:
    """Write a photograph as JPEG and read it again; libjpeg-turbo with its usual 4:2:0.

    `jpeg_compression` of Hendrycks and Dietterich 2019 (arXiv 1903.12261), whose qualities are 25 to 7. The one
    corruption that grows with no width: blocks are 8 pixels on every photograph.

    Args:
        image: uint8 (height, width, 3).
        strength: 1 to 3: quality 50, 30 or 15.
        random: is not used.
    """
    settings = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY[strength - 1]]
    # OpenCV's order is blue, green, red.
    written = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), settings)[1]
    return np.ascontiguousarray(cv2.imdecode(written, cv2.IMREAD_COLOR)[..., ::-1])


def _vignette(size: tuple[int, int], power: float) -> np.ndarray:
    """How much light reaches each place: cosine to the fourth of the angle, to some power; (height, width, 1)."""
    height, width = size
    rows = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - np.float32(height / 2)) / np.float32(width)
    columns = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(width) - np.float32(0.5)
    return (1 + rows**2 + columns**2)[..., None] ** np.float32(-2 * power)


def _exposed_as(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Bring the mean light to that of another picture: cameras set their exposure for it, whatever their taste."""
    light, wanted = lights.to_light(image), lights.to_light(other).mean()
    return lights.to_image(light * (wanted / max(light.mean(), np.float32(1e-4))))


def _toned(image: np.ndarray, hardness: float) -> np.ndarray:
    """Bend pixel values: a harder picture has an S for a curve and darker middles, a softer one lifted shadows."""
    values = np.arange(256) / 255
    curve = values ** np.exp2(0.15 * hardness)
    if hardness > 0:
        curve += min(1.0, 0.5 * hardness) * (curve**2 * (3 - 2 * curve) - curve)
    else:
        curve = curve * (1 + 0.06 * hardness) - 0.05 * hardness
    return cv2.LUT(image, np.rint(255 * np.clip(curve, 0, 1)).astype(np.uint8))
