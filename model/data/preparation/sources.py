"""What `prepare` is given, zip archives, folders or nothing at all, becomes one list of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np

from model.data import folders, synthetic
from model.data.preparation import journal, manifest
from model.data.preparation.archives import Archive
from model.data.preparation.files import File, in_folder
from model.data.preparation.frames import LAYOUTS, Frame, Layout, pair
from model.data.preparation.problems import Problems

SYNTHETIC = "synthetic"
_OFFICIAL_ARCHIVES = ("leftImg8bit*.zip", "gtFine*.zip")


@dataclass(frozen=True)
class Source:
    """A data set that is about to be prepared, or to be read at its original size.

    Attributes:
        layout: `cityscapes`, `camvid`, `folders` or `synthetic`.
        paths: what it was opened from, as absolute paths; none where it is generated.
        terms: under which networks trained on it may be used.
        frames: all of them, sorted, whatever split they will go to.
        to_categories: maps ids to `labels` and `scored`; raises ValueError with the unknown ones.
        problems: what pairing found wrong.
    """

    layout: str
    paths: tuple[Path, ...]
    terms: str
    frames: list[Frame]
    to_categories: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    problems: Problems
    archives: list[Archive] = field(default_factory=list)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for archive in self.archives:
            archive.close()


def open_source(given: Sequence[str | Path], *, synthetic_size: tuple[int, int] = synthetic.SIZE) -> Source:
    """Find out what a data set is, and list its frames.

    Args:
        given: zip archives, folders that are one data set together, or nothing or `synthetic` for generated streets.
        synthetic_size: (height, width) in pixels in which those are drawn.

    Returns:
        The data set; use it in a `with` statement, which closes its archives.

    Raises:
        ValueError: something does not exist, is damaged, or has no known layout.
    """
    if [str(one) for one in given] in ([], [SYNTHETIC]):
        return _synthetic(synthetic_size)
    paths = [path for one in given for path in _expanded(Path(one).resolve())]
    archives = [Archive(path) for path in paths if not path.is_dir()]
    roots = [path for path in paths if path.is_dir()]
    layout, files = _listed(roots, archives, paths)
    problems = Problems()
    frames = pair(layout, files, problems)
    reader = layout.reader
    return Source(layout.name, tuple(paths), reader.TERMS, frames, reader.to_categories, problems, archives)


def _expanded(path: Path) -> list[Path]:
    """Return the official archives in a folder that holds them as they were downloaded, or else the path itself."""
    if not path.exists():
        raise ValueError(f"{path} does not exist. Expected zip archives, a data set folder, or {SYNTHETIC!r}.")
    if (path / journal.FILE).is_file() or manifest.begins_like_ours(path):
        raise ValueError(f"{path} is a folder that prepare made. Expected the data set itself: see its manifest.json.")
    if path.is_dir() and not any(layout.reader.detect(path) for layout in LAYOUTS):
        archives = [archive for pattern in _OFFICIAL_ARCHIVES for archive in sorted(path.glob(pattern))]
        return archives or [path]
    return [path]


def _listed(roots: list[Path], archives: list[Archive], paths: list[Path]) -> tuple[Layout, list[File]]:
    for layout in LAYOUTS:
        files = [file for root in roots for file in in_folder(root, layout.globs)]
        files += [file for archive in archives for file in archive.files(layout.knows)]
        names = [file.inside for file in files]
        # Both kinds, or else CamVid's train/ would be seen in any folder that has one.
        if any(map(layout.image.search, names)) and any(map(layout.mask.search, names)):
            return layout, files
    raise ValueError(
        f"No images with masks in {', '.join(map(str, paths))}. Expected the official Cityscapes archives "
        "leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip, both of them, or a folder or archive with "
        "leftImg8bit/ and gtFine/ (Cityscapes), train/ and trainannot/ (CamVid), or images/ and masks/ (plain folders)."
    )


def _synthetic(size: tuple[int, int]) -> Source:
    frames = [
        Frame(sample.name, None, split, draw=sample.load)
        for split in synthetic.COUNTS
        for sample in synthetic.samples(split, size=size)
    ]
    return Source(SYNTHETIC, (), synthetic.TERMS, frames, folders.to_categories, Problems())
