"""The report's plots, as SVG: bars of latency and of throughput. Quartiles are drawn as whiskers."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from bench import figures
from bench.contenders import ALL, STREETSEG
from bench.figures import Spread, spread
from bench.photographs import GENERATED, PHOTOGRAPHS

OURS, VARIANT, OTHERS, INK = "#2f6db5", "#9dbfe3", "#c3c9d1", "#3b4252"
STYLE = {
    "svg.hashsalt": "streetseg",  # the same bytes for the same figures
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # matplotlib brings it
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def write(kept: dict[str, dict[str, dict]], folder: Path) -> None:
    """Draw what there are results for: `latency.svg`, `throughput.svg`.

    Args:
        kept: by set of photographs, by trial, `about` and `result`.
        folder: where to.
    """
    trials = kept[PHOTOGRAPHS if PHOTOGRAPHS in kept else GENERATED]
    if "rounds" in trials:
        services = trials["rounds"]["result"]["services"]
        taken = {name: spread(figures.flatten(seen["overlay"]["milliseconds"])) for name, seen in services.items()}
        if "throughput" in trials:
            for name, visits in trials["throughput"]["result"]["services"].items():
                taken.setdefault(name, spread(figures.flatten([visit["alone"] for visit in visits])))
        draw(
            taken,
            folder / "latency.svg",
            title="2048 x 1024 JPEG to overlay PNG, one client: ms, less is better",
            digits=0,
        )
    if "throughput" in trials:
        services = trials["throughput"]["result"]["services"]
        taken = {name: spread([visit["per_second"] for visit in visits]) for name, visits in services.items()}
        draw(
            taken,
            folder / "throughput.svg",
            title="The same, eight clients: overlays a second, more is better",
            digits=1,
        )


def draw(taken: dict[str, Spread], path: Path, *, title: str, digits: int) -> None:
    """Draw one bar for each service, in the order of `contenders.ALL`.

    Args:
        taken: medians and quartiles by service.
        path: the SVG file.
        title: says what, in which unit, and which way is better.
        digits: after the point, of the numbers beside the bars.
    """
    names = [each.name for each in ALL if each.name in taken]
    medians = [taken[name].median for name in names]
    errors = [
        [taken[name].median - taken[name].lower for name in names],
        [taken[name].upper - taken[name].median for name in names],
    ]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.6 + 0.34 * len(names)), layout="constrained")
        colors = [_color(name) for name in names]
        axes.barh(names, medians, color=colors, height=0.66, xerr=errors, error_kw={"ecolor": INK, "elinewidth": 1})
        for row, name in enumerate(names):
            axes.annotate(
                f"{taken[name].median:,.{digits}f}",
                (taken[name].upper, row),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_title(title, loc="left", fontsize=11)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.1 * max(taken[name].upper for name in names))
        axes.xaxis.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
        plt.close(figure)


def _color(name: str) -> str:
    if name == STREETSEG.name:
        return OURS
    return VARIANT if name.startswith(STREETSEG.name) else OTHERS
