"""From a photograph to a category for each pixel.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids; `confidence` uint8
(height, width), 0 to 255. Sizes are (height, width) in pixels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from model import artifact as artifacts
from model import categories, preprocessing
from model.artifact import Artifact
from model.inference import engines
from model.inference.engines import Engine

# Pixels that are interpolated at a time: a few float32 planes of 1 MiB, which stay in the processor's cache.
STRIP_PIXELS = 1 << 18


@dataclass(frozen=True)
class Segmentation:
    """The answer for one photograph.

    Attributes:
        labels: uint8 (height, width), category ids 0 to 7.
        confidence: uint8 (height, width), round(255 x probability of the chosen category).
        size: (height, width) in pixels.
        timings: milliseconds by stage: `network` (resizing and normalising included) and `labels`.
        version: the artifact's name and first 12 digits of its SHA-256.
    """

    labels: np.ndarray
    confidence: np.ndarray
    size: tuple[int, int]
    timings: dict[str, float]
    version: str


class Segmenter:
    """A network ready to segment; holds no state between calls and may be called from several threads at once.

    Args:
        artifact: says size, normalisation, names and version.
        engine: runs the network.
    """

    def __init__(self, artifact: Artifact, engine: Engine) -> None:
        self.artifact = artifact
        self.engine = engine

    @property
    def version(self) -> str:
        """The artifact's version."""
        return self.artifact.version

    def segment(
        self,
        image: np.ndarray,
        *,
        void: Literal["shown", "never"] = "shown",
        size: tuple[int, int] | None = None,
    ) -> Segmentation:
        """Label every pixel of a photograph.

        The photograph is stretched to the network's size. What comes back at full size is probabilities, bilinearly,
        and the best of them is taken there: borders between categories come out smooth, not in steps.

        Args:
            image: uint8 (height, width, 3) RGB.
            void: `"shown"` lets a pixel be void; `"never"` takes the best of the other seven, with its probability.
            size: (height, width) of the answer; None for the image's own.

        Returns:
            Labels and confidence.

        Raises:
            ValueError: an image of another shape or type, an unknown `void`, or a side of `size` below 1.
        """
        size = _checked_size(image, void, size)
        start = time.perf_counter()
        probabilities = self.probabilities(image)
        middle = time.perf_counter()
        labels, confidence = choose(probabilities, size, first=0 if void == "shown" else categories.VOID + 1)
        end = time.perf_counter()
        timings = {"network": (middle - start) * 1000, "labels": (end - middle) * 1000}
        return Segmentation(labels, confidence, size, timings, self.version)

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """Run the network on a photograph, stretched to the network's size.

        Args:
            image: uint8 (height, width, 3) RGB.

        Returns:
            float32 (network height, network width, categories); `choose` makes labels of them.
        """
        resized = preprocessing.resize_image(image, self.artifact.size)
        images = preprocessing.normalise(resized, **self.artifact.normalisation)[np.newaxis]
        return self.engine.probabilities(images)[0]

    def warm_up(self) -> float:
        """Segment one generated image, so that the first user does not wait for what is set up on first use.

        Returns:
            Seconds it took.
        """
        start = time.perf_counter()
        self.segment(warm_up_image(self.artifact.size))
        return time.perf_counter() - start


def load(folder: str | Path = artifacts.DEFAULT_FOLDER, *, engine: str = "auto") -> Segmenter:
    """Load a network from an artifact folder.

    Args:
        folder: holds `card.json`, `unet.keras` and its compiled siblings.
        engine: `"auto"`, `"openvino"` or `"tensorflow"`.

    Returns:
        A segmenter, not yet warmed up.

    Raises:
        ArtifactError: the folder is incomplete, or the engine cannot run it.
        ValueError: no engine has this name.
    """
    artifact = artifacts.read(folder)
    return Segmenter(artifact, engines.create(engine, artifact))


def choose(probabilities: np.ndarray, size: tuple[int, int], *, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bring probabilities to a size, bilinearly, and take the best of each pixel.

    Works in horizontal strips. The rows of a strip are interpolated first, from their place in the whole picture, then
    the columns, so no pixel depends on where strips begin.

    Args:
        probabilities: float32 (height, width, categories).
        size: (height, width) of the answer.
        first: lowest category id that may be chosen.

    Returns:
        labels uint8 `size`, the lowest id where several are equal, and confidence uint8 `size`.
    """
    planes = np.ascontiguousarray(probabilities.transpose(2, 0, 1))
    labels = np.empty(size, np.uint8)
    confidence = np.empty(size, np.uint8)
    upper, lower, weight = _row_places(planes.shape[1], size[0])
    rows = max(1, STRIP_PIXELS // max(size[1], planes.shape[2]))
    for start in range(0, size[0], rows):
        strip = slice(start, start + rows)
        places = upper[strip], lower[strip], weight[strip]
        best = _interpolate(planes[first], places, size[1])
        labels[strip] = first
        for category in range(first + 1, len(planes)):
            plane = _interpolate(planes[category], places, size[1])
            # The comparison gives 0 or 255. Ids rise from plane to plane, so the greatest that won is the last.
            won = cv2.compare(plane, best, cv2.CMP_GT) & np.uint8(category)
            np.maximum(labels[strip], won, out=labels[strip])
            np.maximum(best, plane, out=best)
        confidence[strip] = np.clip(np.rint(best * 255), 0, 255)
    return labels, confidence


def warm_up_image(size: tuple[int, int]) -> np.ndarray:
    """Return uint8 (height, width, 3): red rises to the right, green downwards, blue falls downwards."""
    rows = np.linspace(0, 255, size[0], dtype=np.uint8)[:, np.newaxis]
    columns = np.linspace(0, 255, size[1], dtype=np.uint8)[np.newaxis]
    return np.dstack(np.broadcast_arrays(columns, rows, 255 - rows))


def _row_places(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say between which two rows of the source each row of the target lies, and how near to the lower one."""
    # Pixel centres lie at half numbers, as in cv2.resize.
    place = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    upper = place.astype(np.intp)
    return upper, np.minimum(upper + 1, source - 1), (place - upper).astype(np.float32)[:, np.newaxis]


def _interpolate(plane: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray], width: int) -> np.ndarray:
    upper, lower, weight = places
    above = plane[upper]
    rows = above + (plane[lower] - above) * weight
    if rows.shape[1] == width:
        return rows
    # OpenCV rounds differently where there is a single row, so none is ever sent alone. The number of rows stays, so
    # that columns only are interpolated.
    pair = np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows
    return cv2.resize(pair, (width, len(pair)), interpolation=cv2.INTER_LINEAR)[: len(rows)]


def _checked_size(image: np.ndarray, void: str, size: tuple[int, int] | None) -> tuple[int, int]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f"Received an image of {image.dtype} {image.shape}. Expected uint8 (height, width, 3) RGB, as "
            "model.inference.images.decode gives it."
        )
    if void not in ("shown", "never"):
        raise ValueError(f"Received void={void!r}. Expected 'shown' or 'never'.")
    height, width = image.shape[:2] if size is None else size
    if height < 1 or width < 1:
        raise ValueError(f"Received the size ({height}, {width}). Expected (height, width) of at least 1 pixel each.")
    return int(height), int(width)
