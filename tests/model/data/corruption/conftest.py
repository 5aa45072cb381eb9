"""A generated street, and how far two pictures are apart."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from model.data import synthetic
from model.data.samples import Example


def _frozen(image: np.ndarray, labels: np.ndarray) -> Example:
    example = Example(image, labels, labels != 0)
    for array in example:
        array.flags.writeable = False
    return example


@pytest.fixture(scope="session")
def wide() -> Example:
    """A street of 1280 pixels, every array read-only."""
    return _frozen(*synthetic.scene(3, size=(640, 1280)))


@pytest.fixture(scope="session")
def street(wide) -> Example:
    """The same street at 640 pixels."""
    image = cv2.resize(wide.image, (640, 320), interpolation=cv2.INTER_AREA)
    return _frozen(image, np.ascontiguousarray(wide.labels[::2, ::2]))


@pytest.fixture(scope="session")
def likeness() -> Callable[[np.ndarray, np.ndarray], float]:
    """Peak signal to noise of two pictures in decibels."""

    def psnr(one: np.ndarray, other: np.ndarray) -> float:
        error = np.mean((one.astype(np.float64) - other) ** 2)
        return float(10 * np.log10(255**2 / max(error, 1e-9)))

    return psnr
