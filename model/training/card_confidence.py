"""The part of a card that says what the network's confidence is worth, and the picture that goes with it."""

from __future__ import annotations

from pathlib import Path

from model import reports
from model.training.evaluation import figures
from model.training.evaluation.calibration import NEAR, Calibration

FIGURE_FILE = "calibration.svg"

_NEAR = f"right, of the pixels it is {100 * NEAR[0]:.0f} to {100 * NEAR[1]:.0f} % sure of"


def section(card: dict) -> list[str]:
    """Return the section of `card.md` on confidence, in parts; none where nothing is known of it.

    Args:
        card: the whole of it.
    """
    fitted, sets = card.get("calibration"), _measured(card["scores"])
    if not fitted and not sets:
        return []
    return ["## Confidence", *(_fitted(fitted) if fitted else []), *(_table(sets) if sets else []), _picture(card)]


def write_figure(folder: Path, card: dict) -> None:
    """Draw the reliability of each set of scores that has bins, or else what the temperature changed.

    Args:
        folder: receives `calibration.svg`, the same bytes for the same card; one that has nothing to show is removed.
        card: the whole of it.
    """
    shown = _shown(card)
    if shown:
        drawn = figures.reliability(
            {name: Calibration.from_dict(entry["calibration"]) for name, entry in shown.items()}
        )
        (folder / FIGURE_FILE).write_text(reports.figure_svg(drawn), "utf-8")
    else:
        (folder / FIGURE_FILE).unlink(missing_ok=True)


def _measured(entries: dict[str, dict]) -> dict[str, dict]:
    """Return the entries that have bins with something in them."""
    return {name: entry for name, entry in entries.items() if any(entry.get("calibration", {}).get("share", ()))}


def _shown(card: dict) -> dict[str, dict]:
    changed = {name: card.get("calibration", {}).get(name, {}) for name in ("before", "after")}
    return _measured(card["scores"]) or _measured(changed)


def _fitted(fitted: dict) -> list[str]:
    before, after = fitted["before"], fitted["after"]
    by = f"by `{fitted['command']}`" if "command" in fitted else "at the end of the training"
    rows = (
        ("negative log likelihood, nats", *(f"{entry['nll']:.5f}" for entry in (before, after))),
        ("calibration error", *(_percent(entry["calibration_error"]) for entry in (before, after))),
        (_NEAR, *(_percent(entry["calibration"]["near"]["accuracy"]) for entry in (before, after))),
    )
    return [
        f"Its logits are divided by a temperature of {fitted['temperature']:.4f}, which is part of its weights (Guo et "
        f"al. 2017, arXiv 1706.04599). It was fitted {by} to {fitted['pixels']:,} pixels of {fitted['images']} images "
        f"of `{fitted['data']}` ({fitted['split']}). On these:",
        "\n".join(["| | before | after |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]),
    ]


def _table(sets: dict[str, dict]) -> list[str]:
    lines = [f"| set | confidence, mean | right | calibration error | {_NEAR} |", "|---|---|---|---|---|"]
    for name, entry in sets.items():
        found = Calibration.from_dict(entry["calibration"])
        values = (found.mean_confidence, found.accuracy, entry["calibration_error"], found.near_accuracy)
        lines.append(f"| {name} | {' | '.join(map(_percent, values))} |")
    return ["Measured on all scored pixels, void among the eight answers:", "\n".join(lines)]


def _picture(card: dict) -> str:
    return f"![Share of right pixels by confidence, {', '.join(_shown(card))}]({FIGURE_FILE})"


def _percent(share: float | None) -> str:
    return "-" if share is None or share != share else f"{100 * share:.2f} %"
