"""From a source of pictures to those who show and keep them: always the newest picture, however long one takes.

Array contract: see `model.inference.segmenter`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from model import categories
from model.inference import counting
from model.inference.batch.tables import wide_record
from model.inference.blurring import blurred
from model.inference.live.recorder import Recorded, Recorder
from model.inference.live.source import Picture, Source
from model.inference.live.viewer import Board
from model.inference.options import Options
from model.inference.render import overlay
from model.inference.representations import style
from model.inference.segmenter import Segmenter

# Seconds over which rates are taken, and of the waits in which somebody may stop it.
_SPAN, _WAIT = 3.0, 0.25


@dataclass(frozen=True)
class Figures:
    """How it goes.

    Attributes:
        labelled: pictures that went through the network.
        came: pictures that the source gave, those included.
        seconds: since the start.
        rate: pictures that were labelled each second, lately.
        came_rate: that came each second, lately.
        behind_ms: from a picture's coming until its overlay was there.
    """

    labelled: int = 0
    came: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    came_rate: float = 0.0
    behind_ms: float = 0.0

    @property
    def dropped(self) -> float:
        """The share of pictures, 0 to 1, for which there was no time."""
        return 1 - self.labelled / self.came if self.came else 0.0


class Session:
    """Labels what a source shows.

    Args:
        segmenter: the network.
        options: how a picture is segmented and shown; it keeps its size.
        title: what those who look are told that they see.
        board: shows it; None where nobody looks.
        recorder: keeps it; None where nothing is kept.

    Attributes:
        figures: how it goes, also once it has ended by an error.
    """

    def __init__(
        self, segmenter: Segmenter, options: Options, *, title: str, board: Board | None, recorder: Recorder | None
    ) -> None:
        self._segmenter, self._options, self._title = segmenter, options, title
        self._board, self._recorder = board, recorder
        # (when, labelled, came) of each picture, lately.
        self._lately: deque[tuple[float, int, int]] = deque()
        self._first = 0.0
        self.figures = Figures()

    def run(
        self,
        source: Source,
        *,
        seconds: float = float("inf"),
        stopped: Callable[[], bool] = lambda: False,
        say: Callable[[Figures], None] = lambda figures: None,
    ) -> Figures:
        """Label the newest picture, and then the one that is newest then, until the end.

        Args:
            source: gives pictures.
            seconds: after which it ends.
            stopped: asked several times a second whether it shall end.
            say: hears how it goes, after each picture.

        Returns:
            How it went.

        Raises:
            LiveError: the source does not answer.
            OSError: the disk is full, or gone.
        """
        began, seen = time.monotonic(), 0
        while not stopped() and time.monotonic() - began < seconds:
            picture = source.newest(after=seen, patience=_WAIT)
            if picture is not None:
                seen = picture.number
                self._label(picture, began)
                say(self.figures)
            elif source.has_ended:
                break
        return self.figures

    def _label(self, picture: Picture, began: float) -> None:
        image = picture.image()
        segmentation = self._segmenter.segment(image, void=self._options.void or "shown")
        summary = counting.summary(segmentation, chosen=self._options.categories)
        photograph = blurred(image, segmentation.labels, chosen=self._options.blur)
        shown = overlay(photograph, segmentation, style(self._options))
        self.figures = self._counted(picture, began)
        record = wide_record({"model": self._segmenter.artifact.version, **summary})
        if self._board:
            self._board.put(shown, self._shown(record))
        if self._recorder:
            self._first = self._first or picture.came
            came = datetime.now(UTC)
            self._recorder.add(Recorded(picture.number, came, picture.came - self._first, shown, record))

    def _counted(self, picture: Picture, began: float) -> Figures:
        now, labelled = time.monotonic(), self.figures.labelled + 1
        self._lately.append((now, labelled, picture.number))
        while now - self._lately[0][0] > _SPAN and len(self._lately) > 2:
            self._lately.popleft()
        then, had, came = self._lately[0]
        span = max(now - then, 1e-6)
        rates = ((labelled - had) / span, (picture.number - came) / span)
        return Figures(labelled, picture.number, now - began, *rates, 1000 * (now - picture.came))

    def _shown(self, record: dict) -> dict:
        colors = categories.PALETTES[self._options.palette]
        shares = [
            {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*colors[id].tolist()), "share": record[name]}
            for id, name in enumerate(categories.NAMES)
            if name in record
        ]
        rates = {key: round(getattr(self.figures, key), 2) for key in ("rate", "came_rate", "behind_ms")}
        return {"source": self._title, **rates, "dropped": round(self.figures.dropped, 4), "shares": shares}
