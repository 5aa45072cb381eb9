"""How much of each category a video shows over time: as CSV, and as a picture."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Sequence

import numpy as np

from model import categories
from model.inference.batch.tables import csv_bytes
from model.inference.batch.video import Frame


def can_draw() -> bool:
    """Tell whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def table(frames: Sequence[Frame]) -> bytes:
    """Write a row for each frame: its number, its time in seconds, and the columns of the wide table.

    Args:
        frames: at least one, in order.

    Returns:
        CSV, UTF-8.
    """
    rows = ((frame.number, round(frame.time, 6), *frame.record.values()) for frame in frames)
    return csv_bytes([("frame", "seconds", *frames[0].record), *rows])


def drawing(frames: Sequence[Frame], *, title: str, palette: np.ndarray) -> bytes:
    """Draw the shares as bands in the colours of their categories.

    Args:
        frames: at least one, in order.
        title: above it.
        palette: uint8 (8, 3), RGB colour by category id.

    Returns:
        SVG; the same bytes for the same frames.
    """
    matplotlib, figures = importlib.import_module("matplotlib"), importlib.import_module("matplotlib.figure")
    times = [frame.time for frame in frames]
    names = [name for name in categories.NAMES if name in frames[0].record]
    shares = np.array([[frame.record[name] for frame in frames] for name in names])
    colors = palette[[categories.NAMES.index(name) for name in names]] / 255
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "streetseg", "svg.fonttype": "none"}):
        figure = figures.Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots()
        bands = axes.stackplot(times, 100 * shares, colors=colors, labels=names)
        axes.set(title=title, xlabel="seconds", ylabel="% of the picture", ylim=(0, 100))
        axes.set_xlim(times[0], times[-1] if times[-1] > times[0] else times[0] + 1)
        axes.legend(handles=bands[::-1], loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
