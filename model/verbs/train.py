"""`python -m model train`: data sets in, artifact out."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.data.datasets import SYNTHETIC

HELP = "train a network and write its artifact"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--data", action="append", help=f"data set folder, repeatable, or {SYNTHETIC!r} (used when none is given)")
    add("--val-data", help="data set whose val split is scored after each epoch (default: the first --data)")
    add("--run", type=Path, default=Path("runs/unet"), help="folder of checkpoint and settings; goes on if it has one")
    add("--artifact", type=Path, default=Path("runs/unet/artifact"), help="folder that receives the network")
    add("--encoder-weights", default="none", help="MobileNetV2 .weights.h5 file, 'imagenet' to download, or 'none'")
    add("--freeze-encoder-batch-norm", action="store_true", help="keep the encoder's batch norms as they come")
    add("--height", type=int, default=320, help="of the input when serving, pixels, a multiple of 32")
    add("--width", type=int, default=640, help="likewise")
    add("--crop-height", type=int, default=256, help="of a training crop, pixels, a multiple of 32")
    add("--crop-width", type=int, default=512, help="likewise")
    add("--min-scale", type=float, default=0.75, help="smallest size of an image in training, relative to --height")
    add("--max-scale", type=float, default=1.75, help="largest")
    add("--epochs", type=int, default=24, help="passes over the training samples")
    add("--batch-size", type=int, default=8, help="crops in a step")
    add("--learning-rate", type=float, default=6e-4, help="peak of warm-up and cosine")
    add("--warm-up", type=float, default=0.05, help="share of all steps")
    add("--weight-decay", type=float, default=0.02, help="of AdamW, weights only")
    add("--ema", type=float, default=0.998, help="momentum of the weights' moving average")
    add("--dice", type=float, default=0.5, help="weight of the Dice loss beside cross-entropy")
    add("--seed", type=int, default=1, help="of everything random")
    add("--workers", type=int, default=2, help="threads that read ahead")


def run(options: argparse.Namespace) -> None:
    """Train, or go on with, the network that the flags describe."""
    from model.training.settings import Settings
    from model.training.train import train

    data = tuple(options.data or [SYNTHETIC])
    settings = Settings(
        data=data,
        validation=options.val_data or data[0],
        encoder_weights=options.encoder_weights,
        freeze_encoder_batch_norm=options.freeze_encoder_batch_norm,
        height=options.height,
        width=options.width,
        crop_height=options.crop_height,
        crop_width=options.crop_width,
        min_scale=options.min_scale,
        max_scale=options.max_scale,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        warm_up=options.warm_up,
        weight_decay=options.weight_decay,
        ema=options.ema,
        dice=options.dice,
        seed=options.seed,
    )
    written = train(settings, run_folder=options.run, artifact_folder=options.artifact, workers=options.workers)
    print(f"wrote {written.folder} ({written.version})")
