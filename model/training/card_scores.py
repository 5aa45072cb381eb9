"""The part of a card that has the scores of one data set: by category, and where the pixels of each went."""

from __future__ import annotations

from collections.abc import Sequence

from model.categories import NAMES, VOID


def score_section(name: str, entry: dict) -> str:
    """Return the section of `card.md` on one set of scores.

    Args:
        name: of the set.
        entry: what the card says of it, see `model.training.scoring.Scores.as_dict`.
    """
    lines = [
        f"### {name}",
        "",
        f"{entry['images']} images"
        + (f" of `{entry['data']}` ({entry['split']}), on {entry['engine']}" if "data" in entry else "")
        + (f": `{entry['command']}`" if "command" in entry else ""),
        "",
        "| category | official IoU | IoU with void |",
        "|---|---|---|",
    ]
    for i, category in enumerate(NAMES):
        official = "-" if i == VOID else fixed(entry["iou"][category])
        lines.append(f"| {category} | {official} | {fixed(entry['iou_with_void'][category])} |")
    lines.append(f"| **mean** | **{fixed(entry['mean_iou'])}** | {fixed(entry['mean_iou_with_void'])} |")
    accuracies = (entry["pixel_accuracy"], entry["pixel_accuracy_with_void"])
    lines.append(f"| pixel accuracy | {fixed(accuracies[0])} | {fixed(accuracies[1])} |")
    return "\n".join([*lines, "", *_confusion(entry["confusion_with_void"])])


def fixed(value: float | None) -> str:
    """Return a score as it stands in a table: four digits, a dash for none."""
    return "-" if value is None else f"{value:.4f}"


def _confusion(counts: Sequence[Sequence[int]]) -> list[str]:
    """Return the lines of a table that is folded until somebody asks for it."""
    lines = [
        "<details>",
        "<summary>Confusion: of the pixels that are the row's category, the share that is called the column's, per "
        "cent</summary>",
        "",
        f"| is \\ called | {' | '.join(NAMES)} |",
        "|---|" + "---|" * len(NAMES),
    ]
    for name, row in zip(NAMES, counts, strict=True):
        total = sum(row)
        shares = (f"{100 * count / total:.1f}" if total else "-" for count in row)
        lines.append(f"| {name} | {' | '.join(shares)} |")
    return [*lines, "", "</details>"]
