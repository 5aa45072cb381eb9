"""Reports for people: one HTML file each, with its pictures inside, readable on a phone, in the dark and on paper.

A report is a template of this folder that extends `base.html` (blocks `title`, `style`, `content`); `parts.html` has
macros for what reports share. Values are escaped. Nothing is loaded from anywhere, and no script runs.

Array contract: `image` uint8 (height, width, 3) RGB.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import matplotlib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

# The colours of a figure that follow the page, light and dark; base.html has the same. Neither is black, which is void.
INK = "#1b1c1e"
QUIET = "#5c5f66"
LINE = "#c9cacd"
_DARK = {INK: "#ececee", QUIET: "#a0a4ac", LINE: "#44474d"}

_LOOK = {
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.color": LINE,
    "ytick.labelcolor": QUIET,
}
# Text stays text: a tenth of the bytes of drawn letters, in the page's font. The salt makes equal figures equal bytes.
_SVG = {"svg.fonttype": "none", "svg.hashsalt": "streetseg"}
_TEMPLATES = Path(__file__).resolve().parent


def render(template: str, *, values: dict) -> str:
    """Fill a template of this folder.

    Args:
        template: file name, such as `explore.html`.
        values: what its expressions name; text is escaped.

    Returns:
        A whole HTML document.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    loader = FileSystemLoader(_TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "number": number}
    return environment.get_template(template).render(values)


def percent(share: float, digits: int = 1) -> str:
    """Write a share of 0 to 1 as percent; a filter of the templates as well. `percent(0.388)` is `38.8 %`."""
    return f"{100 * share:.{digits}f}\u00a0%"


def number(value: float, digits: int = 0) -> str:
    """Write a number with commas; a filter of the templates as well. `number(2641)` is `2,641`."""
    return f"{value:,.{digits}f}"


def create_figure(*, width: float = 4.6, height: float = 2.8) -> tuple[Figure, Axes]:
    """Make an empty figure in the look of the reports.

    Args:
        width: in inches of 96 CSS pixels; up to 4.6 its letters stay readable on a phone.
        height: in the same.

    Returns:
        The figure and its only axes.
    """
    with matplotlib.rc_context(_LOOK):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots()


def figure_svg(figure: Figure) -> str:
    """Draw a figure as an SVG document that stands alone, the same for the same figure.

    Args:
        figure: made by `create_figure`, or any other of matplotlib's; black text becomes the page's ink.

    Returns:
        The document; its ink, quiet text and lines turn light where the page is dark.
    """
    for text in figure.findobj(Text):
        if text.get_color() == "black":
            text.set_color(INK)
    drawn = io.StringIO()
    with matplotlib.rc_context(_LOOK | _SVG):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _following_the_page(drawn.getvalue())


def figure_uri(figure: Figure) -> str:
    """Draw a figure for the `src` of an `img`: the `data:` URI of its `figure_svg`."""
    return _uri("image/svg+xml", figure_svg(figure).encode())


def image_uri(image: np.ndarray, *, quality: int = 80, lossless: bool = False) -> str:
    """Write an image for the `src` of an `img`.

    Args:
        image: uint8 (height, width, 3) RGB.
        quality: of the JPEG, 1 to 95.
        lossless: write a PNG instead, for what is drawn and not photographed.

    Returns:
        `data:` URI of a JPEG or PNG.

    Raises:
        ValueError: the array is not uint8 (height, width, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Received {image.dtype} {image.shape}. Expected an image as uint8 (height, width, 3) RGB.")
    written = io.BytesIO()
    if lossless:
        Image.fromarray(image).save(written, "PNG", optimize=True)
        return _uri("image/png", written.getvalue())
    Image.fromarray(image).save(written, "JPEG", quality=quality, optimize=True)
    return _uri("image/jpeg", written.getvalue())


def _following_the_page(svg: str) -> str:
    """Make the look's colours variables that a media query sets: the page's own can't reach into an `img`."""
    names = {color: f"--c{index}" for index, color in enumerate(_DARK)}
    for color, name in names.items():
        svg = svg.replace(color, f"var({name})")
    light = "".join(f"{name}:{color};" for color, name in names.items())
    dark = "".join(f"{names[color]}:{turned};" for color, turned in _DARK.items())
    # Paper is white, whatever the reader's screen is.
    style = f"<style>:root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    head, tag, rest = svg.partition("<svg ")
    attributes, close, body = rest.partition(">")
    return head + tag + attributes + close + style + body


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
