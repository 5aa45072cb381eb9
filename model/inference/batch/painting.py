"""Frames of a video -> the same frames under the colours, by threads; the network sees some, the rest borrow labels.

Array contract: see `model.inference.segmenter`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from model.inference import counting
from model.inference.batch import motion
from model.inference.batch.tables import wide_record
from model.inference.blurring import blurred
from model.inference.options import Options
from model.inference.render import overlay
from model.inference.representations import style
from model.inference.segmenter import Segmentation, Segmenter

LABELS_A_SECOND = 4.3
"""Each sixth frame of 25 a second, each seventh of 30, so that those between are three away from one at most."""
AHEAD = 4
"""Frames that wait at most for one which the network sees. A constant, so that threads change no answer."""
_ROUNDED = 0.002


class Pace:
    """Says which frames of a video the network sees.

    Args:
        every: each nth; None for `LABELS_A_SECOND` at most. That depends on the frames' times alone, not on how fast
            the machine is; a video's rate may be a guess where its frames come unevenly.
    """

    def __init__(self, every: int | None) -> None:
        self._every = every
        self._latest: float | None = None

    def is_due(self, number: int, time: float) -> bool:
        """Tell whether the network sees the frame of this number, from 0, at this time in seconds; asked in order."""
        if self._every is not None:
            return number % self._every == 0
        # Some files round their times to milliseconds, and in some they begin anew.
        since = None if self._latest is None else time - self._latest
        due = since is None or since < 0 or since > 1 / LABELS_A_SECOND - _ROUNDED
        if due:
            self._latest = time
        return due


class Labelled(NamedTuple):
    """A frame that the network saw: its answer, its row of the wide table, and its sketch."""

    segmentation: Segmentation
    record: dict
    sketch: np.ndarray


@dataclass
class Begun:
    """A frame on its way.

    Attributes:
        image: uint8 (height, width, 3) RGB; None once a thread has it.
        before: the frame that the network saw last; of one that it sees, itself.
        is_seen: whether the network sees it.
        painted: what will be (overlay, row of the wide table); None as long as a frame to come may lend its labels.
    """

    image: np.ndarray | None
    before: Future[Labelled]
    is_seen: bool
    painted: Future[tuple[np.ndarray, dict]] | None = None


class Painter:
    """Gives frames to threads, which segment and paint them.

    A frame that the network does not see has the labels of one that it saw, moved as its things moved: of the one
    before it, or of the one after it where that is among the next `AHEAD` and looks more like it. So a change of scene
    parts the labels too.

    Args:
        segmenter: the network.
        options: how frames are segmented and shown.
        pace: which of them the network sees.
        pool: of threads. Frames that wait for labels hold one each.
    """

    def __init__(self, segmenter: Segmenter, options: Options, pace: Pace, pool: Executor) -> None:
        self._segmenter, self._options, self._pace, self._pool = segmenter, options, pace, pool
        self._before: Future[Labelled] | None = None
        self._open: deque[Begun] = deque()

    def begin(self, number: int, time: float, image: np.ndarray) -> Begun:
        """Take a frame, in order; all but the last `AHEAD` that were taken have their `painted`.

        Args:
            number: of the frame, from 0.
            time: of the frame, in seconds.
            image: uint8 (height, width, 3) RGB.
        """
        if not self._pace.is_due(number, time) and self._before is not None:
            begun = Begun(image, self._before, is_seen=False)
            self._open.append(begun)
            if len(self._open) > AHEAD:
                self._submit(self._open.popleft())
            return begun
        self._before = self._pool.submit(self._label, image)
        self._close(after=self._before)
        begun = Begun(image, self._before, is_seen=True)
        self._submit(begun)
        return begun

    def finish(self) -> None:
        """Say that no frame comes any more."""
        self._close(after=None)

    def _close(self, after: Future[Labelled] | None) -> None:
        while self._open:
            self._submit(self._open.popleft(), after)

    def _submit(self, begun: Begun, after: Future[Labelled] | None = None) -> None:
        # Later than the frames it waits for, so that they are done or on their way: none can wait in a circle.
        image, begun.image = begun.image, None
        begun.painted = self._pool.submit(self._paint, image, begun.is_seen, begun.before, after)

    def _label(self, image: np.ndarray) -> Labelled:
        segmentation = self._segmenter.segment(image, void=self._options.void or "shown")
        summary = counting.summary(segmentation, chosen=self._options.categories)
        # Of a film of hours, little for each frame.
        record = wide_record({"model": self._segmenter.artifact.version, **summary})
        return Labelled(segmentation, record, motion.sketch(image))

    def _paint(
        self, image: np.ndarray, is_seen: bool, before: Future[Labelled], after: Future[Labelled] | None
    ) -> tuple[np.ndarray, dict]:
        labelled = before.result()
        segmentation = labelled.segmentation
        if not is_seen:
            sketch = motion.sketch(image)
            labelled = _most_alike(sketch, labelled, None if after is None else after.result())
            labels = motion.moved(labelled.segmentation.labels, labelled.sketch, sketch)
            segmentation = replace(labelled.segmentation, labels=labels, confidence=None)
        photograph = blurred(image, segmentation.labels, chosen=self._options.blur)
        return overlay(photograph, segmentation, style(self._options)), labelled.record


def _most_alike(sketch: np.ndarray, before: Labelled, after: Labelled | None) -> Labelled:
    """Return the one of two frames that looks more like a third; the one before if neither does, or if it is alone."""
    if after is None or sketch.shape != after.sketch.shape:
        return before
    return min(before, after, key=lambda labelled: motion.difference(sketch, labelled.sketch))
