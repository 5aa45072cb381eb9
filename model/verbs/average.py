"""`python -m model average`: several artifacts of one network in, the network between them out."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.verbs.flags import shares

HELP = "make the mean of the weights of several networks that were trained from one another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add(
        "artifacts",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="artifacts; the first one's card says size, data and views",
    )
    add("--shares", type=shares, metavar="A,B", help="of each in the mean (default: equal ones)")
    add("--out", type=Path, required=True, help="folder that receives the network and its card")
    add("--workers", type=int, default=2, help="threads that read ahead")


def run(options: argparse.Namespace) -> None:
    """Average, calibrate, score and write."""
    from model.training.mixing import mix

    given = options.shares or [1.0] * len(options.artifacts)
    made = mix(options.artifacts, given, artifact_folder=options.out, workers=options.workers)
    scores = made.card["scores"]["validation"]
    print(f"wrote {made.folder} ({made.version}), mean IoU {scores['mean_iou']:.4f} on {scores['images']} images")
