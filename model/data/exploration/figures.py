"""The drawn figures of the report: how large people and vehicles are, and how light and sharp the images of each city.

Array contract: see `model.data.exploration.gathering`. Each function returns a `data:` URI.
"""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from model import categories
from model.data.exploration.gathering import Collection
from model.data.exploration.statistics import SMALL_THING
from model.reports import INK, QUIET, create_figure, figure_uri

_COUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")
_BINS = 40
_STRONGEST = 0.6  # of the way up a heat map at which the category's own colour stands


def size_histogram(collection: Collection, category: int) -> str:
    """Draw how many things of a category have how many pixels, on a logarithmic axis."""
    pixels = collection.things[collection.things[:, 1] == category, 2]
    figure, axes = create_figure(height=2.4)
    largest = max(int(pixels.max(initial=1)), 10 * SMALL_THING)
    # No bin holds less than one whole number of pixels, or there would be gaps at the small end.
    edges = np.unique(np.geomspace(1, largest + 1, _BINS + 1).round()) - 0.5
    _bars(axes, pixels, edges, category)
    axes.set_xscale("log")
    axes.axvline(SMALL_THING, color=INK, linewidth=1, linestyle=(0, (3, 2)))
    axes.annotate(
        "16×16",
        (SMALL_THING, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -1),
        textcoords="offset points",
        va="top",
    )
    axes.xaxis.set_major_formatter(_COUNT)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("pixels")
    return figure_uri(figure)


def height_histogram(collection: Collection, category: int) -> str:
    """Draw how many things of a category have which height, as a share of the image's."""
    own = collection.things[collection.things[:, 1] == category]
    share = 100 * own[:, 3] / collection.sizes[own[:, 0], 0]
    figure, axes = create_figure(height=2.4)
    _bars(axes, share, np.linspace(0, 100, _BINS + 1), category)
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_formatter(_COUNT)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("height, % of the image's")
    return figure_uri(figure)


def light_by_group(collection: Collection, values: np.ndarray, *, label: str, logarithmic: bool = False) -> str:
    """Draw the spread of a measure for each city: half of its images in the box, nine of ten between the whiskers.

    Args:
        collection: what was measured.
        values: float (images,).
        label: of the axis.
        logarithmic: whether the axis is, if all values are above 0.
    """
    spreads = [np.percentile(values[collection.group == index], (5, 25, 50, 75, 95)) for index in _groups(collection)]
    order = sorted(range(len(spreads)), key=lambda index: spreads[index][2])
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [dict(zip(names, map(float, spreads[index]), strict=True)) for index in order]
    figure, axes = create_figure(height=0.7 + 0.21 * len(boxes))
    axes.bxp(
        boxes,
        orientation="horizontal",
        showfliers=False,
        widths=0.5,
        boxprops={"color": QUIET},
        whiskerprops={"color": QUIET},
        capprops={"color": QUIET},
        medianprops={"color": INK, "linewidth": 2},
    )
    axes.set_yticks(range(1, len(order) + 1), [collection.groups[index] for index in order])
    # A plain image has no sharpness at all, and 0 no place on a logarithmic axis.
    if logarithmic and min(spread[0] for spread in spreads) > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(_COUNT)
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    return figure_uri(figure)


def ramp(category: int) -> np.ndarray:
    """Return the colours of a heat map, uint8 (256, 3): from paper over the category's own to a darker one."""
    own = np.array(categories.CATEGORIES[category].color, np.float64)
    stops = np.stack([np.full(3, 247.0), own, own * 0.55])
    where = np.linspace(0, 1, 256)
    colors = [np.interp(where, (0, _STRONGEST, 1), stops[:, channel]) for channel in range(3)]
    return np.stack(colors, axis=1).round().astype(np.uint8)


def heat_map(share: np.ndarray, category: int) -> np.ndarray:
    """Colour a map of shares.

    Args:
        share: float (rows, columns), 0 and more; the largest gets the ramp's end.
        category: id of the category whose colours to take.

    Returns:
        uint8 (rows, columns, 3).
    """
    return ramp(category)[np.rint(255 * share / max(share.max(), 1e-9)).astype(np.intp)]


def _bars(axes: matplotlib.axes.Axes, values: np.ndarray, edges: np.ndarray, category: int) -> None:
    color = categories.PALETTE[category] / 255
    # The edge keeps dark colours apart from a dark ground.
    axes.hist(values, bins=edges, color=color, edgecolor=QUIET, linewidth=0.6)
    axes.set_ylabel("instances")
    axes.yaxis.set_major_formatter(_COUNT)


def _groups(collection: Collection) -> range:
    return range(len(collection.groups))
