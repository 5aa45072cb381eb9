"""A camera, a stream or a film as if it came from one -> its newest picture, whenever somebody asks.

Array contract: `image` uint8 (height, width, 3) RGB.

A thread reads all that comes, and keeps the newest: whoever is slow misses pictures, and never gets an old one. PyAV
reads streams and films. Cameras that are plugged in are read by OpenCV, which knows those of Linux, macOS and Windows
by number; PyAV's wheels know those of Linux only.
"""

from __future__ import annotations

import importlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from model.inference.batch import video
from model.inference.batch.inputs import SUFFIXES, VIDEO_SUFFIXES
from model.inference.batch.stores import address

SCHEMES = ("http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp")
"""Of addresses that are taken for streams."""

_CAMERA = re.compile(r"camera(?::(\d+))?")
_PATIENCE = 10.0
# Between tries to reach a stream that was there: it is given up after the last.
_PAUSES = (0.5, 1, 2, 4, 8, 8, 8)


class LiveError(ValueError):
    """A camera or stream that does not answer. The message is fit for the person who named it."""


class Picture(NamedTuple):
    """A picture: its number from 1 among all that came, when, in seconds of `time.monotonic`, and how to get it."""

    number: int
    came: float
    image: Callable[[], np.ndarray]


def is_live(word: str) -> bool:
    """Tell whether what the command line names is a camera or a stream; a picture or film on a web server is none."""
    scheme, colon, _ = word.partition("://")
    if scheme.lower() in ("http", "https") and address(word).lower().endswith(SUFFIXES + VIDEO_SUFFIXES):
        return False
    return bool(_CAMERA.fullmatch(word)) or word.startswith("/dev/video") or bool(colon and scheme.lower() in SCHEMES)


def shown(word: str) -> str:
    """Return what the command line names, without the name and password that an address may hold."""
    return re.sub(r"(?<=://)[^/@]*@", "", word)


def name(word: str) -> str:
    """Return a name for files: the host of a stream without what it may say of passwords, or the name of a film."""
    if "://" in word:
        word = re.split("[?#]", shown(word).partition("://")[2], maxsplit=1)[0]
    elif not _CAMERA.fullmatch(word):
        word = Path(word).stem
    return re.sub(r"[^A-Za-z0-9.]+", "-", word).strip("-.") or "stream"


class Source:
    """Reads in a thread from `with` to its end.

    Args:
        word: a camera (`camera`, `camera:1`, `/dev/video1`), the address of a stream, or the path of a film, which is
            played at its own speed.
    """

    def __init__(self, word: str) -> None:
        self._word = word
        self._changed = threading.Condition()
        self._newest: Picture | None = None
        self._count = 0
        self._ended = self._stopped = False
        self._error: LiveError | None = None
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def __enter__(self) -> Source:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        # A read that waits for a silent camera ends by its own patience, and needs nobody to wait for it.
        self._thread.join(1.0)

    @property
    def count(self) -> int:
        """How many pictures have come."""
        return self._count

    def newest(self, *, after: int, patience: float) -> Picture | None:
        """Wait for a picture that is newer than one that was had.

        Args:
            after: number of that one; 0 for none.
            patience: seconds to wait at most.

        Returns:
            The newest picture; None where none came in this time, or none will come any more (`has_ended`).

        Raises:
            LiveError: the source does not answer, or holds no pictures.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._count > after or self._ended, patience)
            if self._count > after:
                return self._newest
            if self._error:
                raise self._error
            return None

    @property
    def has_ended(self) -> bool:
        """Whether no picture will come any more."""
        return self._ended

    def _run(self) -> None:
        try:
            self._read()
        except LiveError as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read(self) -> None:
        """Read until the end, and reach again for a stream that broke off."""
        pictures, tries = _reader(self._word), 0
        while True:
            before = self._count
            try:
                for image in pictures():
                    if self._stopped:
                        return
                    self._put(image)
                return
            except LiveError:
                tries = 0 if self._count > before else tries + 1
                # What never answered is mistyped or off: that is said at once.
                if not self._count or tries >= len(_PAUSES) or not is_live(self._word):
                    raise
            with self._changed:
                if self._changed.wait_for(lambda: self._stopped, _PAUSES[tries]):
                    return

    def _put(self, image: Callable[[], np.ndarray]) -> None:
        with self._changed:
            self._count += 1
            self._newest = Picture(self._count, time.monotonic(), image)
            self._changed.notify_all()


def _reader(word: str) -> Callable[[], Iterator[Callable[[], np.ndarray]]]:
    camera = _CAMERA.fullmatch(word)
    if camera:
        return lambda: _from_camera(word, int(camera[1] or 0))
    return lambda: _from_stream(word)


def _from_camera(word: str, number: int) -> Iterator[Callable[[], np.ndarray]]:
    # What is wrong is said below, once.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    camera = cv2.VideoCapture(number)
    try:
        while True:
            there, picture = camera.read()
            if not there:
                raise LiveError(
                    f"{word} gives no picture. Expected a camera that is plugged in and that no other program uses: "
                    "look at it with another one, or name camera:1, camera:2 and so on."
                )
            yield lambda picture=picture: cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    finally:
        camera.release()


def _from_stream(word: str) -> Iterator[Callable[[], np.ndarray]]:
    av = importlib.import_module("av")
    try:
        with av.open(word, timeout=_PATIENCE, **_ways(word)) as container:
            if not container.streams.video:
                raise LiveError(f"{shown(word)} has no pictures. Expected a video.")
            # By slices: by frames, a decoder keeps back as many as it has threads.
            container.streams.video[0].thread_type = "SLICE"
            is_film = container.duration is not None
            frames = _decoded(av, container)
            for frame in _at_its_speed(frames) if is_film else frames:
                yield lambda frame=frame: video.upright(frame)
            if not is_film and is_live(word):
                raise LiveError(f"{shown(word)} has ended. Expected a stream that goes on: start it again.")
    except (av.error.FFmpegError, OSError) as error:
        # FFmpeg calls it "Immediate exit requested" where our patience ends.
        silent = isinstance(error, av.error.ExitError)
        why = f"nothing came for {_PATIENCE:.0f} s" if silent else getattr(error, "strerror", None) or error
        raise LiveError(
            f"{shown(word)} cannot be read: {why}. Expected a camera, a stream "
            f"that is on ({', '.join(SCHEMES)}), or a film ({', '.join(VIDEO_SUFFIXES)}): check it with a player."
        ) from error


def _ways(word: str) -> dict:
    """Say how a source is opened so that nothing waits in a buffer on its way."""
    if word.startswith("/dev/video"):
        return {"format": "v4l2"}
    if not is_live(word):
        return {}
    options = {"fflags": "nobuffer", "flags": "low_delay"}
    if word.lower().startswith("rtsp"):
        # By UDP, which is FFmpeg's first choice, lost packets smear the picture until the next whole one.
        options["rtsp_transport"] = "tcp"
    return {"options": options}


def _decoded(av, container) -> Iterator:
    for packet in container.demux(video=0):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            # Who joins a stream midway gets what cannot be decoded until the next whole picture.
            continue


def _at_its_speed(frames: Iterator) -> Iterator:
    """Hold the frames of a film back until their time."""
    began, first = time.monotonic(), None
    for frame in frames:
        if frame.time is not None:
            first = frame.time if first is None else first
            time.sleep(max(0.0, frame.time - first - (time.monotonic() - began)))
        yield frame
