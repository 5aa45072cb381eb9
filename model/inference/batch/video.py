"""A video -> the same video under the colours of its categories, and how much of each it shows over time.

Array contract: see `model.inference.segmenter`.

PyAV reads and writes: the libraries of FFmpeg in this process, so that a frame is an array without a pipe, and sound
goes through as it is. OpenCV's own reader drops sound and time stamps; a program ffmpeg has to be installed beside.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import posixpath
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from model.inference import processors
from model.inference.batch.inputs import Item
from model.inference.batch.painting import AHEAD, Begun, Pace, Painter
from model.inference.options import Options
from model.inference.segmenter import Segmenter

# Superfast, but blocks that others are predicted from get more bits (mbtree): of veryfast it takes 0.6 of the time and
# gives 1.06 of the bytes, 49.7 dB in place of 50.6.
_CODEC = {"crf": "20", "preset": "superfast"}
_FINE = "mbtree=1:rc-lookahead=10"
# With AVX-512, x264 (core 165) weighs blocks by memory that nobody wrote to: of 150 runs over a small video 23 gave
# another file, and none did where malloc filled memory, with `mbtree=0`, or with AVX2, which takes no longer.
_REPRODUCIBLE = "asm=avx2"
# Frames on their way: among so many, more are for the network than two processors have in hand.
_LEAST = 12
# What an MP4 may hold; other sound goes into a Matroska file.
_MP4_AUDIO = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
BT709 = 1
"""ITU-R BT.709, in the numbers of ITU-T H.273."""


class VideoError(ValueError):
    """A video that cannot be read. The message is fit for the person who named it."""


class Frame(NamedTuple):
    """One frame: its number from 0, its time in seconds, and its row of the wide table."""

    number: int
    time: float
    record: dict


class Made(NamedTuple):
    """What was made of a video: its frames, (height, width), frames a second, and how its file ends."""

    frames: list[Frame]
    size: tuple[int, int]
    rate: float
    ending: str


def check() -> None:
    """Refuse with a `ValueError` where PyAV is not installed."""
    if importlib.util.find_spec("av") is None:
        raise ValueError("Videos need PyAV, which is not installed: `pip install av`.")


def upright(frame: Any) -> np.ndarray:
    """Return a frame of PyAV's as uint8 (height, width, 3) RGB, turned as its telephone was held."""
    image = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


def make(
    item: Item,
    segmenter: Segmenter,
    target: Path,
    options: Options,
    *,
    every: int | None,
    threads: int,
    say: Callable[[int], None] = lambda frames: None,
) -> Made:
    """Write the overlay of a video: as many frames at the same times, and its sound as it was.

    Args:
        item: the video.
        segmenter: the network.
        target: the file to write, whatever its name.
        options: how it is segmented and shown; frames keep their size.
        every: the network sees each such frame, and those between borrow its labels; None as in `painting.Pace`.
        threads: twice as many frames are on their way, or a dozen, and those that wait for labels to come.
        say: hears how many frames are written, after each.

    Returns:
        What was made.

    Raises:
        VideoError: it has no pictures, is damaged, or is of a kind that is not read.
    """
    av = importlib.import_module("av")
    try:
        with av.open(str(item.path) if item.entry is None else io.BytesIO(item.read())) as source:
            if not source.streams.video:
                raise VideoError(f"{item.name} has no pictures. Expected a video.")
            most = max(2 * threads, _LEAST) + AHEAD
            # Frames that wait for the labels of another hold a thread each, and none of those that work.
            with ThreadPoolExecutor(2 * most, thread_name_prefix="frame") as pool:
                painter = Painter(segmenter, options, Pace(every), pool)
                return _Transcoder(av, source, target, painter, say).run(most)
    except av.error.FFmpegError as error:
        raise VideoError(
            f"{posixpath.basename(item.name)} cannot be read as a video: {error.strerror or error}. Expected a whole "
            "MP4, MOV, Matroska, WebM, AVI or MPEG file. Play it to its end, or convert it anew."
        ) from error


