"""`Augmentation`: how strongly training samples are varied, and the order in which it happens.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.data.augmentation import geometry, photometry
from model.data.augmentation.copying import copied
from model.data.augmentation.depth import Viewpoint
from model.data.augmentation.night import darkened
from model.data.augmentation.weather import weathered
from model.data.samples import Example

# Things copied into a view, most of which a crop at twice the size does not see.
_MOST_COPIES = 8
# Windows to choose from where one with rare categories is wanted.
_CANDIDATES = 4


@dataclass(frozen=True)
class Augmentation:
    """How strongly training samples are varied; shares are probabilities, 0 to 1.

    Attributes:
        crop: (height, width) in pixels of what the network is shown.
        whole: show the whole image, resized as serving does, and vary nothing; all that follows is then without effect.
        scale: smallest and largest size of the whole image, relative to the size that serving shows the network.
        stretch: largest logarithm of the factor by which the width grows and the height shrinks, or the reverse.
        brightness: largest factor by which exposure is raised or lowered, minus one.
        contrast: likewise, contrast around the image's mean.
        saturation: likewise, the distance of each pixel from its own grey.
        hue: largest shift of each channel's gain, as a share; the white balance of another camera.
        blur: share of views with a blur.
        blur_sigma: its least and greatest standard deviation in pixels.
        jpeg: share of views with JPEG artefacts.
        jpeg_quality: its least and greatest quality.
        motion: share of views blurred by motion, over 3 to 9 pixels.
        noise: share of views with sensor noise of 2 to 8 pixel values.
        weather: share of views with fog, rain, snow or a low sun.
        night: share, of the other views, turned to night: both on one picture leave little to see.
        copies: share of views into which things of rare categories are copied from another sample.
        rare_share: share of views whose crop is the one of four that holds most of the rare categories.
    """

    crop: tuple[int, int]
    whole: bool = False
    scale: tuple[float, float] = (0.75, 2.0)
    stretch: float = 0.1
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.5
    hue: float = 0.1
    blur: float = 0.1
    blur_sigma: tuple[float, float] = (0.4, 1.5)
    jpeg: float = 0.1
    jpeg_quality: tuple[int, int] = (30, 80)
    motion: float = 0.0
    noise: float = 0.0
    weather: float = 0.0
    night: float = 0.0
    copies: float = 0.0
    rare_share: float = 0.0

    def apply(
        self,
        image: np.ndarray,
        labels: np.ndarray,
        *,
        reference: tuple[int, int],
        random: np.random.Generator,
        donor: Callable[[], Example] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make one random view.

        Args:
            image: uint8 (height, width, 3).
            labels: uint8 (height, width).
            reference: (height, width) that serving shows the network; `scale` is relative to it.
            random: the only source of randomness, so the same generator state gives the same view.
            donor: reads another sample, to copy rare categories from; None where there is no other.

        Returns:
            uint8 image and labels of size `crop`.
        """
        return self.pair(image, labels, reference=reference, random=random, donor=donor)[:2]

    def pair(
        self,
        image: np.ndarray,
        labels: np.ndarray,
        *,
        reference: tuple[int, int],
        random: np.random.Generator,
        donor: Callable[[], Example] | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make one random view, and the same crop as it was photographed.

        Args:
            image: as in `apply`, like all that follow.
            labels: likewise.
            reference: likewise.
            random: likewise.
            donor: likewise.

        Returns:
            Image and labels as `apply` returns them, and the image in fair weather, by day, in its own colours.
        """
        if self.whole:
            image, labels = geometry.fitted(image, labels, self.crop)
            return image, labels, image
        if donor is not None and _happens(self.copies, random):
            image, labels = copied(image, labels, donor(), most=_MOST_COPIES, random=random)
        image, labels = geometry.scaled(
            image, labels, reference=reference, scale=self.scale, stretch=self.stretch, random=random
        )
        size = labels.shape
        candidates = _CANDIDATES if _happens(self.rare_share, random) else 1
        image, labels, top = geometry.cropped(image, labels, self.crop, random=random, candidates=candidates)
        if random.random() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        image, labels = np.ascontiguousarray(image), np.ascontiguousarray(labels)
        fair, viewpoint = image, Viewpoint.of(size, top=top)
        if _happens(self.weather, random):
            image = weathered(image, labels, viewpoint=viewpoint, random=random)
        elif _happens(self.night, random):
            image = darkened(image, labels, viewpoint=viewpoint, random=random)
        return self._photographed(image, random), labels, fair

    def _photographed(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        image = photometry.colours(
            image,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
            random=random,
        )
        if _happens(self.motion, random):
            image = photometry.shaken(image, length=(3, 9), random=random)
        if _happens(self.blur, random):
            image = photometry.blurred(image, sigma=self.blur_sigma, random=random)
        # Light falls through the lens before the sensor adds its noise, and the file comes last.
        if _happens(self.noise, random):
            image = photometry.noisy(image, sigma=(2, 8), random=random)
        if _happens(self.jpeg, random):
            image = photometry.compressed(image, quality=self.jpeg_quality, random=random)
        return image


def _happens(share: float, random: np.random.Generator) -> bool:
    # What never happens draws nothing, so that a new kind of change leaves the views of older recipes as they were.
    return share > 0 and random.random() < share
