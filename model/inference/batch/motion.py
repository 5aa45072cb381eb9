"""How things moved from one frame of a video to another, and labels that move with them.

Dense optical flow as OpenCV has it, after Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (ECCV 2016),
on pictures of 320 pixels. Equal frames give equal flow, whatever number of threads OpenCV has.

Array contract: `image` uint8 (height, width, 3) RGB; `labels` uint8 (height, width) category ids; a sketch is uint8
(rows, columns) grey, as `sketch` makes it.
"""

from __future__ import annotations

import cv2
import numpy as np

_LONGEST, _SHORTEST = 320, 64
# At half a sketch's size and without variational refinement, which on streets that pan and zoom and cars and people
# that were moved over them cost half of the time, and won nothing.
_FINEST, _PATCH, _STRIDE, _STEPS, _REFINEMENTS = 1, 8, 4, 25, 0


def sketch(image: np.ndarray) -> np.ndarray:
    """Return a frame in grey, 320 pixels along its longer side and 64 or more along the other."""
    scale = _LONGEST / max(image.shape[:2])
    rows, columns = (max(_SHORTEST, round(side * scale)) for side in image.shape[:2])
    return cv2.cvtColor(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean absolute difference of two sketches of one size, 0 to 255."""
    return cv2.norm(one, other, cv2.NORM_L1) / one.size


def moved(labels: np.ndarray, then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Move the labels of one frame to where their things are in another.

    Args:
        labels: uint8 (height, width), of the frame `then`.
        then: its sketch.
        now: the sketch of the other frame, before or after it.

    Returns:
        uint8 (height, width): each pixel has the label of the place that it came from; the border's, if from beyond.
    """
    flow = _search().calc(now, then, None)
    across, down = (_places(moves, labels.shape, axis) for axis, moves in ((1, flow[..., 0]), (0, flow[..., 1])))
    return cv2.remap(labels, across, down, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)


def _places(moves: np.ndarray, size: tuple[int, int], axis: int) -> np.ndarray:
    """Return float32 (height, width): where along an axis each pixel was, from how far the sketch's pixels moved."""
    scale = np.float32(size[axis] / moves.shape[axis])
    places = cv2.resize(moves * scale, size[::-1], interpolation=cv2.INTER_LINEAR)
    here = np.arange(size[axis], dtype=np.float32)
    places += here if axis == 1 else here[:, np.newaxis]
    return places


def _search() -> cv2.DISOpticalFlow:
    """Return one for this call: it keeps what it is given."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setFinestScale(_FINEST)
    search.setPatchSize(_PATCH)
    search.setPatchStride(_STRIDE)
    search.setGradientDescentIterations(_STEPS)
    search.setVariationalRefinementIterations(_REFINEMENTS)
    return search
