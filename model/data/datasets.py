"""One way in to every data set: a folder whose layout is recognised, or `synthetic` where there is none."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from model.data import camvid, cityscapes, folders, prepared, synthetic
from model.data.preparation.sources import SYNTHETIC
from model.data.samples import Sample

# The plain folders come last: their layout is the least particular.
_LAYOUTS = (prepared, cityscapes, camvid, folders)


def terms(data: str | Path) -> tuple[str, str]:
    """Return the name of a data set and the terms under which networks trained on it may be used.

    Args:
        data: as in `open_samples`.

    Raises:
        ValueError: the folder does not exist or has no known layout.
    """
    layout = _layout(data)
    if layout is prepared:
        return prepared.terms(Path(data))
    return layout.__name__.rpartition(".")[2], layout.TERMS


def open_samples(data: str | Path, split: str) -> list[Sample]:
    """List the samples of a split of a data set.

    Args:
        data: `synthetic`, or a folder that `prepare` made, or one in the layout of Cityscapes, of CamVid, or of plain
            images and masks.
        split: `train`, `val`, or another split that the layout knows.

    Returns:
        Samples in a fixed order.

    Raises:
        ValueError: the folder does not exist, has no known layout, or lacks masks; the message names what was expected.
    """
    layout = _layout(data)
    return synthetic.samples(split) if layout is synthetic else layout.samples(Path(data), split)


def splits(data: str | Path) -> tuple[str, ...]:
    """Name the splits that a data set has, none of which overlap.

    Args:
        data: as in `open_samples`.

    Raises:
        ValueError: the folder does not exist or has no known layout.
    """
    layout = _layout(data)
    return tuple(synthetic.COUNTS) if layout is synthetic else layout.splits(Path(data))


def _layout(data: str | Path) -> ModuleType:
    if str(data) == SYNTHETIC:
        return synthetic
    root = Path(data)
    if not root.is_dir():
        raise ValueError(f"{str(data)!r} is not a folder. Expected a data set folder, or {SYNTHETIC!r}.")
    for layout in _LAYOUTS:
        if layout.detect(root):
            return layout
    raise ValueError(
        f"{str(data)!r} has no layout that is known here. Expected manifest.json (made by prepare), leftImg8bit/ and "
        "gtFine/ (Cityscapes), train/ and trainannot/ (CamVid), or images/ and masks/ (plain folders)."
    )
