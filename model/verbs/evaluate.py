"""`python -m model evaluate`: an artifact and a data set in, scores out."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.inference import engines

HELP = "score an artifact as Cityscapes does"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--data", default=SYNTHETIC, help=f"data set folder, or {SYNTHETIC!r}")
    add("--split", default="val", help="split of it")
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--engine", choices=engines.NAMES, default="auto", help="what runs the network")
    add("--precision", choices=engines.PRECISIONS, default="auto", help="of its arithmetic")
    add("--json", type=Path, help="also write everything to this file")
    add("--card", metavar="NAME", help="put the scores into the artifact's card under this name")
    add("--card-precision", action="store_true", help="compare with Keras in float32; put that into the card as well")
    add("--export-official", type=Path, help="write label id PNGs for the official scripts into this folder")


def run(options: argparse.Namespace) -> None:
    """Score the artifact, print the table, and write what the flags ask for."""
    from model.data.datasets import open_samples
    from model.data.samples import check
    from model.inference import segmenter
    from model.training.card import add_scores
    from model.training.evaluate import evaluate, table, write_json

    loaded = segmenter.load(options.artifact, engine=options.engine, precision=options.precision)
    samples = open_samples(options.data, options.split)
    check(samples)
    scores = evaluate(loaded, samples, export_official=options.export_official)
    about = {
        "model": loaded.version,
        "engine": f"{loaded.engine.name} {loaded.engine.precision}",
        "data": options.data,
        "split": options.split,
        "command": _repeatable(options),
    }
    print(f"{about['model']} on {about['engine']}, {scores.images} images of {options.data} ({options.split})\n")
    print(table(scores))
    if options.json is not None:
        write_json(scores, options.json, about=about)
        print(f"\nwrote {options.json}")
    if options.card is not None:
        add_scores(loaded.artifact, options.card, scores, about=about)
        print(f"\nwrote the card in {options.artifact}")
    if options.card_precision:
        _card_precision(loaded, samples, about | scores.as_dict())


def _card_precision(loaded, samples: list, found: dict) -> None:
    from model.inference.segmenter import load
    from model.training.card import add_precision
    from model.training.scoring import equal_labels

    equal = equal_labels(samples, loaded, load(loaded.artifact.folder, engine="tensorflow"))
    print(f"\nlabels equal to those of Keras in float32: {equal:.4%}")
    kept = ("data", "split", "images", "mean_iou", "iou", "command")
    entry = {name: found[name] for name in kept} | {"equal_labels": equal}
    add_precision(artifact.read(loaded.artifact.folder), loaded.engine.precision, entry)


def _repeatable(options: argparse.Namespace) -> str:
    """Return the command line that gives the same scores again."""
    words = ["python", "-m", "model", "evaluate", "--data", options.data, "--split", options.split]
    if options.artifact != artifact.DEFAULT_FOLDER:
        words += ["--artifact", str(options.artifact)]
    words += ["--engine", options.engine]
    return shlex.join(words if options.precision == "auto" else [*words, "--precision", options.precision])