class _Transcoder:
    """Reads packets, hands frames to the painter and writes them in order; sound is copied packet by packet."""

    def __init__(self, av: Any, source: Any, target: Path, painter: Painter, say: Callable[[int], None]) -> None:
        self._av, self._source, self._painter, self._say = av, source, painter, say
        self._pictures = source.streams.video[0]
        self._pictures.thread_type = "AUTO"
        sound = [stream for stream in source.streams.audio if stream.codec_context is not None]
        self._ending = ".mp4" if all(stream.codec_context.name in _MP4_AUDIO for stream in sound) else ".mkv"
        kind = {".mp4": "mp4", ".mkv": "matroska"}[self._ending]
        self._out = av.open(str(target), "w", format=kind, options={"movflags": "+faststart"} if kind == "mp4" else {})
        self._coded: Any = None
        self._early: list[Any] = []
        self._sound = {stream.index: self._out.add_stream_from_template(stream) for stream in sound}
        self._frames: list[Frame] = []
        self._size = 0, 0

    def run(self, most: int) -> Made:
        """Transcode it all with at most `most` frames on their way, which are more than `AHEAD`."""
        waiting: deque[tuple[Any, Begun]] = deque()
        with self._out:
            for frame in self._decoded():
                image = upright(frame)
                if not waiting and not self._frames:
                    self._begin(image)
                number = len(self._frames) + len(waiting)
                time = float(self._pts(frame, number) * frame.time_base)
                waiting.append((frame, self._painter.begin(number, time, image)))
                if len(waiting) > most:
                    self._write(*waiting.popleft())
            self._painter.finish()
            while waiting:
                self._write(*waiting.popleft())
            if self._coded is None:
                raise VideoError("It has no frame. Expected a video that plays.")
            self._out.mux(self._coded.encode(None))
        return Made(self._frames, self._size, _rate(self._pictures), self._ending)

    def _decoded(self) -> Iterator[Any]:
        streams = [self._pictures, *(self._source.streams[index] for index in self._sound)]
        for packet in self._source.demux(*streams):
            if packet.stream_index == self._pictures.index:
                yield from packet.decode()
            elif packet.dts is not None:
                packet.stream = self._sound[packet.stream_index]
                # The first packet writes the head of the file, and that has to name the pictures.
                if self._coded is None:
                    self._early.append(packet)
                else:
                    self._out.mux(packet)

    def _begin(self, image: np.ndarray) -> None:
        height, width = self._size = image.shape[:2]
        rate = self._pictures.average_rate or self._pictures.guessed_rate or 25
        coded = self._coded = self._out.add_stream("libx264", rate=rate, options=_codec())
        coded.width, coded.height = width, height
        # With colours thinned out, sides have to be even.
        coded.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
        context = coded.codec_context
        context.time_base = self._pictures.time_base
        context.colorspace = context.color_primaries = context.color_trc = BT709
        for packet in self._early:
            self._out.mux(packet)
        self._early = []

    def _write(self, frame: Any, begun: Begun) -> None:
        picture, record = begun.painted.result()
        if picture.shape[:2] != self._size:
            raise VideoError(f"Its frames change from {self._size} to {picture.shape[:2]} pixels. Expected one size.")
        made = self._av.VideoFrame.from_numpy_buffer(picture, format="rgb24")
        made = made.reformat(format=self._coded.pix_fmt, dst_colorspace="ITU709")
        number = len(self._frames)
        pts = self._pts(frame, number)
        made.pts, made.time_base = pts, frame.time_base
        self._out.mux(self._coded.encode(made))
        self._frames.append(Frame(number, float(pts * frame.time_base), record))
        self._say(len(self._frames))

    def _pts(self, frame: Any, number: int) -> int:
        """Return the time of a frame, in its base; old AVI files have frames without one."""
        return round(number / _rate(self._pictures) / frame.time_base) if frame.pts is None else frame.pts


def _codec() -> dict[str, str]:
    parameters = [_FINE, _REPRODUCIBLE] if "avx512f" in processors.flags() else [_FINE]
    return _CODEC | {"x264-params": ":".join(parameters)}


def _rate(pictures: Any) -> float:
    return float(pictures.average_rate or pictures.guessed_rate or 25)
