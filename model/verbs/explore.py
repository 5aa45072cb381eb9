"""`python -m model explore`: a data set in, one page about it out, with all that is worth knowing before training."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model.data.datasets import SYNTHETIC
from model.verbs.flags import Once

HELP = "write a report about a data set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--data", action=Once, default=SYNTHETIC, help=f"data set folder, or {SYNTHETIC!r}")
    add("--split", action="append", help="split of it, repeatable (all that it has when none is given)")
    add("--images", type=int, help="look only at this many of each split, evenly spaced")
    add("--out", type=Path, default=Path("runs/explore/report.html"), help="the report, one HTML file")
    add("--json", type=Path, help="also write every number to this file")
    add("--title", help="of the report (default: the name of the folder)")
    add("--workers", type=int, default=2, help="threads that read")


def run(options: argparse.Namespace) -> None:
    """Explore the data set and write what was found."""
    from model.data.datasets import open_samples, splits, terms
    from model.data.exploration.exploring import explore, write

    if options.images is not None and options.images < 1:
        raise ValueError(f"Received --images {options.images}. Expected 1 or more, or leave it out to look at all.")
    names = options.split or splits(options.data)
    samples = {name: _thinned(open_samples(options.data, name), options.images) for name in names}
    found = explore(
        samples,
        title=options.title or Path(options.data).resolve().name,
        layout=terms(options.data)[0],
        command=_repeatable(options),
        workers=options.workers,
    )
    write(found, html=options.out, numbers=options.json)
    print(f"wrote {options.out} ({len(found.html) / 1e6:.1f} MB, {found.numbers['all']['images']} images)")
    if options.json is not None:
        print(f"wrote {options.json}")


def _thinned(samples: list, count: int | None) -> list:
    if count is None or count >= len(samples):
        return samples
    return [samples[index * len(samples) // count] for index in range(count)]


def _repeatable(options: argparse.Namespace) -> str:
    """Return the command line that gives the same report again."""
    words = ["python", "-m", "model", "explore", "--data", options.data]
    for split in options.split or ():
        words += ["--split", split]
    return shlex.join(words if options.images is None else [*words, "--images", str(options.images)])
