"""`python -m model ensemble`: several artifacts in, the network that answers the mean of theirs out."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.verbs.flags import scales, shares

HELP = "make one network that answers the mean of what several say"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add(
        "artifacts",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="of any networks; of several input sizes with --height",
    )
    add("--shares", type=shares, metavar="A,B", help="of each in the mean (default: equal ones)")
    add(
        "--scales",
        type=scales,
        metavar="A,B",
        help="of the image that each sees: 1, or 0.5 for half of its sides (default: 1s); a network may come twice",
    )
    add(
        "--height",
        type=int,
        help="of its input when serving, pixels, a multiple of 32, with --scales 1,0.5 of 64 (default: the artifacts')",
    )
    add("--width", type=int, help="likewise")
    add(
        "--fit-images",
        type=int,
        default=0,
        metavar="N",
        help="mix the logits of each as agrees best with so many training images; --shares is where that begins",
    )
    add("--fit-loss", metavar="LOSS", help="what agrees best, as `train --loss` takes it (default: that of the first)")
    add("--out", type=Path, required=True, help="folder that receives the network and its card")


def run(options: argparse.Namespace) -> None:
    """Join, calibrate, score and write."""
    from model.training.ensembling import join

    if (options.height is None) != (options.width is None):
        raise ValueError(f"Received --height {options.height} and --width {options.width}. Expected both, or neither.")
    if options.fit_images < 0:
        raise ValueError(f"--fit-images is {options.fit_images}. Expected 0 for a plain mean, or how many images.")
    if options.fit_loss and not options.fit_images:
        raise ValueError(f"Received --fit-loss {options.fit_loss} without --fit-images. Expected how many images.")
    size = None if options.height is None else (options.height, options.width)
    made = join(
        options.artifacts,
        options.shares,
        artifact_folder=options.out,
        size=size,
        fit_images=options.fit_images,
        fit_loss=options.fit_loss,
        scales=options.scales,
    )
    scores = made.card["scores"]["validation"]
    print(f"wrote {made.folder} ({made.version}), mean IoU {scores['mean_iou']:.4f} on {scores['images']} images")
