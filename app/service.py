"""What lives as long as the process: the network, whether it is ready, and the queue in front of it."""

from __future__ import annotations

import logging
import threading
from typing import Literal, Protocol

import numpy as np
from flask import current_app

from app.admission import Admission
from model import artifact
from model.artifact import Artifact
from model.inference import segmenter as inference
from model.inference.engines import Engine
from model.inference.segmenter import Segmentation

# How long a network takes to load and warm, give or take; or another process to take the place of this one.
_RETRY_SECONDS = 5

logger = logging.getLogger(__name__)


class Segmenter(Protocol):
    """What the service needs of `model.inference.segmenter.Segmenter`, and what a test may replace it by."""

    artifact: Artifact
    engine: Engine

    def segment(
        self,
        image: np.ndarray,
        *,
        void: Literal["shown", "never"] = "shown",
        size: tuple[int, int] | None = None,
        confidence: bool = True,
    ) -> Segmentation: ...


class NotReady(Exception):
    """No network answers yet, or none will; the message says which, and may be shown to anyone.

    Attributes:
        retry_after: seconds until it is worth asking again; None where it never will be.
        reason: a word for machines.
    """

    def __init__(self, message: str, retry_after: int | None, *, reason: str = "not-ready"):
        super().__init__(message)
        self.retry_after = retry_after
        self.reason = reason


class Service:
    """The network and the queue in front of it.

    Attributes:
        admission: the queue.
        artifact: the network's card and files; None before it was read.
        draining: whether the process was told to stop, and only finishes what it has begun.
    """

    def __init__(self, admission: Admission, *, segmenter: Segmenter | None = None):
        self.admission = admission
        self.artifact = segmenter.artifact if segmenter else None
        self.draining = False
        self._segmenter = segmenter
        self._reason, self._retry_after = "The network is being loaded and warmed.", _RETRY_SECONDS

    @property
    def segmenter(self) -> Segmenter:
        """The network, once it has answered its warm-up image.

        Raises:
            NotReady: it has not.
        """
        if self._segmenter is None:
            raise NotReady(self._reason, self._retry_after)
        return self._segmenter

    @property
    def ready(self) -> bool:
        """Whether a new request would be taken."""
        return self._segmenter is not None and not self.draining

    def require_taking(self) -> None:
        """Raise NotReady once the process was told to stop."""
        if self.draining:
            detail = "The service is stopping: it finishes what it has begun, and takes nothing new."
            raise NotReady(detail, _RETRY_SECONDS, reason="draining")

    def require_artifact(self) -> Artifact:
        """Return the network's card and files.

        Raises:
            NotReady: they have not been read yet, or cannot be.
        """
        if self.artifact is None:
            raise NotReady(self._reason, self._retry_after)
        return self.artifact

    @property
    def engine(self) -> Engine | None:
        """What runs the network; None before it is ready."""
        return self._segmenter and self._segmenter.engine

    def load_in_background(
        self, folder: str, *, engine: str, precision: str, input_size: tuple[int, int] | None
    ) -> threading.Thread:
        """Load the network of an artifact folder and run it once; `segmenter` raises until then.

        Args:
            folder: as `model.artifact.read` takes it.
            engine: as `model.inference.segmenter.load` takes it.
            precision: likewise.
            input_size: likewise.

        Returns:
            The running thread.
        """
        # No daemon: a process that ends meanwhile waits for it, because one that is cut off in OpenVINO is aborted.
        asked = folder, engine, precision, input_size
        thread = threading.Thread(target=self._load, args=asked, name="load-network")
        thread.start()
        return thread

    def _load(self, folder: str, engine: str, precision: str, input_size: tuple[int, int] | None) -> None:
        try:
            # Its card can be asked for as soon as it was read.
            found = artifact.read(folder)
            self.artifact = found if input_size is None else found.at(input_size)
            segmenter = inference.load(folder, engine=engine, precision=precision, input_size=input_size)
            seconds = segmenter.warm_up()
        except Exception:
            # The thread ends here, so this is where whatever went wrong is told: all of it to the log, and to the
            # world only that it did, because the message may hold a path.
            logger.exception("The network could not be loaded")
            self._reason, self._retry_after = "The network could not be loaded. The log of the service says why.", None
            return
        logger.info(
            "%s is ready on %s in %s, warmed in %.2f s",
            segmenter.artifact.version,
            segmenter.engine.name,
            segmenter.engine.precision,
            seconds,
        )
        self._segmenter = segmenter


def current() -> Service:
    """Return the service of the application that handles this request."""
    return current_app.extensions["streetseg"]
