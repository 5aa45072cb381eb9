"""The part of a card that says how much a network keeps of its score on corrupted photographs."""

from __future__ import annotations

from collections.abc import Mapping

from model.categories import NAMES, VOID
from model.data.corruption import STRENGTHS
from model.training.card_scores import fixed

_MODERATE = 2


def robustness_section(robustness: Mapping[str, dict]) -> list[str]:
    """Return the section of `card.md`, in parts; none where nothing was measured.

    Args:
        robustness: what the card says, by the name that it was put there under: what
            `model.training.evaluation.robustness.Robustness.as_dict` gives, and data, split, engine and command.
    """
    if not robustness:
        return []
    return ["## Robustness", *(_part(name, entry) for name, entry in robustness.items())]


def _part(name: str, entry: dict) -> str:
    rows = {(row["corruption"], row["strength"]): row for row in entry["rows"]}
    strengths = sorted({strength for _, strength in rows})
    shown = _MODERATE if _MODERATE in strengths else strengths[-1]
    words = [STRENGTHS[strength] for strength in strengths]
    lines = [
        f"### {name}",
        "",
        f"{entry['images']} images of `{entry['data']}` ({entry['split']}), on {entry['engine']}: `{entry['command']}`",
        "",
        "Mean category IoU by strength, with the share of the clean one that is kept, then the IoU of each category, "
        f"{STRENGTHS[shown]}.",
        "",
        f"| corruption | {' | '.join([*words, *NAMES[VOID + 1 :]])} |",
        "|---" * (1 + len(words) + len(NAMES) - 1) + "|",
        _row("clean", [fixed(entry["clean"]["mean_iou"])] * len(words), entry["clean"]["iou"]),
    ]
    for corruption in dict.fromkeys(corruption for corruption, _ in rows):
        means = [_mean(rows[corruption, strength]) for strength in strengths]
        lines.append(_row(corruption, means, rows[corruption, shown]["iou"]))
    return "\n".join(lines)


def _row(name: str, means: list[str], iou: Mapping[str, float | None]) -> str:
    return f"| {' | '.join([name, *means, *(fixed(iou[category]) for category in NAMES[VOID + 1 :])])} |"


def _mean(row: Mapping) -> str:
    return f"{fixed(row['mean_iou'])} ({'-' if row['kept'] is None else format(row['kept'], '.0%')})"
