"""The drawings of the evaluation's report.

Array contract: see `model.training.evaluation.bootstrap` and `model.training.evaluation.calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from model import reports
from model.categories import NAMES, PALETTE, VOID
from model.reports import INK, LINE, QUIET
from model.training.evaluation.against import Row
from model.training.evaluation.bootstrap import Intervals
from model.training.evaluation.calibration import BINS, Calibration

_MEAN_COLOR = QUIET
_MARKERS = "os^Dv"


def scores(found: Intervals) -> Figure:
    """Draw the IoU of each category as a dot on its interval."""
    figure, axes = reports.create_figure(height=2.9)
    names = [*NAMES[VOID + 1 :], "mean"]
    for row, name in enumerate(names):
        place = row + 1
        if np.isfinite(found.values[place]):
            _dot(axes, row, *(100 * each[place] for each in (found.values, found.low, found.high)), color=_color(name))
    _rows(axes, names)
    axes.set_xlim(right=100.5)
    axes.set_xlabel("official IoU, per cent, with its 95 % interval")
    return figure


def differences(rows: Sequence[Row]) -> Figure:
    """Draw the difference of each category as a dot on its interval, beside the line of no difference."""
    figure, axes = reports.create_figure(height=2.9)
    for number, row in enumerate(rows):
        if row.difference is not None:
            _dot(axes, number, 100 * row.difference, 100 * row.low, 100 * row.high, color=_color(row.name))
    axes.axvline(0, color=INK, linewidth=1)
    _rows(axes, [row.name for row in rows])
    axes.set_xlabel("difference in official IoU, percentage points")
    return figure


def reliability(found: Mapping[str, Calibration]) -> Figure:
    """Draw how many pixels of each confidence are right; on the diagonal, as many as the confidence says.

    Args:
        found: by name. The first has bars as well; where there are several, a legend names them.
    """
    figure, axes = reports.create_figure(height=3.4)
    axes.plot([0, 100], [0, 100], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for number, (name, each) in enumerate(found.items()):
        filled = each.pixels > 0
        accuracy, confidence = (
            100 * np.divide(sums, each.pixels, out=np.zeros(BINS), where=filled)
            for sums in (each.right, each.confidence)
        )
        if number == 0:
            _bars(axes, accuracy)
        look = {"color": QUIET, "linewidth": 0.8} if number else {"color": INK, "linewidth": 1.2}
        marker = _MARKERS[number % len(_MARKERS)]
        axes.plot(confidence[filled], accuracy[filled], marker=marker, markersize=3.5, label=name, **look)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence, per cent", ylabel="right, per cent")
    if len(found) > 1:
        axes.legend(loc="upper left", frameon=False)
    return figure


def confidences(found: Calibration) -> Figure:
    """Draw how many pixels have which confidence."""
    figure, axes = reports.create_figure(height=3.4)
    shares = 100 * found.pixels / max(1, found.pixels.sum())
    _bars(axes, shares)
    # Most pixels are in the last bin; the others are the ones to look at.
    axes.set(xlim=(0, 100), yscale="log", ylim=(0.01, 250), xlabel="confidence, per cent", ylabel="pixels, per cent")
    axes.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    axes.minorticks_off()
    for value, name in ((found.mean_confidence, "mean confidence"), (found.accuracy, "right")):
        axes.axvline(100 * value, color=INK, linewidth=1, linestyle="-" if name == "right" else (0, (4, 3)), label=name)
    axes.legend(loc="upper left", frameon=False)
    return figure


def spread(values: np.ndarray) -> Figure:
    """Draw how many images have which mean IoU; float64 (images,), 0 to 1, NaN left out."""
    figure, axes = reports.create_figure(height=2.9)
    values = 100 * values[np.isfinite(values)]
    # Where every image is right, there is still room to draw them in.
    least = min(95, 5 * np.floor(values.min() / 5)) if values.size else 0
    axes.hist(values, bins=np.arange(least, 100.1, 2.5), color=LINE, edgecolor=QUIET, linewidth=0.5)
    axes.set(xlim=(least, 100), xlabel="mean IoU of an image, per cent", ylabel="images")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return figure


def _bars(axes, values: np.ndarray) -> None:
    """Draw one bar for each bin of confidence."""
    edges = 100 * np.arange(BINS) / BINS
    axes.bar(edges, values, width=100 / BINS, align="edge", color=LINE, edgecolor=QUIET, linewidth=0.5)


def _color(name: str) -> object:
    return tuple(PALETTE[NAMES.index(name)] / 255) if name in NAMES else _MEAN_COLOR


def _dot(axes, row: int, value: float, low: float, high: float, *, color) -> None:
    axes.plot([low, high], [row, row], color=INK, linewidth=1.4, solid_capstyle="butt")
    axes.plot([value], [row], marker="o", markersize=8, color=color, markeredgecolor=INK, markeredgewidth=0.8)


def _rows(axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
