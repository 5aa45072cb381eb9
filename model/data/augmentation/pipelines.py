"""A pipeline of albumentations (https://albumentations.ai/docs) in place of our presets; not imported until asked for.

Array contract: see `model.data.augmentation`. What a pipeline has to do: take `image=` and `mask=`, return a mapping
with both, each of the size of the crop, and fill the mask with 255 (`IGNORE`) where it pads.
"""

from __future__ import annotations

import copy
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.categories import COUNT, IGNORE
from model.data.samples import Example

FORMATS = (".json", ".yaml", ".yml")
"""How the name of a file with a pipeline ends."""

_BORDER_CONSTANT = 0  # cv2's
_KNOWN = np.isin(np.arange(256), [*range(COUNT), IGNORE])


@dataclass(frozen=True)
class Pipeline:
    """Views made by a pipeline that was not written here; see `from_albumentations`.

    Attributes:
        pipeline: called with `image=` and `mask=`.
        crop: (height, width) in pixels of what it has to give.
    """

    pipeline: Callable[..., Mapping]
    crop: tuple[int, int]

    def apply(
        self,
        image: np.ndarray,
        labels: np.ndarray,
        *,
        reference: tuple[int, int],
        random: np.random.Generator,
        donor: Callable[[], Example] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make one view as `Augmentation.apply` does; the pipeline alone decides about sizes, and copies nothing.

        Raises:
            ValueError: the pipeline gave another size or kind, or labels that are no category.
        """
        pipeline = self.pipeline
        if hasattr(pipeline, "set_random_seed"):
            # A pipeline keeps its random state. Threads that shared one would draw from it in the order they happen to
            # come, so every view has a copy of its own.
            pipeline = copy.deepcopy(pipeline)
            pipeline.set_random_seed(int(random.integers(2**31)))
        # Some transforms write into what they are given, and what was read may be read-only.
        view = pipeline(image=image.copy(), mask=labels.copy())
        return _checked(view["image"], (*self.crop, 3)), _checked_labels(view["mask"], self.crop)

    def pair(self, image: np.ndarray, labels: np.ndarray, **options) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make one view, twice the same: what a pipeline did to the crop can't be taken back."""
        image, labels = self.apply(image, labels, **options)
        return image, labels, image


def from_albumentations(pipeline: Callable[..., Mapping], *, crop: tuple[int, int]) -> Pipeline:
    """Take a pipeline in place of a preset.

    Args:
        pipeline: an `albumentations.Compose`, seeded anew for every view, or another callable that takes `image=` and
            `mask=` and returns a mapping with both. One without `set_random_seed` can't be seeded: it must not draw.
        crop: (height, width) in pixels that it gives.

    Returns:
        What `TrainingBatches` takes as `augmentation`.

    Raises:
        ValueError: it is no callable, or would pad a mask with a category.

    Example:
        >>> pipeline = A.Compose([A.RandomCrop(256, 512, pad_if_needed=True, fill_mask=255), A.HorizontalFlip()])
        >>> augmentation = from_albumentations(pipeline, crop=(256, 512))
    """
    if not callable(pipeline):
        raise ValueError(
            f"Received a {type(pipeline).__name__} as pipeline. Expected an albumentations.Compose, or another "
            "callable that takes image= and mask=."
        )
    padding = [name for name in map(_pads_with_category, _transforms(pipeline)) if name]
    if padding:
        raise ValueError(
            f"{', '.join(padding)} of this pipeline would pad masks with a category instead of no ground truth. "
            f"Expected fill_mask={IGNORE}: give it to each of them."
        )
    return Pipeline(pipeline, crop)


def load(path: str | Path, *, crop: tuple[int, int]) -> Pipeline:
    """Load a pipeline that `albumentations.save` wrote.

    Args:
        path: of a file that ends in one of `FORMATS`.
        crop: (height, width) in pixels that it gives.

    Returns:
        As `from_albumentations` does.

    Raises:
        ValueError: there is no such file, it holds no pipeline, albumentations is not installed, or as in
            `from_albumentations`.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist. Expected a pipeline that albumentations.save wrote.")
    # Its import would ask the package index for a newer version.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        albumentations = importlib.import_module("albumentations")
    except ImportError as error:
        raise ValueError(
            f"{path} is a pipeline of albumentations, which is not installed. Expected it beside Keras: "
            "pip install albumentations, or take a preset."
        ) from error
    kind = "json" if path.suffix.lower() == ".json" else "yaml"
    try:
        pipeline = albumentations.load(path, data_format=kind)
    except (KeyError, TypeError, AttributeError, ValueError, *_yaml_errors()) as error:
        raise ValueError(
            f"{path} holds no pipeline that albumentations {albumentations.__version__} can load: {error}. "
            f"Expected a file that albumentations.save(pipeline, path, data_format={kind!r}) of this version wrote."
        ) from error
    return from_albumentations(pipeline, crop=crop)


def _yaml_errors() -> list[type[Exception]]:
    # PyYAML comes with albumentations, and what it raises is no ValueError.
    yaml = sys.modules.get("yaml")
    return [yaml.YAMLError] if yaml else []


def _transforms(pipeline: object) -> Iterator[object]:
    yield pipeline
    for transform in getattr(pipeline, "transforms", ()):
        yield from _transforms(transform)


def _pads_with_category(transform: object) -> str | None:
    """Return the name of a transform that fills masks with another value than `IGNORE`."""
    fill = getattr(transform, "fill_mask", None)
    # Without one, a hole in the image leaves the mask as it is; other borders repeat the mask's own labels.
    fills = fill is not None and getattr(transform, "border_mode", _BORDER_CONSTANT) == _BORDER_CONSTANT
    if fills and getattr(transform, "pad_if_needed", True) and not np.all(np.equal(fill, IGNORE)):
        return type(transform).__name__
    return None


def _checked(array: object, shape: tuple[int, ...]) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != np.uint8:
        received = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(
            f"The pipeline gave {received}. Expected uint8 {shape}: end it with a crop or resize to height {shape[0]} "
            f"and width {shape[1]}, and leave normalisation and tensors to the training."
        )
    return np.ascontiguousarray(array)


def _checked_labels(labels: object, crop: tuple[int, int]) -> np.ndarray:
    labels = _checked(labels, crop)
    if not _KNOWN[labels].all():
        unknown = np.setdiff1d(labels, np.flatnonzero(_KNOWN)).tolist()
        raise ValueError(
            f"The pipeline gave a mask with ids {unknown}. Expected 0 to {COUNT - 1} and {IGNORE}: resize masks by "
            f"nearest neighbour and pad them with {IGNORE}."
        )
    return labels
