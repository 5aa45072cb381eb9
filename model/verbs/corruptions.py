"""`python -m model evaluate --corruptions`: what a network keeps of its score on corrupted photographs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from model.data.corruption import NAMES, STRENGTHS

ALL = "all"

# What evaluate measures beside scores, or measures otherwise: by flag, with the value that it has when nobody gives it.
_WITHOUT = {
    "predictions": None,
    "against": None,
    "report": None,
    "export_official": None,
    "card_precision": False,
    "cache": None,
    "no_boundary": False,
    "flip": False,
    "scales": (1.0,),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two flags to the parser of evaluate."""
    named = f"{ALL!r}, or some of {', '.join(NAMES)}"
    numbered = ", ".join(f"{number} {word}" for number, word in STRENGTHS.items())
    add = parser.add_argument
    add("--corruptions", type=_names, metavar="A,B", help=f"score on corrupted photographs, and only so: {named}")
    add("--strengths", type=_strengths, metavar="1,2", help=f"of --corruptions: {numbered}; all where none is named")


def check(options: argparse.Namespace) -> None:
    """Refuse flags that say nothing together.

    Raises:
        ValueError: --corruptions stands beside what it does not do, or --strengths without it.
    """
    if options.corruptions is None:
        if options.strengths is not None:
            raise ValueError(
                "Received --strengths without --corruptions. Expected both: add --corruptions all, or leave it out."
            )
        return
    given = [name for name, usual in _WITHOUT.items() if getattr(options, name) != usual]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"Received --corruptions with {flags}. Expected a network as it serves, and of files --json and --card: "
            "run evaluate once more, without --corruptions, for the rest."
        )


def run(options: argparse.Namespace, side, samples: list, about: dict) -> None:
    """Score a network clean and corrupted, print the tables, and write what the flags ask for.

    Args:
        options: of evaluate.
        side: the network, a `model.training.evaluation.sides.Network`.
        samples: what to score on.
        about: model, engine, data, split and the command without the flags of this module.
    """
    from model.training.evaluation import robustness

    names, strengths = options.corruptions, options.strengths or tuple(STRENGTHS)
    scores = robustness.measure(side.segmenter, samples, names=names, strengths=strengths)
    print(f"{side.name} on {side.means}, {scores.images} images of {options.data} ({options.split})\n")
    print(robustness.table(scores))
    words = [about["command"], "--corruptions", ALL if names == NAMES else ",".join(names)]
    words += [] if options.strengths is None else ["--strengths", ",".join(map(str, strengths))]
    found = about | {"command": " ".join(words)} | scores.as_dict()
    if options.json is not None:
        _write_json(options.json, found)
    if options.card is not None:
        from model.training.card import add_robustness

        add_robustness(side.segmenter.artifact, options.card, found)
        print(f"\nwrote the card in {options.artifact}")


def _write_json(path: Path, found: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(f"\nwrote {path}")


def _names(text: str) -> tuple[str, ...]:
    if text == ALL:
        return NAMES
    return _each_once(text, {name: name for name in NAMES}, f"{ALL!r}, or names out of {', '.join(NAMES)}")


def _strengths(text: str) -> tuple[int, ...]:
    return _each_once(text, {str(number): number for number in STRENGTHS}, "numbers out of 1, 2, 3")


def _each_once(text: str, known: dict, expected: str) -> tuple:
    """Read names between commas, in the order of what is known."""
    parts = text.split(",")
    unknown = [part for part in parts if part not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"received {', '.join(map(repr, unknown))}, expected {expected}")
    return tuple(value for name, value in known.items() if name in parts)
