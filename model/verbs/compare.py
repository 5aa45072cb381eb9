"""`python -m model compare`: train and score networks or recipes under one budget, and put them side by side."""

from __future__ import annotations

import argparse
import copy
import shlex
from pathlib import Path

from model.verbs import train

HELP = "train and score a list of networks under one budget"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser: its own, and those of `train` that all entries share."""
    parser.add_argument(
        "--entry",
        action="append",
        metavar="ENTRY",
        help="the name of a network, or 'LABEL: FLAGS' with flags of `train`; repeatable (default: every network)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/comparison"), help="folder of runs, artifacts, report")
    parser.add_argument("--workers", type=int, default=2, help="threads that read ahead")
    train.add_recipe(parser)


def run(options: argparse.Namespace) -> None:
    """Train what is not trained yet, measure latencies, write the report, print the table."""
    from model.training.comparison import entries, latency, report, running

    texts = options.entry or _every_network()
    parts = [entries.split_entry(text) for text in texts]
    found = [entries.Entry(label, train.settings(_overridden(options, flags))) for label, flags in parts]
    command = _command(options, texts)
    results = running.run(found, options.out, workers=options.workers)
    print(f"measuring the latency of {len(found)} networks in turns", flush=True)
    latencies = latency.measure([entry.folder(options.out) / "artifact" for entry in found])
    rows = report.rows(results, latencies, [flags for _, flags in parts])
    print(f"\n{report.markdown(rows)}")
    paths = report.write(rows, options.out, settings=found[0].settings, command=command)
    print(f"wrote {', '.join(map(str, paths))}")


def _every_network() -> list[str]:
    from model.networks.registry import NAMES

    return list(NAMES)


def _overridden(options: argparse.Namespace, flags: str) -> argparse.Namespace:
    """Return the shared flags with an entry's own over them."""
    parser = argparse.ArgumentParser(prog="python -m model compare --entry", add_help=False)
    train.add_recipe(parser)
    return parser.parse_args(shlex.split(flags), namespace=copy.deepcopy(options))


def _command(options: argparse.Namespace, texts: list[str]) -> str:
    """Return the command line that repeats the comparison, one flag a line.

    The shared flags need not fit together: an entry's own stand over them.
    """
    from model.training.comparison.entries import split_entry
    from model.training.settings import flags

    shared = flags(train.given(options))
    if all("--network" in split_entry(text)[1] for text in texts):
        shared = [flag for flag in shared if not flag.startswith("--network ")]
    words = [f"--entry {shlex.quote(text)}" for text in texts]
    return " \\\n  ".join(["python -m model compare", *words, f"--out {shlex.quote(str(options.out))}", *shared])
