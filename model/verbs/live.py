"""The live half of `python -m model segment`: a camera or a stream in, a page, a film and a table out."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from model import categories
from model.inference.batch import video
from model.inference.live import viewer
from model.inference.live.recorder import Recorder
from model.inference.live.session import Figures, Session
from model.inference.live.source import LiveError, Source, is_live, name, shown
from model.inference.options import Options
from model.inference.segmenter import Segmenter

NOWHERE = "-"
"""As the folder of answers: nothing is kept."""


def add_arguments(add) -> None:
    """Add the flags that only live pictures have, by a parser's `add_argument`."""
    add("--live", action="store_true", help="play a film as if it came from a camera; cameras and streams always are")
    add("--view", type=_address, metavar="PORT", help="live: show it to a browser at http://localhost:PORT/")
    add("--seconds", type=_seconds, metavar="S", help="live: end after so many; otherwise Ctrl-C ends it")


def is_wanted(options: argparse.Namespace) -> bool:
    """Tell whether what the command line names is to be seen live.

    Raises:
        ValueError: it is named beside others, or a flag of live pictures is given without any.
    """
    live = [word for word in options.inputs if options.live or is_live(word)]
    if not live:
        for flag, value in (("--view", options.view), ("--seconds", options.seconds)):
            if value is not None:
                raise ValueError(f"{flag} goes with a camera or a stream. Expected one, or a film and --live.")
        if options.out == NOWHERE:
            raise ValueError("Received - as the folder of answers. Expected a folder: only live pictures go nowhere.")
        return False
    if len(options.inputs) > 1:
        raise ValueError(f"Received {live[0]} beside other inputs. Expected one camera or stream alone.")
    if options.out == NOWHERE and options.view is None:
        raise ValueError("Received - as the folder of answers, and no --view. Expected one of both: see or keep it.")
    return True


def folder(out: str) -> Path | None:
    """Return the folder of what is kept; None for nothing.

    Raises:
        ValueError: it is an address.
    """
    if "://" in out:
        raise ValueError(
            f"Received {out} for live pictures. Expected a folder on a disk, which takes what comes at once."
        )
    return None if out == NOWHERE else Path(out)


def run(word: str, segmenter: Segmenter, options: Options, *, out: Path | None, view, seconds: float | None) -> int:
    """Label what a camera shows until it is stopped, and say how it went; 1 where it broke off or nothing came."""
    video.check()
    failed, title = "", f"{name(word)}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with ExitStack() as stack:
        stopped = stack.enter_context(_stopped())
        board, recorder = None, None
        if view is not None:
            board = viewer.Board()
            print(f"{stack.enter_context(viewer.shown(board, view))}: Ctrl-C ends it", file=sys.stderr)
        if out:
            recorder = stack.enter_context(
                Recorder(out, title, palette=categories.PALETTES[options.palette]),
            )
        source, bar = stack.enter_context(Source(word)), stack.enter_context(_progress())
        session = Session(segmenter, options, title=shown(word), board=board, recorder=recorder)
        try:
            session.run(source, seconds=seconds or float("inf"), stopped=stopped.is_set, say=_teller(bar))
        except LiveError as error:
            if not session.figures.labelled:
                raise
            failed = str(error)
    _report(session.figures, out, recorder)
    if failed:
        print(failed, file=sys.stderr)
    return 1 if failed or not session.figures.labelled else 0


def _report(figures: Figures, out: Path | None, recorder: Recorder | None) -> None:
    if not figures.labelled:
        print("No picture came.", file=sys.stderr)
        return
    rate = figures.labelled / max(figures.seconds, 1e-6)
    print(
        f"{figures.labelled:,} of {figures.came:,} pictures labelled in {figures.seconds:,.1f} s, {rate:.1f} a second; "
        f"{figures.dropped:.0%} dropped"
    )
    if recorder:
        print(f"{out / 'overlay' / recorder.name}.mkv, {out / 'coverage' / recorder.name}.csv")


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Give what is set by Ctrl-C and by SIGTERM, so that the film gets its end; a second Ctrl-C ends it at once."""
    event = threading.Event()

    def stop(number: int, frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _progress():
    from tqdm import tqdm

    return tqdm(unit=" pictures", mininterval=0.5, bar_format="{n:,}{unit}, {elapsed}{postfix}")


def _teller(bar):
    def say(figures: Figures) -> None:
        bar.set_postfix_str(
            f"{figures.rate:.1f} of {figures.came_rate:.1f} a second, {figures.behind_ms:.0f} ms behind", refresh=False
        )
        bar.update()

    return say


def _address(text: str) -> tuple[str, int]:
    try:
        return viewer.address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"received {text!r}. Expected a number of seconds above 0")
    return value
