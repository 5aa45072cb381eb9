"""One way in to every data set: a folder whose layout is recognised, or `synthetic` where there is none."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from model.data import camvid, cityscapes, folders, synthetic
from model.data.samples import Sample

SYNTHETIC = "synthetic"

# The plain folders come last: their layout is the least particular.
_LAYOUTS = (cityscapes, camvid, folders)


def terms(data: str | Path) -> tuple[str, str]:
    """Return the name of a data set and the terms under which networks trained on it may be used.

    Args:
        data: as in `open_samples`.

    Raises:
        ValueError: the folder does not exist or has no known layout.
    """
    layout = _layout(data)
    return layout.__name__.rpartition(".")[2], layout.TERMS


def open_samples(data: str | Path, split: str) -> list[Sample]:
    """List the samples of a split of a data set.

    Args:
        data: `synthetic`, or a folder in the layout of Cityscapes, of CamVid, or of plain images and masks.
        split: `train`, `val`, or another split that the layout knows.

    Returns:
        Samples in a fixed order.

    Raises:
        ValueError: the folder does not exist, has no known layout, or lacks masks; the message names what was expected.
    """
    layout = _layout(data)
    return synthetic.samples(split) if layout is synthetic else layout.samples(Path(data), split)


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
        f"{str(data)!r} has no layout that is known here. Expected leftImg8bit/ and gtFine/ (Cityscapes), train/ and "
        "trainannot/ (CamVid), or images/ and masks/ (plain folders)."
    )
