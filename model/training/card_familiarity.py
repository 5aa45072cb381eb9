"""The part of a card that says how well a network tells when it is shown no street."""

from __future__ import annotations

from collections.abc import Mapping

from model.inference.familiarity import LEAST
from model.training.card_scores import fixed


def familiarity_section(familiarity: Mapping) -> list[str]:
    """Return the section of `card.md`, in parts; none where the network was not taught.

    Args:
        familiarity: what the card says; see `model.training.card.set_familiarity`.
    """
    measured = familiarity.get("measured")
    if not measured:
        return []
    about = familiarity["about"]
    lines = ["| pictures | images | with a warning | AUROC |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {entry['images']} | {entry['warned']:.1%} | {fixed(entry['auroc'])} |"
        for name, entry in measured.items()
    ]
    return [
        "## What it does not know",
        "Every answer says how much its photograph looks like the streets that the network was trained on: the share "
        f"of known streets that look as strange or stranger. Below {LEAST:g} it carries a warning. Learnt from "
        f"{about['samples']:,} photographs, other views of them, and pictures made of them that are no streets: "
        f"`{about['command']}`. AUROC: of pairs of such a picture and a street of the validation cities, the share of "
        "which the picture is the stranger.",
        "\n".join(lines),
    ]
