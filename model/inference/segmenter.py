"""From a photograph to a category for each pixel.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids; `confidence` uint8
(height, width), 0 to 255. Sizes are (height, width) in pixels.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from model import artifact as artifacts
from model import categories, preprocessing
from model.artifact import Artifact
from model.inference import engines, familiarity, processors
from model.inference.engines import Engine
from model.inference.labels import choose


@dataclass(frozen=True)
class Segmentation:
    """The answer for one photograph.

    Attributes:
        labels: uint8 (height, width), category ids 0 to 7.
        confidence: uint8 (height, width), round(255 x probability of the chosen category); None where not asked for.
        size: (height, width) in pixels.
        timings: milliseconds by stage: `resize`, `network` (normalising included) and `labels`.
        version: the artifact's name and first 12 digits of its SHA-256.
        familiarity: how much the photograph looks like the streets that the network was trained on, see
            `model.inference.familiarity`, 0 to 1 in thousandths; None where the artifact does not know.
    """

    labels: np.ndarray
    confidence: np.ndarray | None
    size: tuple[int, int]
    timings: dict[str, float]
    version: str
    familiarity: float | None = None


class Segmenter:
    """A network ready to segment; holds no state between calls and may be called from several threads at once.

    Args:
        artifact: says size, normalisation, names and version.
        engine: runs the network.
    """

    def __init__(self, artifact: Artifact, engine: Engine) -> None:
        self.artifact = artifact
        self.engine = engine
        self._familiarity = familiarity.read(artifact.card)

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
        confidence: bool = True,
    ) -> Segmentation:
        """Label every pixel of a photograph.

        The photograph is fitted to the network's size. What comes back at full size is probabilities, bilinearly,
        and the best of them is taken there: borders between categories come out smooth, not in steps.

        Args:
            image: uint8 (height, width, 3) RGB.
            void: `"shown"` lets a pixel be void; `"never"` takes the best of the other seven, with its probability.
            size: (height, width) of the answer; None for the image's own.
            confidence: whether to give the confidence, which costs time.

        Returns:
            Labels and confidence.

        Raises:
            ValueError: an image of another shape or type, an unknown `void`, or a side of `size` below 1.
        """
        size = _checked_size(image, void, size)
        first = 0 if void == "shown" else categories.VOID + 1
        times = [time.perf_counter()]
        fitted = self.fit(image)
        times.append(time.perf_counter())
        with self._inside(fitted, image.shape[:2]) as planes:
            times.append(time.perf_counter())
            labels, sureness = choose(planes, size, first=first, confidence=confidence)
            # In the same block: the planes are the engine's own memory.
            known = None if self._familiarity is None else round(self._familiarity.of(planes), 3)
        times.append(time.perf_counter())
        timings = dict(zip(("resize", "network", "labels"), np.diff(times) * 1000, strict=True))
        return Segmentation(labels, sureness, size, timings, self.version, known)

    def planes(self, image: np.ndarray) -> AbstractContextManager[np.ndarray]:
        """Run the network on a photograph, fitted to the network's size.

        Args:
            image: uint8 (height, width, 3) RGB.

        Returns:
            A context: inside its block, float32 (categories, height, width) of the photograph alone, without what
            `preprocessing.fit_image` put around it, of which `labels.choose` makes labels. See `Engine.planes`.
        """
        return self._inside(self.fit(image), image.shape[:2])

    def fit(self, image: np.ndarray) -> np.ndarray:
        """Return a photograph, uint8 (height, width, 3), fitted to the network's size."""
        return preprocessing.fit_image(image, self.artifact.size)

    def window(self, image_size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of the network's frame that a photograph of (height, width) lies in."""
        return preprocessing.window(image_size, self.artifact.size)

    @contextmanager
    def _inside(self, fitted: np.ndarray, image_size: tuple[int, int]) -> Iterator[np.ndarray]:
        window = self.window(image_size)
        with self.engine.planes(fitted) as planes:
            # The engine's own memory as it lies, where the photograph fills the frame.
            yield np.ascontiguousarray(planes[:, *window])

    def warm_up(self) -> float:
        """Segment one generated image, so that the first user does not wait for what is set up on first use.

        Returns:
            Seconds it took.
        """
        start = time.perf_counter()
        self.segment(warm_up_image(self.artifact.size))
        return time.perf_counter() - start


def load(
    folder: str | Path = artifacts.DEFAULT_FOLDER,
    *,
    engine: str = "auto",
    precision: str = "auto",
    streams: int = 1,
    threads: int | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Load a network from an artifact folder.

    Args:
        folder: holds `card.json`, the Keras network and its compiled siblings.
        engine: `"auto"`, `"openvino"` or `"tensorflow"`.
        precision: `"auto"`, `"f32"`, `"bf16"` or `"int8"`.
        streams: of the engine, see `engines.create`.
        threads: likewise.
        input_size: (height, width) that photographs are brought to, see `Artifact.at`; None for the network's own.

    Returns:
        A segmenter, not yet warmed up.

    Raises:
        ArtifactError: the folder is incomplete, or the engine cannot run it.
        ValueError: no engine or precision has this name, or no network takes this size.
    """
    # A thread that has no other beside it for the network has none for OpenCV either.
    processors.limit_libraries(processors.count() if threads == 1 else streams)
    artifact = artifacts.read(folder)
    artifact = artifact if input_size is None else artifact.at(input_size)
    return Segmenter(artifact, engines.create(engine, artifact, precision=precision, streams=streams, threads=threads))


def warm_up_image(size: tuple[int, int]) -> np.ndarray:
    """Return uint8 (height, width, 3): red rises to the right, green downwards, blue falls downwards."""
    rows = np.linspace(0, 255, size[0], dtype=np.uint8)[:, np.newaxis]
    columns = np.linspace(0, 255, size[1], dtype=np.uint8)[np.newaxis]
    return np.dstack(np.broadcast_arrays(columns, rows, 255 - rows))


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
