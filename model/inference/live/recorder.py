"""What was seen live, kept: the overlay as a film, and a row for each picture, both whole up to the last second.

Array contract: `image` uint8 (height, width, 3) RGB.

A Matroska file can be played however it ended, where an MP4 of which the end is missing cannot. A picture's time is
when it came, not its number: a camera's pictures are dropped, and streams break off.
"""

from __future__ import annotations

import csv
import importlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from model.inference.batch import timeline
from model.inference.batch.video import BT709, Frame

_MILLISECONDS = Fraction(1, 1000)
_CODEC = {"crf": "23", "preset": "veryfast"}
# Pictures between whole ones: what a kill takes from the end of the film.
_GROUP = 25
# Of a drawing; of a day, every so many.
_POINTS = 4000


class Recorded(NamedTuple):
    """A picture as it is kept: its number at the camera, when it came (UTC, and in seconds since the first one), its
    overlay, and its row of the wide table.
    """

    number: int
    came: datetime
    seconds: float
    overlay: np.ndarray
    record: dict


class Recorder:
    """Writes from `with` to its end.

    Args:
        folder: receives `overlay/NAME.mkv`, `coverage/NAME.csv`, and at the end `coverage/NAME.svg`. Where the
            pictures change their size, further films are `NAME-2.mkv` and so on.
        name: of the files; what is there already is not touched.
        palette: uint8 (8, 3), RGB colour by category id, of the drawing.
    """

    def __init__(self, folder: Path, name: str, *, palette: np.ndarray) -> None:
        self._folder, self._palette = folder, palette
        self._name = _free(folder, name)
        self._film: _Film | None = None
        self._films = 0
        self._points: list[Frame] = []
        self._count, self._step = 0, 1
        self._file: Any = None
        self._flushed = 0.0

    def __enter__(self) -> Recorder:
        for kind in ("overlay", "coverage"):
            (self._folder / kind).mkdir(parents=True, exist_ok=True)
        self._file = self._path("coverage", ".csv").open("x", encoding="utf-8", newline="")
        self._table = csv.writer(self._file, lineterminator="\n")
        return self

    def __exit__(self, *error: object) -> None:
        if self._film:
            self._film.close()
        self._file.close()
        if not self._count:
            os.unlink(self._file.name)
        elif timeline.can_draw():
            drawn = timeline.drawing(self._points, title=self._name, palette=self._palette)
            self._path("coverage", ".svg").write_bytes(drawn)

    @property
    def name(self) -> str:
        """What the files are called, without their endings."""
        return self._name

    def add(self, picture: Recorded) -> None:
        """Keep one picture; each is newer than the one before.

        Raises:
            OSError: the disk is full, or gone.
        """
        seconds = picture.seconds
        if self._film is None or self._film.size != picture.overlay.shape[:2]:
            self._next_film(picture.overlay.shape[:2])
        self._film.add(picture.overlay, seconds)
        if not self._count:
            self._table.writerow(["frame", "seconds", "time", *picture.record])
        when = picture.came.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._table.writerow([picture.number, round(seconds, 3), when, *picture.record.values()])
        if seconds - self._flushed >= 1:
            self._file.flush()
            self._flushed = seconds
        self._point(Frame(picture.number, seconds, picture.record))

    def _point(self, frame: Frame) -> None:
        """Keep what the drawing needs: of a long day no more than of an hour."""
        if self._count % self._step == 0:
            self._points.append(frame)
            if len(self._points) > _POINTS:
                self._points, self._step = self._points[::2], 2 * self._step
        self._count += 1

    def _next_film(self, size: tuple[int, int]) -> None:
        if self._film:
            self._film.close()
        self._films += 1
        ending = ".mkv" if self._films == 1 else f"-{self._films}.mkv"
        self._film = _Film(self._path("overlay", ending), size)

    def _path(self, kind: str, ending: str) -> Path:
        return self._folder / kind / f"{self._name}{ending}"


class _Film:
    """A film that is being written."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        av = importlib.import_module("av")
        self.size = size
        self._frame_of = av.VideoFrame.from_ndarray
        # A cluster a second, written at once: what a kill takes is the second that was begun, and what the codec holds.
        options = {"cluster_time_limit": "1000", "flush_packets": "1"}
        self._out = av.open(str(path), "w", format="matroska", options=options)
        self._coded = self._out.add_stream("libx264", rate=25, options=_CODEC)
        self._coded.height, self._coded.width = size
        # With colours thinned out, sides have to be even.
        self._coded.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        context = self._coded.codec_context
        context.time_base, context.gop_size = _MILLISECONDS, _GROUP
        context.colorspace = context.color_primaries = context.color_trc = BT709
        self._last = -1

    def add(self, image: np.ndarray, seconds: float) -> None:
        frame = self._frame_of(image, format="rgb24").reformat(format=self._coded.pix_fmt, dst_colorspace="ITU709")
        # Two pictures of one millisecond are shown one after the other.
        self._last = max(self._last + 1, round(1000 * seconds))
        frame.pts, frame.time_base = self._last, _MILLISECONDS
        self._out.mux(self._coded.encode(frame))

    def close(self) -> None:
        self._out.mux(self._coded.encode(None))
        self._out.close()


def _free(folder: Path, name: str) -> str:
    """Return a name that no recording of a folder has."""
    names: Sequence[str] = [name, *(f"{name}-again-{number}" for number in range(2, 1000))]
    return next(each for each in names if not (folder / "coverage" / f"{each}.csv").exists())
