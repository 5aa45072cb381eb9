"""Test-time options: one photograph seen mirrored and at several sizes, and one answer from all of these views.

Array contract: see `model.inference.contract`.

Probabilities are averaged, not labels, as in L.-C. Chen et al., "Rethinking Atrous Convolution for Semantic Image
Segmentation", arXiv 1706.05587, section 4.1. It costs the time of every view, and is for scores, not for serving.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

from model.artifact import Artifact
from model.inference import engines
from model.inference.contract import EngineError
from model.inference.openvino_engine import OpenVinoEngine
from model.inference.segmenter import Segmenter
from model.inference.tensorflow_engine import TensorFlowEngine

LEAST, MOST = 0.25, 4.0


class Views:
    """Answers as `Segmenter.planes` does, from several views of each photograph.

    Args:
        segmenter: the network at its own size.
        flip: whether to look at the mirrored photograph too.
        scales: of the network's size, each brought to the nearest multiple of 32 pixels, or what its card says.

    Attributes:
        artifact: of the network.
        engine: of the network at its own size.
        sizes: (height, width) of each scale.
        flip: as given.

    Raises:
        ValueError: no scale, one out of range, or two that come to one size.
        EngineError: the network's file can't be brought to another size.
    """

    def __init__(self, segmenter: Segmenter, *, flip: bool = False, scales: Sequence[float] = (1.0,)) -> None:
        self.artifact = segmenter.artifact
        self.engine = segmenter.engine
        self.flip = flip
        self.sizes = tuple(_scaled(segmenter.artifact, scale) for scale in scales)
        if not self.sizes or len(set(self.sizes)) < len(self.sizes):
            raise ValueError(
                f"Received the scales {', '.join(map(str, scales)) or 'none'}, of which several come to one size or "
                f"there is none. Expected scales that differ by {segmenter.artifact.stride} pixels and more."
            )
        self._segmenters = [resized(segmenter, size) for size in self.sizes]

    @property
    def version(self) -> str:
        """The artifact's version."""
        return self.artifact.version

    @contextmanager
    def planes(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """Run the network on all views of a photograph.

        Args:
            image: uint8 (height, width, 3) RGB.

        Returns:
            A context: inside its block, float32 (categories, height, width), the mean over views, of the size that the
            photograph has in the largest.
        """
        window = max(self._segmenters, key=lambda each: each.artifact.size).window(image.shape[:2])
        largest = tuple(side.stop - side.start for side in window)
        sums = None
        for segmenter in self._segmenters:
            for mirrored in (False, True) if self.flip else (False,):
                # A mirrored view of an array is not contiguous, which engines want.
                with segmenter.planes(np.ascontiguousarray(image[:, ::-1]) if mirrored else image) as planes:
                    seen = _brought(planes[:, :, ::-1] if mirrored else planes, largest)
                    sums = seen if sums is None else sums + seen
        yield sums / (len(self.sizes) * (2 if self.flip else 1))


def resized(segmenter: Segmenter, size: tuple[int, int]) -> Segmenter:
    """Return the same network, on an engine of the same kind and precision, at another size.

    Args:
        segmenter: at its own size.
        size: (height, width), as `Artifact.at` takes it.

    Raises:
        EngineError: the compiled file does not bear another size.
        ValueError: no network takes this size.
    """
    artifact, engine = segmenter.artifact, segmenter.engine
    if size == artifact.size:
        return segmenter
    if engine.name not in (OpenVinoEngine.name, TensorFlowEngine.name):
        raise EngineError(f"The engine {engine.name} has one size. Expected openvino or tensorflow for other scales.")
    found = artifact.at(size)
    return Segmenter(found, engines.create(engine.name, found, precision=engine.precision))


def _scaled(artifact: Artifact, scale: float) -> tuple[int, int]:
    if not LEAST <= scale <= MOST:
        raise ValueError(f"Received a scale of {scale:g}. Expected one from {LEAST:g} to {MOST:g}.")
    stride = artifact.stride
    return tuple(max(stride, round(side * scale / stride) * stride) for side in artifact.size)


def _brought(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a copy of the planes at a size, bilinearly."""
    if planes.shape[1:] == size:
        return planes.copy()
    return np.stack(
        [
            cv2.resize(np.ascontiguousarray(plane), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
            for plane in planes
        ]
    )
