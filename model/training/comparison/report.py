"""A comparison for people: a table in Markdown, a page in HTML, and plots of IoU against what it costs."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import openvino
from matplotlib.figure import Figure

from model import reports
from model.categories import CATEGORIES, NAMES, VOID
from model.inference import processors
from model.training.settings import Settings

FILLED, EMPTY, FRONT = "#2f6db5", "#ffffff", "#7fa8d6"
SCORED = NAMES[VOID + 1 :]

AXES = (
    ("latency", "milliseconds for a picture"),
    ("parameters", "million parameters"),
    ("multiply_adds", "billion multiply-adds"),
)
"""What IoU is drawn against: a number of `Row`, and what its axis is called."""


@dataclass(frozen=True)
class Row:
    """An entry as the table shows it.

    Attributes:
        label: of the entry.
        network: its name in the registry.
        mean_iou: official mean category IoU, 0 to 1.
        iou: by category, without void; None where a category never occurs.
        parameters: in millions.
        multiply_adds: of one image, in billions (10^9).
        latency: median milliseconds of the network stage.
        quartiles: of the same.
        training_minutes: from the first step to the last score.
        peak_megabytes: resident memory of the training process at its highest.
        pretrained: its encoder began with weights learnt elsewhere.
        flags: of the entry alone, as they were given.
    """

    label: str
    network: str
    mean_iou: float
    iou: dict[str, float | None]
    parameters: float
    multiply_adds: float
    latency: float
    quartiles: tuple[float, float]
    training_minutes: float
    peak_megabytes: int
    pretrained: bool
    flags: str


def rows(results: Sequence[dict], latencies: Sequence[dict], flags: Sequence[str]) -> list[Row]:
    """Join results, latencies and each entry's own flags, the best mean IoU first."""
    joined = [_row(*parts) for parts in zip(results, latencies, flags, strict=True)]
    return sorted(joined, key=lambda row: row.mean_iou, reverse=True)


def undominated(found: Sequence[Row], axis: str) -> list[Row]:
    """Return the rows to which no other is better in mean IoU without costing more, the cheapest first.

    Args:
        found: rows in any order.
        axis: the name of a cost: `"latency"`, `"parameters"` or `"multiply_adds"`.
    """
    front: list[Row] = []
    for row in sorted(found, key=lambda row: (getattr(row, axis), -row.mean_iou)):
        if not front or row.mean_iou > front[-1].mean_iou:
            front.append(row)
    return front


def markdown(found: Sequence[Row]) -> str:
    """Return the table as Markdown; a network that none beats at its latency or below is marked with a star."""
    best = {row.label for row in undominated(found, "latency")}
    heads = ["network or recipe", "mean IoU", *SCORED, "M parameters", "G multiply-adds", "ms", "training, min"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in found:
        cells = [f"{row.label}{' *' if row.label in best else ''}", f"**{row.mean_iou:.3f}**"]
        cells += [percent(row.iou[name]) for name in SCORED]
        cells += [f"{row.parameters:.2f}", f"{row.multiply_adds:.2f}", f"{row.latency:.1f}"]
        lines.append(f"| {' | '.join([*cells, f'{row.training_minutes:.1f}'])} |")
    return "\n".join(lines) + "\n"


def write(found: Sequence[Row], out: Path, *, settings: Settings, command: str) -> list[Path]:
    """Write the comparison into a folder: a page, the table in Markdown, and all numbers.

    Args:
        found: from `rows`.
        out: where to.
        settings: of any entry; the budget is the same in all.
        command: the command line that repeats the comparison.

    Returns:
        The paths of `comparison.html`, `comparison.md` and `comparison.json`.
    """
    page = html(found, budget=_budget(settings), command=command, about=_about())
    numbers = {"command": command, "about": _about(), "rows": [asdict(row) for row in found]}
    contents = {"html": page, "md": markdown(found), "json": json.dumps(numbers, indent=2) + "\n"}
    paths = [out / f"comparison.{suffix}" for suffix in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_text(content, "utf-8")
    return paths


def html(found: Sequence[Row], *, budget: Sequence[tuple[str, str]], command: str, about: str) -> str:
    """Return the whole comparison as one page that needs no other file.

    Args:
        found: from `rows`.
        budget: what all entries share, as pairs of name and value.
        command: the command line that repeats it.
        about: what else belongs beside the figures, such as the processor.
    """
    values = {
        "rows": found,
        "scored": SCORED,
        "colors": {category.name: category.color for category in CATEGORIES},
        "percent": percent,
        "best": {row.label for row in undominated(found, "latency")},
        "fastest": min(found, key=lambda row: row.latency),
        "plots": [(title, reports.figure_uri(plot(found, axis, title))) for axis, title in AXES],
        "budget": budget,
        "command": command,
        "about": about,
    }
    return reports.render("comparison.html", values=values)


def plot(found: Sequence[Row], axis: str, title: str) -> Figure:
    """Draw mean IoU against a cost; a line joins the entries that none beats at their cost.

    Args:
        found: from `rows`; an entry is drawn as its place there, from 1.
        axis: the name of a cost, see `AXES`.
        title: what the axis is called.
    """
    figure, axes = reports.create_figure(width=4.6, height=3.6)
    front = undominated(found, axis)
    axes.plot([getattr(row, axis) for row in front], [row.mean_iou for row in front], color=FRONT, zorder=2)
    for number, row in enumerate(found, 1):
        place = getattr(row, axis), row.mean_iou
        axes.scatter(*place, s=150, facecolor=FILLED if row.pretrained else EMPTY, edgecolor=FILLED, zorder=3)
        ink = EMPTY if row.pretrained else FILLED
        axes.annotate(str(number), place, ha="center", va="center", fontsize=7, color=ink, zorder=4)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.1, y=0.1)
    axes.set_xlabel(title)
    axes.set_ylabel("mean category IoU")
    return figure


def percent(value: float | None) -> str:
    """Return an IoU in per cent with one digit, a dash where there is none."""
    return "-" if value is None else f"{100 * value:.1f}"


def _budget(settings: Settings) -> list[tuple[str, str]]:
    """Say in words what every entry was given."""
    each = str(settings.epoch_images) if settings.epoch_images else "all"
    return [
        ("training images an epoch", each),
        ("epochs", str(settings.epochs)),
        ("crop in training, pixels", f"{settings.crop_width} x {settings.crop_height}"),
        ("input when scored, pixels", f"{settings.width} x {settings.height}"),
        ("trained on", ", ".join(settings.data)),
        ("scored on the val split of", settings.validation),
    ]


def _about() -> str:
    """Say what the latencies were measured on."""
    machine = f"{platform.system()} {platform.machine()}, {processors.count()} processors"
    return f"Latencies: OpenVINO {openvino.__version__.partition('-')[0]}, float32, {machine}."


def _row(result: dict, latency: dict, flags: str) -> Row:
    return Row(
        label=result["label"],
        network=result["settings"]["network"],
        mean_iou=result["scores"]["mean_iou"],
        iou=result["scores"]["iou"],
        parameters=result["parameters"] / 1e6,
        multiply_adds=result["multiply_adds"] / 1e9,
        latency=latency["median"],
        quartiles=tuple(latency["quartiles"]),
        training_minutes=result["training_seconds"] / 60,
        peak_megabytes=result["peak_megabytes"],
        pretrained=result["settings"]["encoder_weights"] != "none",
        flags=flags,
    )
