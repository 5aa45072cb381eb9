"""`python -m model prepare`: archives or folders in; train, val and test by city, checked and fast to read, out.

Every image is read once, checked, counted and resized. A run that is killed goes on when the same command is given
again, and ends with the same bytes as an unbroken one.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model.data.datasets import SYNTHETIC

HELP = "turn archives or folders into a checked data set by city, with a manifest and a fast cache"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add(
        "source",
        nargs="*",
        metavar="SOURCE",
        help="zip archives such as leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip, which stay packed, or folders "
        f"(of Cityscapes, of CamVid, images/ with masks/, or one that holds the archives), or {SYNTHETIC!r} (used when "
        "none is given)",
    )
    add("--out", type=Path, default=Path("data/prepared"), help="folder that receives manifest.json and cache/")
    add("--height", type=int, default=320, help="of the cached images, pixels")
    add("--width", type=int, default=640, help="likewise")
    add("--no-cache", action="store_true", help="manifest only; samples are then read from the source at its own size")
    city = {"nargs": "*", "metavar": "CITY"}
    add("--train-cities", **city, help="for train (default: the others of official-train)")
    add("--val-cities", **city, help="for val, instead of aachen zurich; official-val stands for all of that split")
    add("--test-cities", **city, help="for test, instead of official-val; no city after it for no test split")
    add("--limit", type=int, help="at most so many images of each split, spread over it: to try things out")
    add("--workers", type=int, default=2, help="threads that read")
    add("--anew", action="store_true", help="start from the beginning, whatever an earlier run left in --out")


def run(options: argparse.Namespace) -> None:
    """Prepare the data set, and print what it holds."""
    from model.data.preparation.prepare import Settings, prepare
    from model.data.preparation.splits import Wishes
    from model.data.preparation.summary import table

    cities = (options.train_cities, options.val_cities, options.test_cities)
    settings = Settings(
        size=(options.height, options.width),
        cached=not options.no_cache,
        limit=options.limit,
        wishes=Wishes(*(None if named is None else tuple(named) for named in cities)),
    )
    manifest, before = prepare(options.source, options.out, settings, workers=options.workers, anew=options.anew)
    if before == len(manifest["samples"]):
        print(f"{options.out} was prepared from the same source with the same flags before: nothing to do")
    print(f"\n{table(manifest)}\n\nwrote {options.out}. Next:")
    data = shlex.join(["--data", str(options.out)])
    print(f"  python -m model train {data}")
    print(f"  python -m model evaluate {data} --split val-original  (scores at the originals' size, not the cache's)")
