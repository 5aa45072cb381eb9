"""Random views of a sample: scale-crop and flip move image and labels together, photometry changes the image alone.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids, `IGNORE` (255) where
there is no ground truth, the padding of a crop among it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.categories import IGNORE
from model.preprocessing import resize_image, resize_labels


@dataclass(frozen=True)
class Augmentation:
    """How strongly training samples are varied.

    Attributes:
        crop: (height, width) in pixels of what the network is shown.
        scale: smallest and largest size of the whole image, relative to the size that serving shows the network.
        stretch: largest logarithm of the factor by which the width grows and the height shrinks, or the reverse.
        brightness: largest factor by which exposure is raised or lowered, minus one.
        contrast: likewise, contrast around the image's mean.
        saturation: likewise, the distance of each pixel from its own grey.
        hue: largest shift of each channel's gain, as a share; the white balance of another camera.
        blur: probability of a light blur.
        jpeg: probability of JPEG artefacts, quality 30 to 80.
    """

    crop: tuple[int, int]
    scale: tuple[float, float] = (0.75, 2.0)
    stretch: float = 0.1
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.5
    hue: float = 0.1
    blur: float = 0.1
    jpeg: float = 0.1

    def apply(
        self, image: np.ndarray, labels: np.ndarray, *, reference: tuple[int, int], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make one random view.

        Args:
            image: uint8 (height, width, 3).
            labels: uint8 (height, width).
            reference: (height, width) that serving shows the network; `scale` is relative to it.
            random: the only source of randomness, so the same generator state gives the same view.

        Returns:
            uint8 image and labels of size `crop`.
        """
        image, labels = self._scaled(image, labels, reference, random)
        image, labels = _cropped(image, labels, self.crop, random)
        if random.random() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        return self._photometric(np.ascontiguousarray(image), random), np.ascontiguousarray(labels)

    def _scaled(
        self, image: np.ndarray, labels: np.ndarray, reference: tuple[int, int], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        # Log-uniform: half and double are equally far from one. The stretch stands for cameras of another aspect, which
        # serving fits to the network's own.
        scale = np.exp(random.uniform(*np.log(self.scale)))
        stretch = np.exp(random.uniform(-self.stretch, self.stretch))
        size = (round(reference[0] * scale / stretch), round(reference[1] * scale * stretch))
        return resize_image(image, size), resize_labels(labels, size)

    def _photometric(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        pixels = image.astype(np.float32)
        gains = (1 + random.uniform(-self.brightness, self.brightness)) * (1 + random.uniform(-self.hue, self.hue, 3))
        pixels *= gains.astype(np.float32)
        mean = pixels.mean()
        pixels = mean + (pixels - mean) * np.float32(1 + random.uniform(-self.contrast, self.contrast))
        grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        grey = grey[..., None]
        pixels = grey + (pixels - grey) * np.float32(1 + random.uniform(-self.saturation, self.saturation))
        image = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
        if random.random() < self.blur:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.5))
        if random.random() < self.jpeg:
            quality = int(random.integers(30, 81))
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        return image


def _cropped(
    image: np.ndarray, labels: np.ndarray, crop: tuple[int, int], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a random window; where the image is smaller, it lands at random on a grey, unlabelled ground."""
    short = np.maximum(0, np.array(crop) - image.shape[:2])
    if short.any():
        top, left = (int(random.integers(0, missing + 1)) for missing in short)
        around = ((top, short[0] - top), (left, short[1] - left))
        image = np.pad(image, (*around, (0, 0)), constant_values=127)
        labels = np.pad(labels, around, constant_values=IGNORE)
    top, left = (int(random.integers(0, side - wanted + 1)) for side, wanted in zip(labels.shape, crop, strict=True))
    window = np.s_[top : top + crop[0], left : left + crop[1]]
    return image[window], labels[window]
